// @ts-check
/** How a difference grows or fades from layer to layer: what is possible, what the search finds, what chance finds. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { chart } from './chart.js';

/** @import { Amplified } from './messages.js' */
/** @import { Tools, Update } from './stage.js' */

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { explorer }) {
  const growth = chart({ name: 'The difference after each layer', height: 300 });
  const words = create('p', { class: 'words' });
  const table = create('tbody', {});
  const heads = ['layer', 'at most', 'r', 'random'].map((name) => create('th', { scope: 'col' }, name));
  figure.append(
    create(
      'div',
      { class: 'columns layers' },
      create('div', {}, create('table', {}, create('caption', {}, 'Each layer multiplies a difference by'), create('thead', {}, create('tr', {}, ...heads)), table)),
      create('div', {}, growth.element, words),
    ),
  );
  return ({ answer, network, widths }) => {
    const { digit, adversarial, outcome } = answer ?? {};
    if (!digit || !adversarial || !outcome) {
      explorer.forget('layers');
      table.replaceChildren();
      words.textContent = 'There is no change to follow through the layers.';
      growth.draw({ x: { label: '', domain: [0, 1], ticks: [] }, y: { label: '', domain: [0, 1], ticks: [] }, lines: [] });
      return;
    }
    const request = { network, image: digit.values, adversarial: adversarial.values, norm: outcome.norm, seed: 3 };
    explorer.ask('layers', request, (amplified) => show(amplified, outcome.norm, widths));
  };

  /** @param {Amplified} amplified @param {number} norm @param {number[]} widths */
  function show({ bounds, searched, random }, norm, widths) {
    const names = widths.slice(1).map((width, k) => (k === widths.length - 2 ? 'logits' : `${width} units`));
    table.replaceChildren(
      ...names.map((name, k) =>
        create('tr', {}, create('th', { scope: 'row' }, name), ...[bounds[k], searched[k], random[k]].map((value, which) => create('td', { class: ['', 'searched', ''][which] }, significant(value)))),
      ),
    );
    const sizes = (/** @type {Float64Array} */ gains) => {
      let size = norm;
      return /** @type {[number, number][]} */ ([[0, norm], ...[...gains].map((gain, k) => [k + 1, (size *= gain)])]);
    };
    const lines = [
      { points: sizes(bounds), kind: 'bound', label: 'bound' },
      { points: sizes(random), kind: 'random', label: 'random' },
      { points: sizes(searched), kind: 'to', label: 'r' },
    ];
    const all = lines.flatMap(({ points }) => points.map(([, size]) => size));
    growth.draw({
      x: { label: '', domain: [0, names.length], ticks: names.map((_, k) => k + 1).concat(0), format: (k) => (k === 0 ? 'pixels' : names[k - 1]) },
      y: { label: 'size of the difference ‖φ(x + r) − φ(x)‖₂, log scale', domain: [Math.min(...all) / 1.5, Math.max(...all) * 1.5], log: true },
      lines,
      dots: lines.map(({ points, kind }) => ({ points, kind })),
    });
    const [bound, found, chance] = [bounds, searched, random].map((gains) => gains.reduce((a, b) => a * b, 1));
    const told = `All layers together make r ${significant(found)} times its size, a random change of the same size ${significant(chance)} times. No change could exceed ${significant(bound)} times.`;
    words.textContent = told;
    growth.describe(told);
  }
}
