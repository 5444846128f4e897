// @ts-check
/** All nine targets at once, and the way from the digit to its example and beyond. */
import { create } from '../dom.js';
import { LABELS } from '../messages.js';
import { NOTHING, percent } from '../numbers.js';
import { chart } from './chart.js';
import { moved, picture } from './pixels.js';

/** @import { Scene, Tools, Update } from './stage.js' */

/** The way ends at x + 2r; the slider stops at each place that is computed. */
const UNTIL = 2;
const PLACES = 201;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { explorer, page }) {
  const strip = stripView(page.chooseTarget);
  const way = wayView();
  figure.append(strip.element, way.element);
  return ({ answer, network, reading, target }) => {
    const digit = answer?.digit ?? null;
    strip.choose(target === 'any' ? (answer?.adversarial?.label ?? null) : target, digit);
    if (digit) {
      const request = { network, reading, image: digit.values, prediction: digit.label };
      explorer.ask('targets', request, (found) => strip.show(found, digit));
    } else {
      explorer.forget('targets');
      strip.show([], null);
    }
    const r = answer?.perturbation?.values;
    if (digit && r && answer?.adversarial) {
      const to = answer.adversarial.label;
      const request = { network, image: digit.values, r, until: UNTIL, count: PLACES };
      explorer.ask('way', request, (shares) => way.show({ image: digit.values, r, shares, from: digit.label, to }));
    } else {
      explorer.forget('way');
      way.show(null);
    }
  };
}

/** Ten small pictures in the order of the labels; the digit itself stands in its own place. @param {(label: number) => void} chosen */
function stripView(chosen) {
  const cells = Array.from({ length: LABELS }, (_, label) => {
    const small = picture();
    const norm = create('span', { class: 'number' }, NOTHING);
    const unseen = (/** @type {string} */ words) => create('span', { class: 'visually-hidden' }, words);
    const what = unseen(': ');
    const name = create('span', { class: 'label' }, String(label));
    const button = create('button', { type: 'button', 'aria-pressed': 'false' }, small.element, unseen('Attack towards '), name, what, norm);
    button.addEventListener('click', () => chosen(label));
    return { button, small, norm, what };
  });
  const element = create('div', { class: 'strip', role: 'group', 'aria-label': 'The nearest example of each label' }, ...cells.map(({ button }) => button));
  /** @type {number | null} */ let now = null;
  /** @type {number | undefined} */ let own;
  return {
    element,
    /** @param {number | null} label the one that is shown large @param {{ label: number } | null} digit */
    choose(label, digit) {
      now = label;
      own = digit?.label;
      cells.forEach(({ button }, each) => button.setAttribute('aria-pressed', String(each === now && each !== own)));
    },
    /** @param {import('./messages.js').Found[]} found @param {{ label: number, values: Float32Array } | null} digit */
    show(found, digit) {
      const norms = found.flatMap(({ norm }) => (norm === null ? [] : [norm]));
      const nearest = Math.min(...norms);
      cells.forEach(({ button, small, norm, what }, label) => {
        const one = found.find(({ target }) => target === label);
        const itself = digit?.label === label;
        button.disabled = itself || !digit;
        button.classList.toggle('itself', itself);
        button.classList.toggle('nearest', one?.norm === nearest);
        if (itself) small.ink(digit.values);
        else if (one?.values) small.ink(one.values);
        else small.empty();
        norm.textContent = itself ? 'read' : one?.norm ? one.norm.toFixed(2) : NOTHING;
        what.textContent = itself ? ': what it is ' : one?.norm ? ': norm ' : ': no example ';
      });
    },
  };
}

/**
 * @typedef {object} Way
 * @property {Float32Array} image
 * @property {Float32Array} r
 * @property {Float32Array} shares ten probabilities of each place
 * @property {number} from
 * @property {number} to
 */

function wayView() {
  const large = picture('The digit with this much of the change');
  const slider = create('input', { type: 'range', id: 'way', min: '0', max: String(UNTIL), step: String(UNTIL / (PLACES - 1)), value: '1' });
  const words = create('p', { class: 'words' });
  const curves = chart({ name: 'Probabilities on the way', height: 252, kind: 'way' });
  const element = create(
    'div',
    { class: 'columns way' },
    create('div', { class: 'narrow' }, large.element),
    create(
      'div',
      { class: 'wide' },
      curves.element,
      create('div', { class: 'slider' }, create('label', { for: 'way' }, create('span', {}, 'How much of '), create('i', { class: 'r' }, 'r')), slider),
      words,
    ),
  );
  /** @type {Way | null} */ let way = null;

  const place = () => Math.round((Number(slider.value) / UNTIL) * (PLACES - 1));
  /** @param {Way} way @param {number} at */
  const readAt = ({ shares }, at) => {
    const ten = shares.subarray(at * LABELS, (at + 1) * LABELS);
    const label = ten.indexOf(Math.max(...ten));
    return { label, share: ten[label] };
  };
  function refresh() {
    slider.disabled = !way;
    if (!way) {
      large.empty();
      words.textContent = '';
      curves.draw({ x: { label: 't', domain: [0, UNTIL] }, y: { label: 'probability', domain: [0, 1] }, lines: [] });
      slider.removeAttribute('aria-valuetext');
      return;
    }
    const { image, r, shares, from, to } = way;
    const t = Number(slider.value);
    large.ink(moved(image, r, t));
    const read = readAt(way, place());
    let flip = 0;
    while (flip < PLACES && readAt(way, flip).label === from) flip++;
    const flips = (flip / (PLACES - 1)) * UNTIL;
    slider.setAttribute('aria-valuetext', `${t.toFixed(2)} times r, read as ${read.label}, ${percent(read.share)}`);
    words.replaceChildren(create('i', {}, 'x'), ` + ${t.toFixed(2)}\u00a0`, create('i', { class: 'r' }, 'r'), ` is read as `, create('b', {}, String(read.label)), ` (${percent(read.share)})`);
    const lines = Array.from({ length: LABELS }, (_, label) => {
      const curve = Array.from({ length: PLACES }, (_, k) => shares[k * LABELS + label]);
      const main = label === from || label === to;
      return {
        points: curve.map((share, k) => /** @type {[number, number]} */ ([(k / (PLACES - 1)) * UNTIL, share])),
        kind: label === from ? 'from' : label === to ? 'to' : 'other',
        label: main || curve[PLACES - 1] > 0.08 ? String(label) : undefined,
        matters: main || Math.max(...curve) > 0.01,
      };
    }).filter(({ matters }) => matters);
    lines.sort((a, b) => Number(a.kind !== 'other') - Number(b.kind !== 'other'));
    curves.draw({
      x: { label: 't, how much of r is added', domain: [0, UNTIL], ticks: [0, 0.5, 1, 1.5, 2] },
      y: { label: 'probability', domain: [0, 1], ticks: [0, 0.5, 1], format: (v) => `${100 * v}\u00a0%` },
      lines,
      marks: [
        ...(flip < PLACES ? [{ x: flips, label: 'the reading flips', kind: 'flip' }] : []),
        { x: t, kind: 'cursor' },
      ],
    });
    curves.describe(flip < PLACES ? `read as ${from} until t = ${flips.toFixed(2)}, then as ${readAt(way, flip).label}` : `read as ${from} all the way`);
  }
  slider.addEventListener('input', refresh);
  return {
    element,
    /** @param {Way | null} next */
    show(next) {
      way = next;
      refresh();
    },
  };
}
