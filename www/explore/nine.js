// @ts-check
/** All nine targets at once, and the way from the digit to its example and beyond. */
import { create } from '../dom.js';
import { NOTHING, percent } from '../numbers.js';
import { LABELS } from '../target.js';
import { chart } from './chart.js';
import { picture } from './picture.js';

/** @import { Shown as Picture, View } from '../pictures.js' */
/** @import { Found, Way } from '../protocol.js' */
/** @import { Tools, Update } from './stage.js' */

/** The way ends at x + 2r; the slider stops at each place that is computed. */
const UNTIL = 2;
const PLACES = 201;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { view, page }) {
  const strip = stripView(view, page.chooseTarget);
  const way = new WayView(view);
  figure.append(strip.element, way.element);
  return ({ answer, network, reading, target }) => {
    const digit = answer?.digit ?? null;
    strip.choose(target === 'any' ? (answer?.adversarial?.label ?? null) : target, digit);
    if (digit) {
      const asked = { network, reading, image: digit.values };
      view.ask('targets', 'targets', asked, (found, pictures) => strip.show(found, digit, pictures));
    } else {
      view.cancel('targets');
      strip.show([], null, []);
    }
    const r = answer?.perturbation?.values;
    if (digit && r && answer?.adversarial) {
      const [from, to] = [digit.label, answer.adversarial.label];
      const asked = { network, image: digit.values, r, until: UNTIL, count: PLACES };
      view.ask('way', 'way', asked, (found) => way.show({ ...found, image: digit.values, r, from, to }));
    } else {
      view.cancel('way');
      way.show(null);
    }
  };
}

/** Ten small pictures in the order of the labels; the digit itself stands in its own place. @param {View} view @param {(label: number) => void} chosen */
function stripView(view, chosen) {
  const cells = Array.from({ length: LABELS }, (_, label) => {
    const small = picture(view, `nine ${label}`);
    const norm = create('span', { class: 'number' }, NOTHING);
    const unseen = (/** @type {string} */ words) => create('span', { class: 'visually-hidden' }, words);
    const what = unseen(': ');
    const name = create('span', { class: 'label' }, String(label));
    const button = create(
      'button',
      { type: 'button', 'aria-pressed': 'false' },
      small.element,
      unseen('Attack towards '),
      name,
      what,
      norm,
    );
    button.addEventListener('click', () => chosen(label));
    return { button, small, norm, what };
  });
  const element = create(
    'div',
    { class: 'strip', role: 'group', 'aria-label': 'The nearest example of each label' },
    ...cells.map(({ button }) => button),
  );
  return {
    element,
    /** @param {number | null} now the one that is shown large @param {{ label: number } | null} digit */
    choose(now, digit) {
      for (const [each, { button }] of cells.entries()) {
        button.setAttribute('aria-pressed', String(each === now && each !== digit?.label));
      }
    },
    /** @param {Found[]} found @param {{ label: number } | null} digit @param {(Picture | null)[]} pictures in the order of the labels */
    show(found, digit, pictures) {
      cells.forEach(({ button, small, norm, what }, label) => {
        const one = found.find(({ target }) => target === label);
        const isItself = digit?.label === label;
        button.disabled = isItself || !digit;
        button.classList.toggle('itself', isItself);
        button.classList.toggle('nearest', one?.nearest ?? false);
        small.show(pictures[label]);
        norm.textContent = isItself ? 'as it is' : one?.norm ? one.norm.toFixed(2) : NOTHING;
        what.textContent = isItself ? ': the prediction, ' : one?.norm ? ': norm ' : ': no example ';
      });
    },
  };
}

/** @typedef {Way & { image: Float32Array, r: Float32Array, from: number, to: number }} Shown */

class WayView {
  #large;
  #slider = create('input', { type: 'range', id: 'way', min: '0', max: String(UNTIL), step: String(UNTIL / (PLACES - 1)), value: '1' });
  #words = create('p', { class: 'words' });
  #curves = chart({ name: 'Probabilities on the way', height: 252, kind: 'way' });
  /** @type {Shown | null} */ #way = null;

