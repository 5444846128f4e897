// @ts-check
/** The colours of the pictures, as the style sheet sets them in the theme of the moment. */

/** @import { Palette } from './protocol.js' */

const INK = ['--paper', '--ink'];
const SIGNED = ['--less', '--none', '--more'];

/** @returns {Palette} */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const triples = (/** @type {string[]} */ names) =>
    Uint8Array.from(names.flatMap((name) => (style.getPropertyValue(name).match(/\d+/g) ?? []).slice(0, 3).map(Number)));
  return { ink: triples(INK), signed: triples(SIGNED), labels: new Uint8Array() };
}

/** @param {() => void} changed the theme is another one */
export function watchTheme(changed) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ['data-theme'] });
}
