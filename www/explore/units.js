// @ts-check
/** The test digits that one unit likes best, and those furthest along a random direction of the same layer. */
import { create } from '../dom.js';
import { SIDE } from '../messages.js';
import { chart } from './chart.js';
import { picture } from './pixels.js';

/** @import { Ranked } from './messages.js' */
/** @import { Scene, Tools, Update } from './stage.js' */

/** Digits in a row. */
const TOP = 10;
const BINS = 40;
const PIXELS = SIDE * SIDE;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { explorer }) {
  /** @type {Scene | null} */ let scene = null;
  /** @type {Uint8Array | null} two pixels a byte, the first in the high half */ let packed = null;
  let [layer, unit, seed] = [0, 0, 1];
  const layers = create('div', { class: 'choices', role: 'radiogroup', 'aria-label': 'Layer' });
  const rows = [
    rowView('One unit', 'Another unit', () => {
      unit = Math.floor(Math.random() * width());
      ask();
    }),
    rowView('A random direction', 'Another direction', () => {
      seed++;
      ask();
    }),
  ];
  const note = create('p', { class: 'note' }, 'The first thousand test digits of MNIST.');
  figure.append(layers, ...rows.map(({ element }) => element), note);

  const width = () => scene?.widths[layer + 1] ?? 1;
  const ask = () => {
    if (!scene || !packed) return;
    unit = Math.min(unit, width() - 1);
    const { network, answer } = scene;
    const image = answer?.digit?.values ?? null;
    const digits = packed;
    const told = (/** @type {Ranked[]} */ ranked) => {
      rows.forEach((row, k) => row.show(ranked[k], digits, image !== null));
      rows[0].title(`Unit ${unit + 1} of ${width()}`);
      rows[1].title(`A random direction in the same ${width()} dimensions`);
    };
    explorer.ask('units', { network, image, digits, layer, unit, seed, count: TOP }, told);
  };
  fetch(new URL('../digits/test-1000.bin', import.meta.url))
    .then(async (response) => {
      if (!response.ok) throw new Error(String(response.status));
      packed = new Uint8Array(await response.arrayBuffer());
      ask();
    })
    .catch((error) => {
      note.textContent = `The test digits could not be loaded (${error.message}).`;
    });

  /** @param {number[]} widths */
  function offerLayers(widths) {
    const hidden = Math.max(1, widths.length - 2);
    layer = Math.min(layer, hidden - 1);
    if (layers.childElementCount === hidden && layers.dataset.widths === String(widths)) return;
    layers.dataset.widths = String(widths);
    layers.replaceChildren(
      ...Array.from({ length: hidden }, (_, k) => {
        const input = create('input', { type: 'radio', name: 'layer', value: String(k) });
        input.checked = k === layer;
        input.addEventListener('change', () => {
          layer = k;
          ask();
        });
        const name = widths.length === 2 ? 'the logits' : `hidden layer ${k + 1}`;
        return create('label', { class: 'option' }, input, create('span', {}, name, create('small', {}, `${widths[k + 1]} units`)));
      }),
    );
  }
  return (next) => {
    scene = next;
    offerLayers(next.widths);
    ask();
  };
}

/** @param {string} title @param {string} again @param {() => void} reroll */
function rowView(title, again, reroll) {
  const heading = create('h3', {}, title);
  const button = create('button', { type: 'button' }, again);
  button.addEventListener('click', reroll);
  const pictures = Array.from({ length: TOP }, () => picture());
  const tops = create('div', { class: 'tops', role: 'img', 'aria-label': `${title}: its ten test digits` }, ...pictures.map(({ element }) => element));
  const histogram = chart({ name: `${title}: all test digits and yours`, height: 130 });
  const words = create('p', { class: 'words' });
  const element = create('div', { class: 'columns unit' }, create('div', {}, heading, button), create('div', {}, tops, histogram.element, words));
  return {
    element,
    /** @param {string} text */
    title(text) {
      heading.textContent = text;
    },
    /** @param {Ranked} ranked @param {Uint8Array} packed @param {boolean} drawn there is a digit of the visitor's */
    show({ top, scores, own }, packed, drawn) {
      pictures.forEach((each, k) => each.ink(unpack(packed, top[k])));
      const [low, high] = [Math.min(...scores, drawn ? own : Infinity), Math.max(...scores, drawn ? own : -Infinity)];
      const counts = new Array(BINS).fill(0);
      const size = (high - low || 1) / BINS;
      for (const score of scores) counts[Math.min(Math.floor((score - low) / size), BINS - 1)]++;
      const steps = counts.flatMap((count, k) => /** @type {[number, number][]} */ ([[low + k * size, count], [low + (k + 1) * size, count]]));
      histogram.draw({
        x: { label: 'how far along', domain: [low, high] },
        y: { label: 'test digits', domain: [0, Math.max(...counts)], ticks: [0, Math.max(...counts)] },
        lines: [{ points: steps }],
        marks: drawn ? [{ x: own, label: 'your digit', kind: 'own' }] : [],
      });
      const before = scores.reduce((n, score) => n + Number(score > own), 0);
      words.textContent = drawn ? `${before.toLocaleString('en')} of ${scores.length.toLocaleString('en')} test digits lie further along than yours.` : '';
      histogram.describe(words.textContent);
    },
  };
}

/** @param {Uint8Array} packed @param {number} index */
function unpack(packed, index) {
  const bytes = packed.subarray((index * PIXELS) / 2, ((index + 1) * PIXELS) / 2);
  return Float32Array.from({ length: PIXELS }, (_, k) => (k % 2 ? bytes[k >> 1] & 15 : bytes[k >> 1] >> 4) / 15);
}