  /** @param {View} view */
  constructor(view) {
    this.#large = picture(view, 'way', 'The digit with this much of the change');
    const label = create('label', { for: 'way' }, create('span', {}, 'How much of '), create('i', { class: 'r' }, 'r'));
    const slider = create('div', { class: 'slider' }, label, this.#slider);
    this.element = create(
      'div',
      { class: 'columns way' },
      create('div', { class: 'narrow' }, this.#large.element),
      create('div', { class: 'wide' }, this.#curves.element, slider, this.#words),
    );
    this.#slider.addEventListener('input', () => this.#refresh());
  }

  /** @param {Shown | null} next */
  show(next) {
    this.#way = next;
    this.#refresh();
  }

  #refresh() {
    this.#slider.disabled = !this.#way;
    if (this.#way) return this.#paint(this.#way, Number(this.#slider.value));
    this.#large.empty();
    this.#words.textContent = '';
    this.#curves.draw({ x: { label: 't', domain: [0, UNTIL] }, y: { label: 'probability', domain: [0, 1] }, lines: [] });
    this.#slider.removeAttribute('aria-valuetext');
  }

  /** @param {Shown} way @param {number} t */
  #paint(way, t) {
    const { image, r, labels, probabilities, flip, from } = way;
    const place = Math.round((t / UNTIL) * (PLACES - 1));
    const label = labels[place];
    const share = percent(probabilities[place * LABELS + label]);
    this.#large.ask({ image, r, t });
    this.#slider.setAttribute('aria-valuetext', `${t.toFixed(2)} times r, classified as ${label}, ${share}`);
    this.#words.replaceChildren(
      create('i', {}, 'x'),
      ` + ${t.toFixed(2)}\u00a0`,
      create('i', { class: 'r' }, 'r'),
      ` is classified as `,
      create('b', {}, String(label)),
      ` (${share})`,
    );
    this.#curves.draw({
      stops: Array.from({ length: PLACES }, (_, k) => ({ x: along(k), says: told(probabilities, k) })),
      x: { label: 't, how much of r is added', domain: [0, UNTIL], ticks: [0, 0.5, 1, 1.5, 2] },
      y: { label: 'probability', domain: [0, 1], ticks: [0, 0.5, 1], format: (v) => `${100 * v}\u00a0%` },
      lines: lines(way),
      marks: [...(flip ? [{ x: flip.t, label: 'the prediction flips', kind: 'flip' }] : []), { x: t, kind: 'cursor' }],
    });
    this.#curves.describe(
      flip ? `classified as ${from} until t = ${flip.t.toFixed(2)}, then as ${flip.label}` : `classified as ${from} all the way`,
    );
  }
}

/** How much of r is added at a place. @param {number} k */
const along = (k) => (k / (PLACES - 1)) * UNTIL;

/** The labels that matter, the two main ones last and so on top. @param {Shown} way */
function lines({ probabilities, from, to }) {
  const all = Array.from({ length: LABELS }, (_, label) => {
    const curve = Array.from({ length: PLACES }, (_, k) => probabilities[k * LABELS + label]);
    const isMain = label === from || label === to;
    return {
      points: curve.map((share, k) => /** @type {[number, number]} */ ([along(k), share])),
      kind: label === from ? 'from' : label === to ? 'to' : 'other',
      label: isMain || curve[PLACES - 1] > 0.08 ? String(label) : undefined,
      matters: isMain || Math.max(...curve) > 0.01,
    };
  });
  return all.filter(({ matters }) => matters).sort((a, b) => Number(a.kind !== 'other') - Number(b.kind !== 'other'));
}

/** The likeliest labels at a place. @param {Float32Array} probabilities @param {number} k */
function told(probabilities, k) {
  const ten = Array.from(probabilities.subarray(k * LABELS, (k + 1) * LABELS), (share, label) => ({ share, label }));
  const likely = ten.sort((a, b) => b.share - a.share).filter(({ share }, rank) => rank === 0 || share >= 0.01);
  return `t ${along(k).toFixed(2)}: ${likely.map(({ label, share }) => `${label} ${percent(share)}`).join(', ')}`;
}
