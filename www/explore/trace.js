// @ts-check
/** One search in four charts, with a cursor at one of its evaluations. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { chart } from './chart.js';

/** @import { Drawn } from './chart.js' */
/** @import { Step } from '../protocol.js' */

/** What a chart shows of a search, and says of its evaluation k. @typedef {Omit<Drawn, 'x' | 'marks'> & { says: string }} Charted */

/** @type {Record<string, (steps: Step[], k: number) => Charted>} */
const CHARTS = {
  Margin(steps, k) {
    const margins = steps.map(({ margin }) => margin);
    const [first, now, last] = [0, k, steps.length - 1].map((at) => margins[at].toFixed(2));
    return {
      lines: [{ points: line(steps, (s) => s.margin) }],
      dots: dots(steps, (s) => s.margin),
      y: { label: 'margin: logit of the goal less the best other', name: 'margin', domain: range([...margins, 0]) },
      levels: [{ y: 0, label: 'misclassified above', kind: 'zero' }],
      says: `${now} at evaluation ${k + 1}, from ${first} to ${last} in all`,
    };
  },
  'Size of the change'(steps, k) {
    const norms = steps.map(({ norm }) => norm);
    return {
      lines: [{ points: line(steps, (s) => s.norm) }],
      dots: dots(steps, (s) => s.norm),
      y: { label: 'size of the change, ‖r‖₂', name: '‖r‖₂', domain: range(norms, 0) },
      says: `${norms[k].toFixed(2)} at evaluation ${k + 1}`,
    };
  },
  'Bracket on c'(steps, k) {
    const { c, succeeds, fails } = steps[k];
    const cs = steps.flatMap(({ c, succeeds, fails }) => [c, succeeds ?? c, fails ?? c]);
    return {
      dots: [{ points: line(steps, (s) => s.c) }],
      y: { label: 'c, log scale; dashed: the bracket that closes in', domain: [Math.min(...cs) * 0.8, Math.max(...cs) * 1.25], log: true },
      lines: [
        { points: line(steps, (s) => s.c), name: 'c' },
        { points: line(steps, (s) => s.fails), kind: 'fails', name: 'known to fail' },
        { points: line(steps, (s) => s.succeeds), kind: 'succeeds', name: 'to succeed' },
      ],
      says: `c ${significant(c)}, known to succeed ${succeeds ? significant(succeeds) : 'none'}, to fail ${fails ? significant(fails) : 'none'}`,
    };
  },
  'Loss and objective'(steps, k) {
    const values = steps.flatMap(({ objective, loss }) => [objective, loss]);
    return {
      y: { label: 'objective c‖r‖² + loss, and the loss alone', domain: range(values) },
      lines: [
        { points: line(steps, (s) => s.objective), kind: 'objective', name: 'objective' },
        { points: line(steps, (s) => s.loss), name: 'loss' },
      ],
      says: `objective ${steps[k].objective.toFixed(2)}, loss ${steps[k].loss.toFixed(2)} at evaluation ${k + 1}`,
    };
  },
};

export function traceView() {
  const charts = Object.entries(CHARTS).map(([name, charted]) => ({ view: chart({ name, height: 190 }), charted }));
  return {
    element: create('div', { class: 'charts' }, ...charts.map(({ view }) => view.element)),
    clear() {
      const axis = { label: '', domain: /** @type {[number, number]} */ ([0, 1]), ticks: [] };
      for (const { view } of charts) view.draw({ x: axis, y: axis, lines: [] });
    },
    /** @param {Step[]} steps @param {number} k */
    show(steps, k) {
      const x = {
        label: 'evaluation',
        domain: /** @type {[number, number]} */ ([1, Math.max(steps.length, 2)]),
        ticks: wholes(steps.length),
      };
      for (const { view, charted } of charts) {
        const { says, ...drawn } = charted(steps, k);
        view.draw({ x, marks: [{ x: k + 1, kind: 'cursor' }], ...drawn });
        view.describe(says);
      }
    },
  };
}

/** @param {Step[]} steps @param {(step: Step) => number | null} of @returns {[number, number][]} */
const line = (steps, of) => steps.map((step, i) => [i + 1, of(step) ?? NaN]);

/** Good are those that are misclassified. @param {Step[]} steps @param {(step: Step) => number} of */
const dots = (steps, of) => [
  { points: line(steps, (step) => (step.margin >= 0 ? NaN : of(step))) },
  { points: line(steps, (step) => (step.margin >= 0 ? of(step) : NaN)), kind: 'good' },
];

/** The values with some room around, but none below a floor. @param {number[]} values @returns {[number, number]} */
function range(values, floor = Infinity) {
  const sound = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...sound, floor), Math.max(...sound, -Infinity)];
  const room = 0.06 * (high - low || 1);
  return [low === floor ? floor : low - room, high + room];
}

/** Whole numbers for an axis. @param {number} last */
function wholes(last) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((s) => last / s <= 6) ?? 1000;
  return [1, ...Array.from({ length: Math.floor(last / step) }, (_, k) => (k + 1) * step).filter((k) => k > 1)];
}
