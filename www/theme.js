// @ts-check
/** The theme of the moment, and the colours of its pictures: they are known before any style sheet has arrived. */
import { COLOURS } from './colours.js';

/** @import { Palette } from './protocol.js' */

const prefersDark = matchMedia('(prefers-color-scheme: dark)');

/** The colours of the theme of the moment. */
export function colours() {
  const { theme } = document.documentElement.dataset;
  const isDark = theme === 'light' || theme === 'dark' ? theme === 'dark' : prefersDark.matches;
  return isDark ? COLOURS.dark : COLOURS.light;
}

/** Red, green and blue. @param {string} hex */
export const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** @returns {Palette} */
export function palette() {
  const { paper, ink, less, none, more, labels } = colours();
  const triples = (/** @type {string[]} */ ...all) => Uint8Array.from(all.flatMap(rgb));
  return { ink: triples(paper, ink), change: triples(less, none, more), labels: triples(...labels) };
}

/** @param {() => void} changed the theme is another one */
export function watchTheme(changed) {
  prefersDark.addEventListener('change', changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ['data-theme'] });
}
