// @ts-check
/**
 * The page's state and its form in the address: `#v1;network=…;target=…;reading=…;digit=…`. One row of the
 * table below for each property; nothing else knows the form.
 *
 * @import { Drawing } from './drawing.js'
 * @import { Reading, Target } from './messages.js'
 *
 * @typedef {object} State
 * @property {string} network name of a shipped network
 * @property {Target} target
 * @property {Reading} reading
 * @property {Drawing} digit
 */
import { decode, encode } from './drawing.js';

const VERSION = 'v1';

/**
 * @template T
 * @typedef {object} Property
 * @property {T} initial
 * @property {(text: string) => T | null} parse null for what is not understood
 * @property {(value: T) => string} print
 */

/** @type {{ [K in keyof State]: Property<State[K]> }} */
const PROPERTIES = {
  network: { initial: 'FC100-100-10', parse: (text) => text || null, print: (name) => name },
  target: {
    initial: 8,
    parse: (text) => (text === 'any' ? 'any' : /^[0-9]$/.test(text) ? Number(text) : null),
    print: String,
  },
  reading: {
    initial: 'both',
    parse: (text) => (text === 'weight' || text === 'scale' || text === 'both' ? text : null),
    print: String,
  },
  digit: { initial: [], parse: decode, print: encode },
};

/** @returns {State} */
export function initialState() {
  return /** @type {State} */ (Object.fromEntries(Object.entries(PROPERTIES).map(([key, p]) => [key, p.initial])));
}

/**
 * What an address says. `state` holds only the properties that are there and understood.
 * @param {string} hash
 * @returns {{ kind: 'none' } | { kind: 'foreign', version: string } | { kind: 'state', state: Partial<State>, wrong: string[] }}
 */
export function parseHash(hash) {
  const [version, ...pairs] = hash.replace(/^#/, '').split(';');
  if (version === '') return { kind: 'none' };
  if (version !== VERSION) return { kind: 'foreign', version };
  /** @type {Record<string, unknown>} */ const state = {};
  const wrong = [];
  for (const pair of pairs) {
    const cut = pair.indexOf('=');
    const key = pair.slice(0, Math.max(cut, 0));
    if (!Object.hasOwn(PROPERTIES, key)) continue;
    let text;
    try {
      text = decodeURIComponent(pair.slice(cut + 1));
    } catch {
      text = '\u0000';
    }
    const value = PROPERTIES[/** @type {keyof State} */ (key)].parse(text);
    if (value === null) wrong.push(key);
    else state[key] = value;
  }
  return { kind: 'state', state, wrong };
}

/** @param {State} state */
export function printHash(state) {
  const pairs = Object.entries(PROPERTIES).map(([key, property]) => {
    const print = /** @type {(value: unknown) => string} */ (property.print);
    return `${key}=${encodeURIComponent(print(state[/** @type {keyof State} */ (key)]))}`;
  });
  return `#${[VERSION, ...pairs].join(';')}`;
}
