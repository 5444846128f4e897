// @ts-check
/** c by hand: as a weight, for which r is found anew, and as a scale, by which the same r is made longer or shorter. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { LABELS } from '../target.js';
import { chart } from './chart.js';
import { descentView } from './descent.js';
import { picture } from './picture.js';

/** @import { View } from '../pictures.js' */
/** @import { Way, Weighed } from '../protocol.js' */

/**
 * @typedef {object} Subject
 * @property {string} network
 * @property {Float32Array} image
 * @property {number} target
 * @property {number | null} away the prediction, where any other label will do and the target is the nearest
 * @property {number} c of the search's result
 * @property {number} norm of it
 */

/** Weights, evenly on a log scale, from the result's c divided by SPAN to its multiple. */
const COUNT = 97;
const SPAN = 24;
/** The weight that is shown first: well below the largest that works, so that r can be shortened. */
const FIRST = 24;
/** The scale goes from 0 to UNTIL. */
const UNTIL = 1.5;
const PLACES = 151;

export class WeightView {
  #view;
  #note = create('p', { class: 'note' });
  #weight;
  #scale;
  #descent;
  /** @type {Subject | null} */ #subject = null;
  /** @type {Weighed[]} */ #weighed = [];
  /** The way along the r of the weight. @type {Way | null} */ #way = null;
  #limit = 1;

  /** @param {View} view */
  constructor(view) {
    this.#view = view;
    this.#weight = sideView(view, WEIGHT);
    this.#scale = sideView(view, SCALE);
    this.#descent = descentView(view);
    const sides = create('div', { class: 'columns two' }, this.#weight.element, this.#scale.element);
    this.element = create('div', { class: 'weigh' }, this.#note, sides, this.#descent.element);
    this.#weight.slider.max = String(COUNT - 1);
    this.#weight.slider.value = String(FIRST);
    this.#scale.slider.max = String(PLACES - 1);
    this.#weight.slider.addEventListener('input', () => this.#turnWeight());
    this.#scale.slider.addEventListener('input', () => this.#turnScale());
  }

  /** @param {Subject | null} next */
  about(next) {
    this.#subject = next;
    this.#way = null;
    this.element.hidden = next === null;
    if (!next) {
      for (const channel of ['weights', 'scaled']) this.#view.cancel(channel);
      for (const each of [this.#weight, this.#scale]) each.clear();
      this.#weighed = [];
      return this.#descent.show(null);
    }
    const { network, image, target, away, c } = next;
    this.#note.hidden = away === null;
    this.#note.textContent = `At your digit the loss away from ${away} is flat, so that no c leads anywhere. What follows is towards ${target}, the nearest label.`;
    const grid = Float32Array.from({ length: COUNT }, (_, k) => c * SPAN ** (1 - (2 * k) / (COUNT - 1)));
    this.#view.ask('weights', 'weights', { network, image, target, weights: grid }, (found) => {
      this.#weighed = found.toReversed();
      this.#limit = this.#weighed[0].r.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-3);
      this.#turnWeight();
    });
  }

  get #now() {
    return /** @type {Weighed | undefined} */ (this.#weighed[Number(this.#weight.slider.value)]);
  }

  /** Another weight: r is another, and so is the way along it. */
  #turnWeight() {
    const one = this.#now;
    if (!this.#subject || !one) return;
    const { network, image, target } = this.#subject;
    this.#paintWeight(this.#subject, one);
    this.#view.ask('scaled', 'way', { network, image, r: one.r, until: UNTIL, count: PLACES }, (found) => {
      this.#way = found;
      const first = found.labels.indexOf(target);
      this.#scale.slider.value = String(first < 0 ? Math.round((PLACES - 1) / UNTIL) : first);
      this.#turnScale();
    });
    this.#descent.show({ network, image, target, c: one.c });
  }

