// @ts-check
/** Two successive steps of L-BFGS on the real objective: the plane that they span, and the line search along the second. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { chart } from './chart.js';
import { planeView } from './contours.js';

/** @import { View } from '../pictures.js' */
/** @import { Drawn } from './chart.js' */
/** @import { Descent } from '../protocol.js' */

/** Places along a side of the plane's picture. */
const PLACES = 40;
/** The part of the promised decrease that the line search insists on, as in src/lbfgs/line_search.rs. */
const SUFFICIENT = 0.05;

/** @typedef {{ network: string, image: Float32Array, target: number, c: number }} Asked */

/** @param {View} view */
export function descentView(view) {
  const plane = planeView();
  const cut = chart({ name: 'The objective along the direction', height: 230 });
  const slider = create('input', { type: 'range', id: 'second', min: '1', max: '1', value: '2' });
  const words = create('p', {});
  const learnt = create('p', {});
  const choice = create('div', { class: 'slider' }, create('label', { for: 'second' }, 'Step'), slider);
  const element = create(
    'div',
    { class: 'descent' },
    create('h3', {}, 'How L-BFGS finds that minimiser'),
    create(
      'p',
      { class: 'formula-words' },
      'Contours: the real objective c·‖r‖² + loss on the plane of two steps, from A to B to C. Dashed: the bowl that L-BFGS believes in, from the slopes of its steps so far. It aims at the middle of that bowl; the line search tries how far to go.',
    ),
    create('div', { class: 'columns two' }, plane.element, create('div', { class: 'moment' }, choice, cut.element, words, learnt)),
  );
  /** @type {Asked | null} */ let asked = null;
  let step = 2;

  const ask = () => {
    if (!asked) return view.cancel('descent');
    view.ask('descent', 'descent', { ...asked, step, side: PLACES }, (found) => {
      element.hidden = found === null;
      if (found) paint(found);
    });
  };
  slider.addEventListener('input', () => {
    step = Number(slider.value);
    ask();
  });

  /** @param {Descent} found */
  function paint(found) {
    slider.max = String(found.steps - 1);
    slider.value = String(found.step);
    plane.show(found, PLACES);
    cut.draw(search(found));
    words.textContent = tried(found);
    learnt.textContent = curved(found);
    slider.setAttribute('aria-valuetext', words.textContent);
    cut.describe(`${words.textContent} ${learnt.textContent}`);
  }
  return {
    element,
    /** @param {Asked | null} next */
    show(next) {
      asked = next;
      ask();
    },
  };
}

/** The line search as a chart. @param {Descent} found @returns {Drawn} */
function search({ trials, height, slope, until, cut: heights }) {
  const bowl = (/** @type {number} */ t) => height + slope * t - (slope / 2) * t * t;
  const at = (/** @type {number} */ k) => (k / (heights.length - 1)) * until;
  const along = (/** @type {(k: number) => number} */ of) =>
    Array.from(heights, (_, k) => /** @type {[number, number]} */ ([at(k), of(k)]));
  const low = Math.min(...heights, height + slope / 2);
  const high = Math.max(...heights, ...trials.map((trial) => trial.height));
  const inside = (/** @type {number} */ value) => (value <= high ? value : NaN);
  const taken = trials[trials.length - 1];
  return {
    x: { label: 'step length t along the direction', name: 't', domain: [0, until] },
    y: {
      label: 'objective; dashed: as believed; grey: enough if below',
      name: 'objective',
      domain: [low - 0.08 * (high - low), high + 0.08 * (high - low)],
    },
    lines: [
      { points: along((k) => inside(height + SUFFICIENT * slope * at(k))), kind: 'other', name: 'enough if below' },
      { points: along((k) => inside(bowl(at(k)))), kind: 'believed', name: 'believed' },
      { points: along((k) => heights[k]), name: 'objective' },
    ],
    dots: [
      { points: trials.slice(0, -1).map((trial) => [trial.step, trial.height]) },
      { points: [[taken.step, taken.height]], kind: 'good' },
    ],
  };
}

/** The line search in words. @param {Descent} found */
function tried({ steps, step, trials }) {
  const lengths = trials.map((trial) => significant(trial.step)).join(', then ');
  return `Step ${step + 1} of ${steps}. ${
    trials.length === 1
      ? `t = ${lengths} lowers the objective enough, so it is taken.`
      : `Tried t = ${lengths}: the first that lowers the objective enough is taken.`
  }`;
}

/** What was learnt of the curvature, beside what it is. @param {Descent} found */
function curved({ slope, curvature, learnt, direction: [a, b] }) {
  const square = a ** 2 + b ** 2;
  const real = (a ** 2 * curvature[0] + 2 * a * b * curvature[1] + b ** 2 * curvature[2]) / square;
  return `Curvature along the new direction: learnt ${significant(-slope / square)}, true at B ${significant(real)}${
    learnt
      ? `; along the step before: learnt ${significant(learnt[0])}, its average there, true at B ${significant(curvature[0])}.`
      : '. The two steps go nearly the same way, so that there is no bowl to draw.'
  }`;
}
