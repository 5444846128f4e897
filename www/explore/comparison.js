// @ts-check
/** Two networks on one way: how far along r each of them changes its mind, and the smallest change of each. */
import { create } from '../dom.js';
import { LABELS } from '../target.js';
import { chart } from './chart.js';
import { empty, picture, show as paint } from './picture.js';

/** @import { Client } from '../client.js' */
/** @import { Flip, Transferred, Way } from '../protocol.js' */

/**
 * @typedef {object} Example
 * @property {string} network that it was made for
 * @property {Transferred[]} rows what every network makes of it
 * @property {Float32Array} image
 * @property {Float32Array} r
 * @property {number} limit r is shown from −limit to limit
 * @property {number} norm ‖r‖₂
 * @property {number} label what the attacked network predicts of it
 */

/** The way ends at x + 3r. */
const UNTIL = 3;
const PLACES = 301;

/** @param {Client} client */
export function comparison(client) {
  const select = create('select', { id: 'compared' });
  const [here, there] = [picture(client, 'here'), picture(client, 'there')];
  const [hereName, thereName] = [create('p', {}), create('p', {})];
  const words = create('p', { class: 'words' });
  const curves = chart({ name: 'Probabilities of two networks', height: 220 });
  const element = create(
    'div',
    { class: 'comparison' },
    create('p', { class: 'choose' }, create('label', { for: 'compared' }, 'Compare with'), select),
    create(
      'div',
      { class: 'columns' },
      create('div', { class: 'narrow pair' }, create('div', {}, here.element, hereName), create('div', {}, there.element, thereName)),
      create('div', { class: 'wide' }, curves.element),
    ),
    words,
  );
  element.hidden = true;
  /** @type {Example | null} */ let example = null;
  /** What the visitor chose, as long as it is not the network that is attacked. */
  let other = '';
  select.addEventListener('change', () => {
    other = select.value;
    refresh();
  });

  function refresh() {
    const others = example?.rows.filter(({ network }) => network !== example?.network) ?? [];
    const row = others.find(({ network }) => network === other) ?? others[0];
    element.hidden = !row;
    client.cancel('second way');
    if (!example || !row) return client.cancel('first way');
    const asked = example;
    const { network, image, r, norm, label } = asked;
    if ([...select.options].map(({ value }) => value).join() !== others.map((each) => each.network).join()) {
      select.replaceChildren(...others.map((each) => create('option', {}, each.network)));
    }
    select.value = row.network;
    const way = { image, r, until: UNTIL, count: PLACES };
    const seen = (/** @type {Way} */ first) =>
      client.ask('second way', 'way', { ...way, network: row.network }, (second) => show(asked, row, first, second));
    client.ask('first way', 'way', { ...way, network }, seen);
    const limit = Math.max(asked.limit, row.own?.limit ?? 0);
    paint(client, here, { r, limit });
    if (row.own) paint(client, there, { r: row.own.r, limit });
    else empty(client, there);
    hereName.textContent = `${network}: ${norm.toFixed(2)}`;
    thereName.textContent = row.own
      ? `${row.network}: ${row.own.norm.toFixed(2)}`
      : `${row.network}: ${row.digit.label === label ? `predicts ${label} already` : 'none was found'}`;
  }

  /** @param {Example} asked @param {Transferred} row @param {Way} first @param {Way} second */
  function show(asked, row, first, second) {
    const { network, label } = asked;
    const line = (/** @type {Way} */ { probabilities }, /** @type {string} */ kind, /** @type {string} */ name) => ({
      name,
      points: Array.from(
        { length: PLACES },
        (_, k) => /** @type {[number, number]} */ ([(k / (PLACES - 1)) * UNTIL, probabilities[k * LABELS + label]]),
      ),
      kind,
    });
    const [one, two] = [first.flip, second.flip];
    curves.draw({
      x: {
        label: 't, how much of r is added',
        name: 't',
        domain: [0, UNTIL],
        ticks: [0, 1, 2, 3],
        format: (v) => String(Number(v.toFixed(2))),
      },
      y: { label: `probability of ${label}`, domain: [0, 1], ticks: [0, 0.5, 1], format: (v) => `${Number((100 * v).toFixed(1))}\u00a0%` },
      lines: [line(second, 'from dashed', row.network), line(first, 'to', network)],
      marks: [one, two].flatMap((each, k) => (each ? [{ x: each.t, kind: k ? 'from' : 'to' }] : [])),
    });
    const says = (/** @type {Flip | null} */ each) =>
      each ? `predicts ${each.label} from t\u00a0=\u00a0${each.t.toFixed(2)} on` : `holds out up to t\u00a0=\u00a0${UNTIL}`;
    curves.describe(`${network} ${says(one)}; ${row.network} ${says(two)}`);
    words.replaceChildren(
      'Along this ',
      create('i', { class: 'r' }, 'r'),
      ', ',
      create('b', { class: 'solid' }, network),
      ` ${says(one)}, `,
      create('b', { class: 'dashed' }, row.network),
      ` ${says(two)}.`,
      row.own
        ? ` The smallest change for each: cosine ${row.own.cosine.toFixed(2)}, where 1 is the same direction and 0 an unrelated one.`
        : '',
    );
  }

  return {
    element,
    /** @param {Example | null} next */
    show(next) {
      example = next;
      refresh();
    },
  };
}
