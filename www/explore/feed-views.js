// @ts-check
/**
 * What can be seen of training: how good the network is, one digit before and now, and the digits that it lets go most easily.
 *
 * @import { View } from '../pictures.js'
 * @import { Attacked } from './trainer.js'
 * @import { Digit, Measures, Side } from '../training.js'
 */
import { create } from '../dom.js';
import { chart } from './chart.js';
import { picture } from './picture.js';

/** Pictures in the gallery. */
const GALLERY = 8;
/** A change is never shown at a finer scale than this. */
const FINEST = 1e-3;

/** @param {number} percentage of ten thousand digits, so that two places are known */
const hundredths = (percentage) => `${percentage.toFixed(2)}\u00a0%`;

/** What held-out digits say, as training goes on. */
export function curvesView() {
  const curves = [
    {
      label: 'minimal distortion',
      of: (/** @type {Measures} */ each) => each.distortion,
      words: (/** @type {number} */ v) => v.toFixed(3),
    },
    { label: 'error, %', of: (/** @type {Measures} */ each) => 100 * each.error, words: hundredths },
    { label: 'loss', of: (/** @type {Measures} */ each) => each.loss, words: (/** @type {number} */ v) => v.toFixed(3) },
  ].map((curve) => ({ ...curve, chart: chart({ name: `${curve.label}, on held-out digits`, height: 150 }) }));
  const words = create('p', { class: 'words' });
  /** @type {Measures[]} */ let all = [];

  const draw = () => {
    const [first, last] = [all[0], all.at(-1)];
    const x = { label: 'step', domain: /** @type {[number, number]} */ ([0, Math.max(last?.step ?? 0, 1)]) };
    for (const { label, of, words, chart } of curves) {
      const points = all.map((each) => /** @type {[number, number]} */ ([each.step, of(each)]));
      const most = Math.max(...points.map(([, y]) => y), FINEST);
      const levels = first ? [{ y: of(first) }] : [];
      chart.draw({ x, y: { label, domain: [0, 1.1 * most] }, lines: [{ points, kind: 'to' }], levels });
      if (first && last) chart.describe(`${words(of(last))} at step ${last.step}, ${words(of(first))} before`);
    }
    words.textContent = first && last ? verdict(first, last) : '';
  };
  draw();
  return {
    element: create(
      'div',
      { class: 'curves' },
      create('div', { class: 'charts three' }, ...curves.map(({ chart }) => chart.element)),
      words,
    ),
    clear() {
      all = [];
      draw();
    },
    /** @param {Measures} measures */
    add(measures) {
      all = [...all.filter(({ step }) => step < measures.step), measures];
      draw();
    },
  };
}

/** @param {Measures} first @param {Measures} last */
function verdict(first, last) {
  if (last.step === first.step) return 'Dashed: the network before. MNIST’s 10,000 test digits, which it never learns from, judge it.';
  const error = `The error went from ${hundredths(100 * first.error)} to ${hundredths(100 * last.error)}`;
  if (!(first.distortion > 0) || !(last.distortion > 0)) return `${error}.`;
  return `On test digits, which it never learns from, the change that is needed has become ${(last.distortion / first.distortion).toFixed(2)} times as large. ${error}.`;
}

/** The visitor's digit, attacked on the network before and on the network now. @param {View} view */
export function pairView(view) {
  const sides = ['before', 'now'].map((name) => {
    const change = picture(view, `feed ${name}`, `The change that the network ${name} needs`);
    const norm = create('b', {}, '–');
    return { change, norm, element: create('div', {}, change.element, create('p', {}, `${name} `, norm)) };
  });
  const words = create('p', { class: 'note' });
  const element = create(
    'div',
    { class: 'moment' },
    create('p', { class: 'caption' }, 'Your digit’s ', create('i', { class: 'r' }, 'r'), ', on one scale of colours'),
    create('div', { class: 'pair' }, ...sides.map((side) => side.element)),
    words,
  );
  const clear = () => {
    for (const { change, norm } of sides) {
      change.empty();
      norm.textContent = '–';
    }
    words.textContent = '';
  };
  return {
    element,
    clear,
    /** @param {Attacked} attacked */
    show({ before, after }) {
      const both = [before, after];
      const found = both.filter(({ outcome }) => outcome?.success);
      const limit = Math.max(...found.map(({ r }) => r.reduce((most, v) => Math.max(most, Math.abs(v)), 0)), FINEST);
      for (const [k, { change, norm }] of sides.entries()) {
        const { r, outcome } = both[k];
        if (outcome?.success) change.ask({ r, limit });
        else change.empty();
        norm.textContent = outcome?.success ? outcome.norm.toFixed(2) : '–';
      }
      words.textContent = comparison(before, after);
    },
  };
}

/** @param {Side} before @param {Side} after */
function comparison(before, after) {
  if (!before.outcome || !after.outcome) {
    const [which, { prediction }] = before.outcome ? ['now', after] : ['before', before];
    return `The network ${which} predicts ${prediction} as it is: nothing is to be changed.`;
  }
  if (!before.outcome.success || !after.outcome.success) return 'No change was found on one of the two.';
  const times = `It takes ${(after.outcome.norm / before.outcome.norm).toFixed(2)} times the change.`;
  const [old, fresh] = [before.transfer !== after.prediction, after.transfer !== before.prediction];
  if (old && fresh) return `${times} Each one’s example fools the other, too.`;
  if (!old && !fresh) return `${times} Neither one’s example fools the other.`;
  return `${times} The example for the network ${old ? 'before' : 'now'} fools the other, too; not the other way round.`;
}

/** The digits that are let go for the least. @param {View} view */
export function galleryView(view) {
  const cells = Array.from({ length: GALLERY }, (_, k) => {
    const example = picture(view, `feed hard ${k}`);
    const words = create('figcaption', {});
    return { example, words, element: create('figure', {}, example.element, words) };
  });
  const caption = create(
    'p',
    { class: 'caption' },
    'Hard negatives: the training digits that the network of the moment lets go for the least change, as what they become',
  );
  const element = create(
    'div',
    { class: 'hardest' },
    caption,
    create('div', { class: 'tops eight' }, ...cells.map((cell) => cell.element)),
  );
  element.hidden = true;
  return {
    element,
    /** @param {Digit[]} digits */
    show(digits) {
      element.hidden = digits.length === 0;
      for (const [k, { example, words }] of cells.entries()) {
        const digit = digits[k];
        if (digit) example.ask({ image: digit.adversarial, r: new Float32Array(digit.adversarial.length) });
        else example.empty();
        words.textContent = digit ? `${digit.label} → ${digit.to}, ${digit.norm > 0 ? digit.norm.toFixed(2) : 'as it is'}` : '';
      }
    },
  };
}
