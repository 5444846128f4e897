// @ts-check
/**
 * What can be chosen, and its forms as text: the page's links and the frame's address, `#v1;network=…;target=…`, the attributes of
 * `<pockets-demo>`, and the snippets that the page offers. One row of the table below for each property; nothing else knows
 * the forms.
 *
 * @import { Drawing } from './drawing.js'
 * @import { Reading, Target } from './protocol.js'
 *
 * @typedef {object} Settings
 * @property {string} network a shipped network's name, or the address of a safetensors file
 * @property {Target} target
 * @property {Reading} reading of the formula's c
 * @property {Drawing | null} digit a drawing to start with; null: the sample
 * @property {number | null} sample the digit that is drawn at the start; null: a blank pad
 * @property {'auto' | 'light' | 'dark'} theme
 * @property {Set<string>} hide
 * @property {boolean} facade nothing is loaded before the first click
 *
 * @typedef {Pick<Settings, 'network' | 'target' | 'reading'> & { digit: Drawing }} State of the page, as its links keep it
 */
import { decode, encode } from './drawing.js';

const VERSION = 'v1';

/** What `hide` can name; `link` is the way from the frame's page to the whole one. */
const PARTS = ['network', 'target', 'pad', 'tools', 'samples', 'perturbation', 'adversarial', 'readings', 'numbers', 'sentence', 'link'];

/**
 * @template T
 * @typedef {object} Property
 * @property {() => T} initial
 * @property {(text: string) => T | undefined} parse undefined for what is not understood
 * @property {(value: T) => string} print
 * @property {string} expected in words
 */

/** @type {(text: string) => string[]} */
const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/**
 * A property that is one of some words.
 * @template {string} T
 * @param {T[]} all the first is the initial one
 * @returns {Property<T>}
 */
const oneOf = (...all) => ({
  initial: () => all[0],
  parse: (text) => all.find((word) => word === text),
  print: String,
  expected: `${all
    .slice(0, -1)
    .map((word) => `“${word}”`)
    .join(', ')} or “${all[all.length - 1]}”`,
});

/**
 * A digit or a word for none.
 * @template {string | null} T
 * @param {string} word
 * @param {T} meaning of the word
 * @param {number} initial
 * @returns {Property<number | T>}
 */
const digitOr = (word, meaning, initial) => ({
  initial: () => initial,
  parse: (text) => (text === word ? meaning : /^[0-9]$/.test(text) ? Number(text) : undefined),
  print: (value) => (value === meaning ? word : String(value)),
  expected: `a digit or “${word}”`,
});

/** @type {{ [K in keyof Settings]: Property<Settings[K]> }} */
const PROPERTIES = {
  network: {
    initial: () => 'FC100-100-10',
    parse: (text) => text.trim() || undefined,
    print: String,
    expected: 'a network’s name or its file’s address',
  },
  target: digitOr('any', 'any', 8),
  reading: oneOf('both', 'weight', 'scale'),
  digit: {
    initial: () => null,
    parse: (text) => decode(text) ?? undefined,
    print: (drawing) => encode(drawing ?? []),
    expected: 'a drawing from a link of the demo',
  },
  sample: digitOr('none', null, 3),
  theme: oneOf('auto', 'light', 'dark'),
  hide: {
    initial: () => new Set(),
    parse: (text) => (words(text).every((word) => PARTS.includes(word)) ? new Set(words(text)) : undefined),
    print: (parts) => [...parts].join(' '),
    expected: `some of ${PARTS.join(', ')}`,
  },
  facade: {
    initial: () => false,
    // Frameworks write a flag as true or false.
    parse: (text) => ['', 'facade', 'true'].includes(text) || (text === 'false' ? false : undefined),
    print: () => '',
    expected: 'nothing: it is there or not',
  },
};

/** The names of all properties, which are those of the element's attributes. */
export const NAMES = /** @type {(keyof Settings)[]} */ (Object.keys(PROPERTIES));
/** Those that the page's links keep, in their order. */
const OF_STATE = /** @type {const} */ (['network', 'target', 'reading', 'digit']);

/** @returns {State} */
export const initialState = () => ({
  network: PROPERTIES.network.initial(),
  target: PROPERTIES.target.initial(),
  reading: PROPERTIES.reading.initial(),
  digit: [],
});

/**
 * The properties that an address gives, as text.
 * @param {string} hash
 * @returns {{ version: string, isForeign: boolean, given: Map<string, string> }} `version` is empty where there is none;
 *   `isForeign`: of another version than ours, so that nothing is known of the rest
 */
function parse(hash) {
  const [version, ...pairs] = hash.replace(/^#/, '').split(';');
  const isForeign = version !== '' && version !== VERSION;
  /** @type {Map<string, string>} */ const given = new Map();
  if (version === VERSION) {
    for (const pair of pairs) {
      const cut = pair.indexOf('=');
      if (cut > 0) given.set(pair.slice(0, cut), decoded(pair.slice(cut + 1)));
    }
  }
  return { version, isForeign, given };
}

/** @param {string} text as it is, where it is not percent-encoded as it should be */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * What a link of the page says. `state` holds only the properties that are there and understood.
 * @param {string} hash
 * @returns {{ kind: 'none' } | { kind: 'foreign', version: string } | { kind: 'state', state: Partial<State>, wrong: string[] }}
 */
export function readLink(hash) {
  const { version, isForeign, given } = parse(hash);
  // A place in the page, `#transfer`, is no link of another version.
  if (version === '' || !/^v\d/.test(version)) return { kind: 'none' };
  if (isForeign) return { kind: 'foreign', version };
  /** @type {Record<string, unknown>} */ const state = {};
  const wrong = [];
  for (const name of OF_STATE) {
    const text = given.get(name);
    if (text === undefined) continue;
    const value = PROPERTIES[name].parse(text);
    if (value === undefined) wrong.push(name);
    else state[name] = value;
  }
  return { kind: 'state', state, wrong };
}

/** @param {State} state */
export function printLink(state) {
  const pairs = OF_STATE.map((name) => {
    const print = /** @type {(value: unknown) => string} */ (PROPERTIES[name].print);
    return `${name}=${encodeURIComponent(print(state[name]))}`;
  });
  return `#${[VERSION, ...pairs].join(';')}`;
}

/**
 * What the frame's address says, as attributes of the element in it; of another version's, nothing.
 * @param {string} hash
 * @returns {{ isForeign: boolean, attributes: Map<string, string> }}
 */
export function readFrame(hash) {
  const { isForeign, given } = parse(hash);
  const isGiven = (/** @type {[string, string]} */ [name, text]) =>
    NAMES.some((known) => known === name) && !(name === 'digit' && text === '');
  return { isForeign, attributes: new Map([...given].filter(isGiven)) };
}

/**
 * What some attributes come to; one that is not understood counts as not given, but of `hide` the words that are.
 * @param {(name: string) => string | null} get null if not given
 * @returns {{ settings: Settings, wrong: string[] }} `wrong`: a sentence for each that is not understood
 */
export function readSettings(get) {
  /** @type {Record<string, unknown>} */ const settings = {};
  const wrong = [];
  for (const [name, property] of Object.entries(PROPERTIES)) {
    const text = get(name);
    const value = text === null ? undefined : property.parse(text);
    settings[name] = value === undefined ? property.initial() : value;
    if (text === null || value !== undefined) continue;
    if (name === 'hide') settings.hide = new Set(words(text).filter((word) => PARTS.includes(word)));
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    wrong.push(`${name}="${shown}" is not understood; expected ${property.expected}.`);
  }
  return { settings: /** @type {Settings} */ (settings), wrong };
}
