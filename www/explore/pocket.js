// @ts-check
/** The pocket on a map, and random changes of the same size, counted. */
import { create } from '../dom.js';
import { mapView } from './map.js';
import { picture } from './pixels.js';

/** @import { Scene, Tools, Update } from './stage.js' */

/** Cells along a side of the map. */
const CELLS = 144;
const TRIES = 1000;
/** Dots in one row of the picture of all tries. */
const ROW = 40;
/** The largest noise is 2 to this power times ‖r‖. */
const OCTAVES = 4;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { explorer }) {
  /** @type {{ network: string, image: Float32Array, r: Float32Array, prediction: number, norm: number } | null} */ let shown = null;
  let seed = 1;
  const words = create('p', { id: 'map-words', class: 'visually-hidden' });
  const map = mapView((view) => {
    if (!shown) return;
    const { network, image, r } = shown;
    explorer.ask('plane', { network, image, r, ...view, side: CELLS, seed }, ({ side, labels }) => {
      map.show(labels, side, view);
      words.textContent = inWords(labels);
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
  const noise = noiseView((norm) => {
    if (!shown) return;
    const { network, image, prediction } = shown;
    explorer.ask('noise', { network, image, prediction, norm, tries: TRIES, seed: 7 }, (counted) => noise.show(counted));
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
        create('div', { class: 'player tools-below' }, button('Zoom in', map.zoomIn), button('Zoom out', map.zoomOut), button('Whole', map.reset), button('Another cut', another)),
        create('p', { class: 'note' }, 'Across: along ', create('i', { class: 'r' }, 'r'), '. Up: along a random direction. The bar is a distance ‖·‖₂. Drag or use the arrow keys to move, + and − to zoom.'),
      ),
      noise.element,
    ),
  );
  return ({ answer, network }) => {
    const r = answer?.perturbation?.values;
    if (!answer?.digit || !answer.outcome || !r) {
      shown = null;
      explorer.forget('plane');
      explorer.forget('noise');
      map.about(null);
      noise.about(null);
      words.textContent = '';
      return;
    }
    shown = { network, image: answer.digit.values, r, prediction: answer.digit.label, norm: answer.outcome.norm };
    map.about(shown.norm);
    map.reset();
    noise.about(shown.norm);
  };
}

/** @param {Uint8Array} labels */
function inWords(labels) {
  const counts = new Array(10).fill(0);
  for (const label of labels) counts[label]++;
  const shares = counts.map((count, label) => ({ label, share: count / labels.length })).filter(({ share }) => share >= 0.005);
  shares.sort((a, b) => b.share - a.share);
  return `In view: ${shares.map(({ label, share }) => `read as ${label} ${Math.round(100 * share)} %`).join(', ')}.`;
}

/** @param {(norm: number) => void} wanted */
function noiseView(wanted) {
  const count = create('b', { class: 'count' });
  const rest = create('span', {});
  const small = picture('Your digit with random noise');
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
  /** @type {import('./messages.js').Counted | null} */ let counted = null;
  const times = () => 2 ** Number(slider.value);

  const ask = () => {
    if (norm !== null) wanted(times() * norm);
    refresh();
  };
  function refresh() {
    const all = (counted?.tried ?? 0) === TRIES;
    count.textContent = counted ? (all ? '' : '≥ ') + counted.changed.toLocaleString('en') : '–';
    rest.textContent = times() === 1 ? 'of the same size change the reading' : `${times().toFixed(1)} times as large change the reading`;
    slider.disabled = norm === null;
    size.textContent = norm === null ? '' : `One of them. Its size ‖·‖₂ is ${(times() * norm).toFixed(2)}; that of r is ${norm.toFixed(2)}.`;
    slider.setAttribute('aria-valuetext', `${times().toFixed(1)} times r, ${count.textContent} of 1,000 change the reading`);
    if (counted) small.ink(counted.sample);
    else small.empty();
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
  return {
    element,
    /** @param {number | null} length ‖r‖₂ */
    about(length) {
      norm = length;
      if (length === null) counted = null;
      ask();
    },
    /** @param {import('./messages.js').Counted} next */
    show(next) {
      counted = next;
      refresh();
    },
  };
}
