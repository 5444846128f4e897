// @ts-check
/** The pocket on a map, and random changes of the same size and larger, counted: clipped to the box or not. */
import { create } from '../dom.js';
import { watchTheme } from '../theme.js';
import { apartView } from './apart.js';
import { crossingView } from './crossing.js';
import { mapView } from './map.js';
import { watchProof } from './proof.js';
import { empty, picture } from './picture.js';

/** @import { Client } from '../client.js' */
/** @import { Counted, Map as Regions } from '../protocol.js' */
/** @import { Tools, Update } from './stage.js' */

/** Cells along a side of the map. */
const CELLS = 144;
const TRIES = 1000;
/** Dots in one row of the picture of all tries. */
const ROW = 40;
/** The largest noise is 2 to this power times ‖r‖. */
const OCTAVES = 4;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client }) {
  /** @type {{ network: string, image: Float32Array, r: Float32Array, norm: number } | null} */ let shown = null;
  let seed = 1;
  const words = create('p', { id: 'map-words', class: 'visually-hidden' });
  const map = mapView(client, (view, surface) => {
    if (!shown) return;
    const { network, image, r } = shown;
    client.ask('plane', 'plane', { network, image, r, ...view, side: CELLS, seed, surface }, (regions) => {
      map.show(regions, view, surface);
      words.textContent = inWords(regions);
    });
  });
  const button = (/** @type {string} */ name, /** @type {() => void} */ clicked) => {
    const made = create('button', { type: 'button' }, name);
    made.addEventListener('click', clicked);
    return made;
  };
  const another = () => {
    seed++;
    map.reset();
  };
  const apart = apartView(client);
  const crossing = crossingView(client);
  const noise = noiseView(client, (norm, clipped, surface) => {
    if (!shown) return;
    const { network, image } = shown;
    client.ask('noise', 'noise', { network, image, norm, tries: TRIES, seed: 7, clipped, surface }, (counted) => noise.show(counted));
    crossing.mark(norm);
  });
  figure.append(
    create(
      'div',
      { class: 'columns pocket' },
      create(
        'div',
        {},
        map.element,
        words,
        create(
          'div',
          { class: 'player tools-below' },
          button('Zoom in', map.zoomIn),
          button('Zoom out', map.zoomOut),
          button('Whole', map.reset),
          button('Another cut', another),
        ),
        create(
          'p',
          { class: 'note' },
          'Across: along ',
          create('i', { class: 'r' }, 'r'),
          '. Up: along a random direction. Nothing within the solid ring changes the prediction: that is proved. On the dashed one lies x′. The bar is a distance ‖·‖₂. Drag or use the arrow keys to move, + and − to zoom.',
        ),
      ),
      noise.element,
    ),
    apart.element,
    crossing.element,
  );
  watchProof((certified) => map.prove(certified?.any ?? null));
  return ({ answer, network }) => {
    const r = answer?.perturbation?.values;
    if (!answer?.digit || !answer.outcome || !r) {
      shown = null;
      client.cancel('plane');
      client.cancel('noise');
      map.about(null);
      noise.about(null);
      apart.about(null);
      crossing.about(null);
      words.textContent = '';
      return;
    }
    shown = { network, image: answer.digit.values, r, norm: answer.outcome.norm };
    map.about(shown.norm);
    map.reset();
    noise.about(shown.norm);
    apart.about({ ...shown, r, label: answer.adversarial?.label ?? null });
    crossing.about(shown);
  };
}

/** @param {Regions} regions */
const inWords = ({ shares, side, labels }) =>
  `In the middle: ${labels[(side / 2) * (side + 1)]}. In view: ${shares.map(({ label, share }) => `classified as ${label} ${Math.round(100 * share)} %`).join(', ')}.`;

