// @ts-check
/** How a difference grows or fades from layer to layer: what is possible, what the search finds, what chance finds. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { chart } from './chart.js';
import { followView } from './follow.js';

/** @import { Amplified } from '../protocol.js' */
/** @import { Tools, Update } from './stage.js' */

const CLOSED = 'This follows a change through networks of fully connected layers alone. Choose one of those at the top to see its layers.';

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client }) {
  const growth = chart({ name: 'The difference after each layer', height: 300 });
  const words = create('p', { class: 'words' });
  const table = create('tbody', {});
  const inside = followView(client);
  const heads = ['layer', 'at most', 'r', 'random'].map((name) => create('th', { scope: 'col' }, name));
  figure.append(
    create(
      'div',
      { class: 'columns layers' },
      create(
        'div',
        {},
        create(
          'table',
          {},
          create('caption', {}, 'Each layer multiplies a difference by'),
          create('thead', {}, create('tr', {}, ...heads)),
          table,
        ),
      ),
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
    client.ask('layers', 'layers', asked, (amplified) => show(amplified, widths));
  };

  /** @param {Amplified} amplified @param {number[]} widths */
  function show({ bounds, searched, random, sizes, total }, widths) {
    const names = widths.slice(1).map((width, k) => (k === widths.length - 2 ? 'logits' : `${width} units`));
    table.replaceChildren(
      ...names.map((name, k) =>
        create(
          'tr',
          {},
          create('th', { scope: 'row' }, name),
          ...[bounds[k], searched[k], random[k]].map((value, which) =>
            create('td', { class: ['', 'searched', ''][which] }, significant(value)),
          ),
        ),
      ),
    );
    const curves = sizes.map((each) => each.map((size, k) => /** @type {[number, number]} */ ([k, size])));
    const lines = [
      { points: curves[0], kind: 'bound', label: 'bound', name: 'at most' },
      { points: curves[2], kind: 'random', label: 'random', name: 'a random change' },
      { points: curves[1], kind: 'to', label: 'r', name: 'r' },
    ];
    const all = sizes.flat();
    growth.draw({
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
    });
    const [bound, found, chance] = total;
    const told = `All layers together make r ${significant(found)} times its size, a random change of the same size ${significant(chance)} times. No change could exceed ${significant(bound)} times.`;
    words.textContent = told;
    growth.describe(told);
  }
}
