// @ts-check
/** Two networks on one way: how far along r each of them changes its mind, and the smallest change of each. */
import { create } from '../dom.js';
import { LABELS } from '../target.js';
import { chart } from './chart.js';
import { picture } from './picture.js';

/** @import { View } from '../pictures.js' */
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

export class Comparison {
  #view;
  #select = create('select', { id: 'compared' });
  /** Each network's smallest change, and its name and norm. */ #here;
  #there;
  #hereName = create('p', {});
  #thereName = create('p', {});
  #words = create('p', { class: 'words' });
  #curves = chart({ name: 'Probabilities of two networks', height: 220 });
  /** @type {Example | null} */ #example = null;
  /** What the visitor chose, as long as it is not the network that is attacked. */ #other = '';

  /** @param {View} view */
  constructor(view) {
    this.#view = view;
    this.#here = picture(view, 'here');
    this.#there = picture(view, 'there');
    const here = create('div', {}, this.#here.element, this.#hereName);
    const there = create('div', {}, this.#there.element, this.#thereName);
    this.element = create(
      'div',
      { class: 'comparison' },
      create('p', { class: 'choose' }, create('label', { for: 'compared' }, 'Compare with'), this.#select),
      create(
        'div',
        { class: 'columns' },
        create('div', { class: 'narrow pair' }, here, there),
        create('div', { class: 'wide' }, this.#curves.element),
      ),
      this.#words,
    );
    this.element.hidden = true;
    this.#select.addEventListener('change', () => {
      this.#other = this.#select.value;
      this.#refresh();
    });
  }

  /** @param {Example | null} example */
  show(example) {
    this.#example = example;
    this.#refresh();
  }

  #refresh() {
    const [view, example] = [this.#view, this.#example];
    const others = example?.rows.filter(({ network }) => network !== example.network) ?? [];
    const row = others.find(({ network }) => network === this.#other) ?? others[0];
    this.element.hidden = !row;
    view.cancel('second way');
    if (!example || !row) return view.cancel('first way');
    if ([...this.#select.options].map(({ value }) => value).join() !== others.map((each) => each.network).join()) {
      this.#select.replaceChildren(...others.map((each) => create('option', {}, each.network)));
    }
    this.#select.value = row.network;
    const { network, image, r } = example;
    const way = { image, r, until: UNTIL, count: PLACES };
    const seen = (/** @type {Way} */ first) =>
      view.ask('second way', 'way', { ...way, network: row.network }, (second) => {
        this.#draw(example, row, first, second);
        this.#say(example, row, first.flip, second.flip);
      });
    view.ask('first way', 'way', { ...way, network }, seen);
    this.#showChanges(example, row);
  }

  /** @param {Example} example @param {Transferred} row */
  #showChanges({ network, r, limit, norm, label }, row) {
    const both = Math.max(limit, row.own?.limit ?? 0);
    this.#here.ask({ r, limit: both });
    if (row.own) this.#there.ask({ r: row.own.r, limit: both });
    else this.#there.empty();
    this.#hereName.textContent = `${network}: ${norm.toFixed(2)}`;
    this.#thereName.textContent = row.own
      ? `${row.network}: ${row.own.norm.toFixed(2)}`
      : `${row.network}: ${row.digit.label === label ? `predicts ${label} already` : 'none was found'}`;
  }

  /** @param {Example} example @param {Transferred} row @param {Way} first @param {Way} second */
  #draw({ network, label }, row, first, second) {
    const line = (/** @type {Way} */ { probabilities }, /** @type {string} */ kind, /** @type {string} */ name) => ({
      name,
      points: Array.from(
        { length: PLACES },
        (_, k) => /** @type {[number, number]} */ ([(k / (PLACES - 1)) * UNTIL, probabilities[k * LABELS + label]]),
      ),
      kind,
    });
    this.#curves.draw({
      x: {
        label: 't, how much of r is added',
        name: 't',
        domain: [0, UNTIL],
        ticks: [0, 1, 2, 3],
        format: (v) => String(Number(v.toFixed(2))),
      },
      y: { label: `probability of ${label}`, domain: [0, 1], ticks: [0, 0.5, 1], format: (v) => `${Number((100 * v).toFixed(1))}\u00a0%` },
      lines: [line(second, 'from dashed', row.network), line(first, 'to', network)],
      marks: [first.flip, second.flip].flatMap((each, k) => (each ? [{ x: each.t, kind: k ? 'from' : 'to' }] : [])),
    });
  }

  /** Where each changes its mind. @param {Example} example @param {Transferred} row @param {Flip | null} first @param {Flip | null} second */
  #say({ network }, row, first, second) {
    const says = (/** @type {Flip | null} */ each) =>
      each ? `predicts ${each.label} from t\u00a0=\u00a0${each.t.toFixed(2)} on` : `holds out up to t\u00a0=\u00a0${UNTIL}`;
    this.#curves.describe(`${network} ${says(first)}; ${row.network} ${says(second)}`);
    this.#words.replaceChildren(
      'Along this ',
      create('i', { class: 'r' }, 'r'),
      ', ',
      create('b', { class: 'solid' }, network),
      ` ${says(first)}, `,
      create('b', { class: 'dashed' }, row.network),
      ` ${says(second)}.`,
      row.own
        ? ` The smallest change for each: cosine ${row.own.cosine.toFixed(2)}, where 1 is the same direction and 0 an unrelated one.`
        : '',
    );
  }
}
