// @ts-check
/**
 * The attributes of `<pockets-demo>`: what each may say, and the sentence for what it may not. The page for frames,
 * embed.html, takes the same words from its address.
 *
 * @import { Drawing } from './drawing.js'
 * @import { Reading, Target } from './messages.js'
 *
 * @typedef {object} Settings
 * @property {string} network a shipped network's name, or the address of a safetensors file
 * @property {Target} target
 * @property {number | null} sample the digit that is drawn at the start; null: a blank pad
 * @property {Drawing | null} digit a drawing to start with, as links keep it; null: the sample
 * @property {Reading} reading of the formula's c
 * @property {'auto' | 'light' | 'dark'} theme
 * @property {Set<string>} hide
 * @property {boolean} facade nothing is loaded before the first click
 */
import { decode } from './drawing.js';

/** What `hide` can name. */
export const PARTS = ['network', 'target', 'pad', 'tools', 'samples', 'perturbation', 'adversarial', 'readings', 'numbers', 'sentence'];

/**
 * @template T
 * @typedef {object} Attribute
 * @property {() => T} initial
 * @property {(text: string) => T | undefined} parse undefined for what is not understood
 * @property {string} expected in words
 */

/** @type {(text: string) => string[]} */
const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/** @type {{ [K in keyof Settings]: Attribute<Settings[K]> }} */
export const ATTRIBUTES = {
  network: { initial: () => 'FC100-100-10', parse: (text) => text.trim() || undefined, expected: 'a network’s name or its file’s address' },
  target: {
    initial: () => 8,
    parse: (text) => (text === 'any' ? 'any' : /^[0-9]$/.test(text) ? Number(text) : undefined),
    expected: 'a digit or “any”',
  },
  sample: {
    initial: () => 3,
    parse: (text) => (text === 'none' ? null : /^[0-9]$/.test(text) ? Number(text) : undefined),
    expected: 'a digit or “none”',
  },
  digit: { initial: () => null, parse: (text) => decode(text) ?? undefined, expected: 'a drawing from a link of the demo' },
  reading: {
    initial: () => 'both',
    parse: (text) => (text === 'weight' || text === 'scale' || text === 'both' ? text : undefined),
    expected: '“weight”, “scale” or “both”',
  },
  theme: {
    initial: () => 'auto',
    parse: (text) => (text === 'light' || text === 'dark' || text === 'auto' ? text : undefined),
    expected: '“light”, “dark” or “auto”',
  },
  hide: {
    initial: () => new Set(),
    parse: (text) => (words(text).every((word) => PARTS.includes(word)) ? new Set(words(text)) : undefined),
    expected: `some of ${PARTS.join(', ')}`,
  },
  facade: {
    initial: () => false,
    parse: (text) => (text === '' || text === 'facade' ? true : undefined),
    expected: 'nothing: it is there or not',
  },
};

/**
 * What some attributes come to; one that is not understood counts as not given, but of `hide` the words that are.
 * @param {(name: string) => string | null} get null if not given
 * @returns {{ settings: Settings, wrong: string[] }} `wrong`: a sentence for each that is not understood
 */
export function readSettings(get) {
  /** @type {Record<string, unknown>} */ const settings = {};
  const wrong = [];
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const text = get(name);
    const value = text === null ? undefined : attribute.parse(text);
    settings[name] = value === undefined ? attribute.initial() : value;
    if (text === null || value !== undefined) continue;
    if (name === 'hide') settings.hide = new Set(words(text).filter((word) => PARTS.includes(word)));
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    wrong.push(`${name}="${shown}" is not understood; expected ${attribute.expected}.`);
  }
  return { settings: /** @type {Settings} */ (settings), wrong };
}
