// @ts-check
/** What the readings of c change. */
import { create } from '../dom.js';
import { NOTHING } from '../numbers.js';

/** @import { Compared, Reading, Target } from '../protocol.js' */
/** @import { Page } from './stage.js' */

/** @type {[Reading, string, string][]} */
const READINGS = [
  ['weight', 'c as a weight', 'the search over c alone'],
  ['scale', 'c as a scale', 'one c, then r is shortened'],
  ['both', 'both', 'the search, then r is shortened'],
];

/** Readings of c down, losses across; the choice and what it comes to in one. */
export class ReadingsTable {
  #page;
  #losses;
  /** @type {Map<Reading, HTMLInputElement>} */ #readings = new Map();
  /** By reading and loss. @type {Map<string, HTMLElement>} */ #cells = new Map();
  /** @type {Target} */ #towards = 8;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#losses = {
      towards: radio('loss', 'towards', () => page.chooseTarget(this.#towards)),
      away: radio('loss', 'away', () => page.chooseTarget('any')),
    };
    const { towards, away } = this.#losses;
    this.element = create(
      'table',
      { class: 'readings' },
      create('caption', {}, 'The paper leaves two things open. What each reading of it costs, for this digit:'),
      create(
        'thead',
        {},
        create(
          'tr',
          {},
          create('td', {}),
          create('th', { scope: 'col' }, option(towards, 'towards the target', 'its loss falls')),
          create('th', { scope: 'col' }, option(away, 'away from the label', 'its loss rises, any target')),
        ),
      ),
      create('tbody', {}, ...READINGS.map((each) => this.#row(...each))),
    );
  }

  /** @param {Reading} reading @param {string} name @param {string} more */
  #row(reading, name, more) {
    const input = radio('reading', reading, () => this.#page.chooseReading(reading));
    this.#readings.set(reading, input);
    const row = create('tr', {}, create('th', { scope: 'row' }, option(input, name, more)));
    for (const loss of Object.keys(this.#losses)) {
      const cell = create('td', {}, NOTHING);
      this.#cells.set(`${reading} ${loss}`, cell);
      row.append(cell);
    }
    return row;
  }

  /** @param {Reading} reading @param {Target} target @param {Target} next to attack towards, if that is chosen */
  choose(reading, target, next) {
    this.#towards = next;
    const loss = target === 'any' ? 'away' : 'towards';
    this.#losses[loss].checked = true;
    const chosen = this.#readings.get(reading);
    if (chosen) chosen.checked = true;
    for (const [key, cell] of this.#cells) cell.classList.toggle('chosen', key === `${reading} ${loss}`);
  }

  /** @param {Compared[]} compared */
  show(compared) {
    for (const cell of this.#cells.values()) cell.textContent = NOTHING;
    for (const { reading, target, outcome } of compared) {
      const cell = this.#cells.get(`${reading} ${target === 'any' ? 'away' : 'towards'}`);
      if (!cell || !outcome) continue;
      if (outcome.ending !== 'success') cell.textContent = 'no example';
      else
        cell.replaceChildren(
          create('b', {}, outcome.norm.toFixed(3)),
          ` ${outcome.evaluations} evaluations`,
          ...(target === 'any' ? [`, classified as ${outcome.label}`] : []),
        );
    }
  }
}

/** @param {string} name @param {string} value @param {() => void} chosen */
function radio(name, value, chosen) {
  const input = create('input', { type: 'radio', name, value });
  input.addEventListener('change', chosen);
  return input;
}

/** @param {HTMLInputElement} input @param {string} name @param {string} more */
const option = (input, name, more) => create('label', { class: 'option' }, input, create('span', {}, name, create('small', {}, more)));