  /** @param {Subject} subject @param {Weighed} one */
  #paintWeight({ image, target }, { c, norm, loss, label, r }) {
    const weighed = this.#weighed;
    const largest = weighed.findLast(({ label }) => label === target);
    this.#weight.paint({
      x: { label: 'c, log scale', name: 'c', domain: [weighed[0].c, weighed[COUNT - 1].c], log: true },
      stops: weighed.map((each) => ({
        x: each.c,
        says: `c ${significant(each.c)}: ‖r‖₂ ${each.norm.toFixed(2)}, loss ${each.loss.toFixed(2)}, ${each.label}`,
      })),
      marks: [...(largest ? [{ x: largest.c, label: 'works up to here', kind: 'limit' }] : []), { x: c, kind: 'cursor' }],
      norms: weighed.map((each) => [each.c, each.norm]),
      losses: weighed.map((each) => [each.c, each.loss]),
    });
    this.#weight.change.ask({ r, limit: this.#limit });
    this.#weight.sum.ask({ image, r });
    const works = label === target;
    const does = works ? 'works' : 'does not work';
    this.#weight.says(
      [create('i', {}, 'c'), ` = ${significant(c)} ${does}: ‖r‖₂ = ${norm.toFixed(2)}, classified as ${label}. `],
      largest && works && largest.c / c > 1.1
        ? 'With a higher c the minimiser is smaller, and another picture.'
        : works
          ? 'This is the smallest r that a weight finds.'
          : 'The size of r weighs so much that the minimiser stops short of the boundary.',
      `c ${significant(c)} ${does}, norm ${norm.toFixed(2)}, loss ${loss.toFixed(2)}, classified as ${label}`,
    );
  }

  #turnScale() {
    const one = this.#now;
    if (!this.#subject || !this.#way || !one) return;
    const { image, target, norm: best } = this.#subject;
    const all = places(this.#subject, this.#way, one.r);
    const least = all.find(({ label }) => label === target);
    const { s, norm, label } = all[Number(this.#scale.slider.value)];
    this.#scale.paint({
      x: { label: 's, a factor on r', name: 's', domain: [0, UNTIL], ticks: [0, 0.5, 1, 1.5] },
      stops: all.map((each) => ({
        x: each.s,
        says: `s ${each.s.toFixed(2)}: ‖s·r‖₂ ${each.norm.toFixed(2)}, loss ${each.loss.toFixed(2)}, ${each.label}`,
      })),
      marks: [...(least ? [{ x: least.s, label: 'works from here', kind: 'limit' }] : []), { x: s, kind: 'cursor' }],
      norms: all.map((each) => [each.s, each.norm]),
      losses: all.map((each) => [each.s, each.loss]),
    });
    this.#scale.change.ask({ r: one.r.map((v) => s * v), limit: this.#limit });
    this.#scale.sum.ask({ image, r: one.r, t: s });
    const does = label === target ? 'works' : 'does not work';
    this.#scale.says(
      [create('i', {}, 's'), ` = ${s.toFixed(2)} ${does}: ‖s·r‖₂ = ${norm.toFixed(2)}, classified as ${label}. `],
      least
        ? `The same picture, fainter or stronger: it works from ${least.norm.toFixed(2)} on, the smallest r of all from ${best.toFixed(2)}.`
        : 'The same picture, fainter or stronger.',
      `s ${s.toFixed(2)} ${does}, norm ${norm.toFixed(2)}, classified as ${label}`,
    );
  }
}

/** What each scale s comes to. @param {Subject} subject @param {Way} way @param {Float32Array} r */
function places({ image, target }, { probabilities, labels }, r) {
  return Array.from({ length: PLACES }, (_, k) => {
    const s = (k / (PLACES - 1)) * UNTIL;
    const loss = -Math.log(probabilities[k * LABELS + target]);
    return { s, norm: length(image, r, s), loss, label: labels[k] };
  });
}

/** ‖clip(x + s·r) − x‖₂. @param {Float32Array} image @param {Float32Array} r @param {number} s */
function length(image, r, s) {
  let square = 0;
  for (const [k, x] of image.entries()) square += (Math.min(Math.max(x + s * r[k], 0), 1) - x) ** 2;
  return Math.sqrt(square);
}

const WEIGHT = {
  id: 'weight',
  title: 'c as a weight',
  formula: 'Each c has its own minimiser r of c·‖r‖² + loss.',
  label: 'Weight c',
  size: '‖r‖₂',
};
const SCALE = {
  id: 'scale',
  title: 'c as a scale',
  formula: 'One r, the one on the left; x + s·r makes it longer or shorter.',
  label: 'Scale s',
  size: '‖s·r‖₂',
};

/** One interpretation: its pictures, its slider, and the two curves. @param {View} view @param {typeof WEIGHT} what */
function sideView(view, { id, title, formula, label, size }) {
  const change = picture(view, `${id} r`, `${title}: the change`);
  const sum = picture(view, `${id} sum`, `${title}: the digit with it`);
  const slider = create('input', { type: 'range', id, min: '0', value: '0' });
  const words = create('p', {});
  const norms = chart({ name: `${title}: norm`, height: 150 });
  const losses = chart({ name: `${title}: loss`, height: 150 });
  const element = create(
    'div',
    { class: 'side' },
    create('h3', {}, title),
    create('p', { class: 'formula-words' }, formula),
    create('div', { class: 'moment' }, create('div', { class: 'pair' }, change.element, sum.element), words),
    create('div', { class: 'slider' }, create('label', { for: id }, label), slider),
    norms.element,
    losses.element,
  );
  return {
    element,
    slider,
    change,
    sum,
    clear() {
      for (const each of [change, sum]) each.empty();
    },
    /** @param {(Node | string)[]} first @param {string} second @param {string} spoken */
    says(first, second, spoken) {
      words.replaceChildren(...first, second);
      slider.setAttribute('aria-valuetext', spoken);
      norms.describe(spoken);
      losses.describe(spoken);
    },
    /** @param {{ x: import('./chart.js').Axis, stops: import('./chart.js').Stop[], marks: { x: number, label?: string, kind?: string }[], norms: [number, number][], losses: [number, number][] }} what */
    paint({ x, stops, marks, norms: sizes, losses: heights }) {
      const axis = (/** @type {string} */ label, /** @type {[number, number][]} */ points) => {
        const values = points.map(([, value]) => value);
        return { label, domain: /** @type {[number, number]} */ ([Math.min(0, ...values), Math.max(...values) * 1.05]) };
      };
      const bare = marks.map(({ x, kind }) => ({ x, kind }));
      norms.draw({ x: { ...x, label: '' }, y: axis(size, sizes), lines: [{ points: sizes }], marks, stops });
      losses.draw({ x, y: axis('loss', heights), lines: [{ points: heights, kind: 'objective' }], marks: bare, stops });
    },
  };
}