/** @param {Client} client @param {(norm: number, clipped: boolean, surface: string) => void} wanted */
function noiseView(client, wanted) {
  let isClipped = false;
  const count = create('b', { class: 'count' });
  const rest = create('span', {});
  const small = picture(client, 'noise', 'Your digit with random noise');
  const dots = create('canvas', { class: 'dots', 'aria-hidden': 'true' });
  const context = dots.getContext('2d');
  const slider = create('input', { type: 'range', id: 'noise', min: '0', max: String(OCTAVES), step: '0.05', value: '0' });
  const size = create('p', { class: 'note' });
  const kinds = [
    { clipped: false, name: 'not clipped', more: 'as in the paper; pixels may leave [0, 1]' },
    { clipped: true, name: 'clipped', more: 'to [0, 1]: on empty paper half of it is lost' },
  ].map(({ clipped, name, more }) => {
    const input = create('input', { type: 'radio', name: 'clipping', value: name });
    input.checked = clipped === isClipped;
    input.addEventListener('change', () => {
      isClipped = clipped;
      ask();
    });
    return create('label', { class: 'option' }, input, create('span', {}, name, create('small', {}, more)));
  });
  const element = create(
    'div',
    { class: 'noise' },
    create('p', { class: 'words' }, count, ' of 1,000 random changes ', rest),
    dots,
    create('div', { class: 'choices', role: 'radiogroup', 'aria-label': 'The noise is' }, ...kinds),
    create('div', { class: 'slider' }, create('label', { for: 'noise' }, 'Size of the noise'), slider),
    create('div', { class: 'sample' }, small.element, size),
  );
  /** @type {number | null} */ let norm = null;
  /** @type {Counted | null} */ let counted = null;
  const times = () => 2 ** Number(slider.value);

  const ask = () => {
    if (norm !== null) wanted(times() * norm, isClipped, small.name);
    refresh();
  };
  function refresh() {
    const all = (counted?.tried ?? 0) === TRIES;
    count.textContent = counted ? (all ? '' : '≥ ') + counted.changed.toLocaleString('en') : '–';
    rest.textContent =
      times() === 1 ? 'of the same size change the prediction' : `${times().toFixed(1)} times as large change the prediction`;
    slider.disabled = norm === null;
    size.textContent =
      norm === null
        ? ''
        : `One of them, ${isClipped ? 'clipped' : 'not clipped'}. Its size ‖·‖₂ is ${(times() * norm).toFixed(2)}; that of r is ${norm.toFixed(2)}.`;
    slider.setAttribute(
      'aria-valuetext',
      `${times().toFixed(1)} times r, ${count.textContent} of 1,000 change the prediction, ${isClipped ? 'clipped' : 'not clipped'}`,
    );
    if (counted) small.show(true);
    else empty(client, small);
    paint();
  }
  function paint() {
    const ratio = devicePixelRatio || 1;
    const width = dots.clientWidth;
    if (!context || width === 0) return;
    const step = width / ROW;
    dots.width = Math.round(width * ratio);
    dots.height = Math.round((TRIES / ROW) * step * ratio);
    context.scale(ratio, ratio);
    const style = getComputedStyle(dots);
    const paths = { hit: new Path2D(), miss: new Path2D() };
    for (let k = 0; k < TRIES; k++) {
      const [x, y] = [((k % ROW) + 0.5) * step, (Math.floor(k / ROW) + 0.5) * step];
      const path = counted && k < counted.changed ? paths.hit : paths.miss;
      path.moveTo(x, y);
      path.arc(x, y, 0.34 * step, 0, 7);
    }
    context.fillStyle = style.borderColor;
    context.fill(paths.miss);
    context.fillStyle = style.color;
    context.fill(paths.hit);
  }
  slider.addEventListener('input', ask);
  new ResizeObserver(paint).observe(element);
  watchTheme(paint);
  return {
    element,
    /** @param {number | null} length ‖r‖₂ */
    about(length) {
      norm = length;
      if (length === null) counted = null;
      ask();
    },
    /** @param {Counted} next */
    show(next) {
      counted = next;
      refresh();
    },
  };
}
