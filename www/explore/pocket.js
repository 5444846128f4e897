// @ts-check
/** The pocket on a map, and random changes of the same size, counted. */
import { create } from '../dom.js';
import { watchTheme } from '../theme.js';
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
  const noise = noiseView(client, (norm, surface) => {
    if (!shown) return;
    const { network, image } = shown;
    client.ask('noise', 'noise', { network, image, norm, tries: TRIES, seed: 7, surface }, (counted) => noise.show(counted));
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
      words.textContent = '';
      return;
    }
    shown = { network, image: answer.digit.values, r, norm: answer.outcome.norm };
    map.about(shown.norm);
    map.reset();
    noise.about(shown.norm);
  };
}

/** @param {Regions} regions */
const inWords = ({ shares }) =>
  `In view: ${shares.map(({ label, share }) => `classified as ${label} ${Math.round(100 * share)} %`).join(', ')}.`;

/** @param {Client} client @param {(norm: number, surface: string) => void} wanted */
function noiseView(client, wanted) {
  const count = create('b', { class: 'count' });
  const rest = create('span', {});
  const small = picture(client, 'noise', 'Your digit with random noise');
  const dots = create('canvas', { class: 'dots', 'aria-hidden': 'true' });
  const context = dots.getContext('2d');
  const slider = create('input', { type: 'range', id: 'noise', min: '0', max: String(OCTAVES), step: '0.05', value: '0' });
  const size = create('p', { class: 'note' });
  const element = create(
    'div',
    { class: 'noise' },
    create('p', { class: 'words' }, count, ' of 1,000 random changes ', rest),
    dots,
    create('div', { class: 'slider' }, create('label', { for: 'noise' }, 'Size of the noise'), slider),
    create('div', { class: 'sample' }, small.element, size),
  );
  /** @type {number | null} */ let norm = null;
  /** @type {Counted | null} */ let counted = null;
  const times = () => 2 ** Number(slider.value);

  const ask = () => {
    if (norm !== null) wanted(times() * norm, small.name);
    refresh();
  };
  function refresh() {
    const all = (counted?.tried ?? 0) === TRIES;
    count.textContent = counted ? (all ? '' : '≥ ') + counted.changed.toLocaleString('en') : '–';
    rest.textContent =
      times() === 1 ? 'of the same size change the prediction' : `${times().toFixed(1)} times as large change the prediction`;
    slider.disabled = norm === null;
    size.textContent =
      norm === null ? '' : `One of them. Its size ‖·‖₂ is ${(times() * norm).toFixed(2)}; that of r is ${norm.toFixed(2)}.`;
    slider.setAttribute('aria-valuetext', `${times().toFixed(1)} times r, ${count.textContent} of 1,000 change the prediction`);
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
