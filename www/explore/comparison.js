// @ts-check
/** Two networks on one way: how far along r each of them changes its mind, and the smallest change of each. */
import { create } from '../dom.js';
import { LABELS } from '../messages.js';
import { chart } from './chart.js';
import { picture } from './pixels.js';

/** @import { Explorer } from './explorer.js' */
/** @import { Transferred } from './messages.js' */

/**
 * @typedef {object} Example
 * @property {string} network that it was made for
 * @property {Transferred[]} rows what every network makes of it
 * @property {Float32Array} image
 * @property {Float32Array} r
 * @property {number} label what the attacked network reads it as
 */

/** The way ends at x + 3r. */
const UNTIL = 3;
const PLACES = 301;

/** @param {Explorer} explorer */
export function comparison(explorer) {
  const select = create('select', { id: 'compared' });
  const [here, there] = [picture(), picture()];
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
    explorer.forget('second way');
    if (!example || !row) return explorer.forget('first way');
    const asked = example;
    const { network, image, r, label } = asked;
    if ([...select.options].map(({ value }) => value).join() !== others.map((each) => each.network).join()) {
      select.replaceChildren(...others.map((each) => create('option', {}, each.network)));
    }
    select.value = row.network;
    const way = { image, r, until: UNTIL, count: PLACES };
    const seen = (/** @type {Float32Array} */ first) =>
      explorer.ask('way', { ...way, network: row.network }, (second) => show(asked, row, first, second), undefined, 'second way');
    explorer.ask('way', { ...way, network }, seen, undefined, 'first way');
    const largest = Math.max(...r.map(Math.abs), ...(row.own?.r.map(Math.abs) ?? []));
    here.signed(r, largest);
    if (row.own) there.signed(row.own.r, largest);
    else there.empty();
    hereName.textContent = `${network}: ${Math.hypot(...r).toFixed(2)}`;
    thereName.textContent = row.own ? `${row.network}: ${row.own.norm.toFixed(2)}` : `${row.network}: ${row.read.label === label ? `reads ${label} already` : 'none was found'}`;
  }

  /** @param {Example} asked @param {Transferred} row @param {Float32Array} first @param {Float32Array} second */
  function show(asked, row, first, second) {
    const { network, r, label } = asked;
    const line = (/** @type {Float32Array} */ shares, /** @type {string} */ kind) => ({
      points: Array.from({ length: PLACES }, (_, k) => /** @type {[number, number]} */ ([(k / (PLACES - 1)) * UNTIL, shares[k * LABELS + label]])),
      kind,
    });
    const [one, two] = [change(first), change(second)];
    curves.draw({
      x: { label: 't, how much of r is added', domain: [0, UNTIL], ticks: [0, 1, 2, 3] },
      y: { label: `probability of ${label}`, domain: [0, 1], ticks: [0, 0.5, 1], format: (v) => `${100 * v}\u00a0%` },
      lines: [line(second, 'from dashed'), line(first, 'to')],
      marks: [one, two].flatMap((each, k) => (each ? [{ x: each.t, kind: k ? 'from' : 'to' }] : [])),
    });
    const says = (/** @type {{ t: number, label: number } | null} */ each) => (each ? `reads ${each.label} from t\u00a0=\u00a0${each.t.toFixed(2)} on` : `holds out up to t\u00a0=\u00a0${UNTIL}`);
    curves.describe(`${network} ${says(one)}; ${row.network} ${says(two)}`);
    words.replaceChildren(
      'Along this ',
      create('i', { class: 'r' }, 'r'),
      ', ',
      create('b', { class: 'solid' }, network),
      ` ${says(one)}, `,
      create('b', { class: 'dashed' }, row.network),
      ` ${says(two)}.`,
      row.own ? ` The smallest change for each: cosine ${cosine(r, row.own.r).toFixed(2)}, where 1 is the same direction and 0 an unrelated one.` : '',
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

/** Where the reading on a way first changes, and into what. @param {Float32Array} shares ten of each place */
function change(shares) {
  const labelAt = (/** @type {number} */ k) => {
    const ten = shares.subarray(k * LABELS, (k + 1) * LABELS);
    return ten.indexOf(Math.max(...ten));
  };
  for (let k = 1; k < PLACES; k++) if (labelAt(k) !== labelAt(0)) return { t: (k / (PLACES - 1)) * UNTIL, label: labelAt(k) };
  return null;
}

/** @param {Float32Array} a @param {Float32Array} b */
function cosine(a, b) {
  const product = a.reduce((sum, value, k) => sum + value * b[k], 0);
  return product / (Math.hypot(...a) * Math.hypot(...b));
}
