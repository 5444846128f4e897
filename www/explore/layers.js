// @ts-check
/** How a difference grows or fades from layer to layer: what is possible, what the search finds, what chance finds. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { chart } from './chart.js';
import { followView } from './follow.js';

/** @import { Amplified } from '../protocol.js' */
/** @import { Drawn } from './chart.js' */
/** @import { Tools, Update } from './stage.js' */

const CLOSED = 'This follows a change through networks of fully connected layers alone. Choose one of those at the top to see its layers.';

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, view }) {
  const growth = chart({ name: 'The difference after each layer', height: 300 });
  const words = create('p', { class: 'words' });
  const table = create('tbody', {});
  const inside = followView(client, view);
  const heads = ['layer', 'at most', 'r', 'random'].map((name) => create('th', { scope: 'col' }, name));
  const caption = create('caption', {}, 'Each layer multiplies a difference by');
  figure.append(
    create(
      'div',
      { class: 'columns layers' },
      create('div', {}, create('table', {}, caption, create('thead', {}, create('tr', {}, ...heads)), table)),
      create('div', {}, growth.element, words),
    ),
    inside.element,
  );
  return ({ answer, network, widths }) => {
    const { digit, adversarial } = answer ?? {};
    if (!digit || !adversarial || widths.length === 0) {
      client.cancel('layers');
      inside.about(null);
      table.replaceChildren();
      words.textContent = widths.length === 0 ? CLOSED : 'There is no change to follow through the layers.';
      growth.draw({ x: { label: '', domain: [0, 1], ticks: [] }, y: { label: '', domain: [0, 1], ticks: [] }, lines: [] });
      return;
    }
    inside.about({ network, image: digit.values, adversarial: adversarial.values });
    const asked = { network, image: digit.values, adversarial: adversarial.values, seed: 3 };
    client.ask('layers', 'layers', asked, (amplified) => {
      const names = widths.slice(1).map((width, k) => (k === widths.length - 2 ? 'logits' : `${width} units`));
      table.replaceChildren(...rows(amplified, names));
      growth.draw(growthOf(amplified, names));
      words.textContent = inWords(amplified);
      growth.describe(words.textContent);
    });
  };
}

/** What each layer multiplies by. @param {Amplified} amplified @param {string[]} names */
const rows = ({ bounds, searched, random }, names) =>
  names.map((name, k) =>
    create(
      'tr',
      {},
      create('th', { scope: 'row' }, name),
      ...[bounds[k], searched[k], random[k]].map((value, which) =>
        create('td', { class: ['', 'searched', ''][which] }, significant(value)),
      ),
    ),
  );

/** @param {Amplified} amplified @param {string[]} names @returns {Drawn} */
function growthOf({ sizes }, names) {
  const curves = sizes.map((each) => each.map((size, k) => /** @type {[number, number]} */ ([k, size])));
  const lines = [
    { points: curves[0], kind: 'bound', label: 'bound', name: 'at most' },
    { points: curves[2], kind: 'random', label: 'random', name: 'a random change' },
    { points: curves[1], kind: 'to', label: 'r', name: 'r' },
  ];
  const all = sizes.flat();
  return {
    x: {
      label: '',
      name: 'at',
      domain: [0, names.length],
      ticks: names.map((_, k) => k + 1).concat(0),
      format: (k) => (k === 0 ? 'pixels' : names[k - 1]),
    },
    y: {
      label: 'size of the difference ‖φ(x + r) − φ(x)‖₂, log scale',
      domain: [Math.min(...all) / 1.5, Math.max(...all) * 1.5],
      log: true,
    },
    lines,
    dots: lines.map(({ points, kind }) => ({ points, kind })),
  };
}

/** @param {Amplified} amplified */
const inWords = ({ total: [bound, found, chance] }) =>
  `All layers together make r ${significant(found)} times its size, a random change of the same size ${significant(chance)} times. No change could exceed ${significant(bound)} times.`;
