// @ts-check
/**
 * The look of `<pockets-demo>`, as a style sheet that is made by script: a host's Content-Security-Policy does not apply to it.
 * A page changes it by custom properties `--pockets-…` and by `::part(…)`. The layout follows the element's own width.
 */

import { COLOURS } from './colours.js';

const { light, dark } = COLOURS;

/** A colour of the pictures, unless the page has another. @param {string} name */
const declared = (name) => {
  const key = /** @type {'paper' | 'ink' | 'less' | 'more'} */ (name);
  return `--${key}: var(--pockets-${key}, light-dark(${light[key]}, ${dark[key]}));`;
};

const CSS = `
:host {
  display: block;
  container-type: inline-size;
  ${['paper', 'ink', 'less', 'more'].map(declared).join('\n  ')}
  --none: var(--paper);
  --text: var(--pockets-text, light-dark(#1d1d1f, #eceae4));
  --quiet: var(--pockets-quiet, light-dark(#65635e, #a3a09a));
  --line: var(--pockets-line, light-dark(#dedbd3, #34363a));
  --accent: var(--pockets-accent, light-dark(#b4480a, #f7a35c));
  --on-accent: var(--pockets-on-accent, light-dark(#ffffff, #1d1d1f));
  --serif: var(--pockets-serif, 'Iowan Old Style', 'Palatino Linotype', Palatino, P052, 'URW Palladio L', 'Source Serif 4', 'Libertinus Serif',
    'Noto Serif', 'Liberation Serif', 'DejaVu Serif Condensed', Georgia, serif);
  --sans: var(--pockets-sans, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', sans-serif);
  font: 15px/1.5 var(--sans);
  color: var(--text);
  direction: ltr;
  text-align: left;
}
:host([hidden]), [hidden] { display: none !important; }
:host([theme='light']) { color-scheme: light; }
:host([theme='dark']) { color-scheme: dark; }
*, *::before, *::after { box-sizing: border-box; }
p, dl, dd, figure { margin: 0; padding: 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.visually-hidden, .probes { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.probes i { transition: color 1ms; }
.probe-paper { color: color-mix(in srgb, var(--paper), var(--paper)); }
.probe-ink { color: color-mix(in srgb, var(--ink), var(--ink)); }
.probe-less { color: color-mix(in srgb, var(--less), var(--less)); }
.probe-none { color: color-mix(in srgb, var(--none), var(--none)); }
.probe-more { color: color-mix(in srgb, var(--more), var(--more)); }

.waiting { display: grid; place-items: center; min-height: 300px; padding: 16px; color: var(--quiet); border: 1px solid var(--line); border-radius: 10px; text-align: center; }
select, button { font: inherit; color: var(--text); background: var(--paper); border: 1px solid var(--line); border-radius: 6px; min-height: 40px; padding: 0 12px; }
button { cursor: pointer; }
button:hover, select:hover { border-color: var(--quiet); }
.facade { font: 20px/1.3 var(--serif); padding: 14px 22px; }

.choices { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 16px; }
.goal { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; flex: 1 1 auto; }
.ask { font: 18px/1.3 var(--serif); }
.network { display: flex; align-items: center; gap: 8px; min-width: 0; max-width: 100%; color: var(--quiet); }
.network select { min-width: 0; text-overflow: ellipsis; }
.target { display: flex; gap: 4px; }
.choice { position: relative; display: grid; place-items: center; min-width: 36px; height: 40px; font: 19px/1 var(--serif); }
.choice:last-child { min-width: 52px; font-style: italic; }
.choice input { appearance: none; position: absolute; inset: 0; margin: 0; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); cursor: pointer; }
.choice span { position: relative; pointer-events: none; }
.choice input:hover { border-color: var(--quiet); }
.choice input:checked { background: var(--accent); border-color: var(--accent); }
.choice input:checked + span { color: var(--on-accent); }
.choice input.predicted + span { color: var(--quiet); text-decoration: underline; text-underline-offset: 5px; }
.choice input.predicted:checked + span { color: var(--on-accent); }

.equation { display: flex; flex-wrap: wrap; gap: 12px 36px; margin-top: 10px; }
figure { flex: 1 1 0; min-width: 0; max-width: 380px; }
.framed { position: relative; }
figcaption { height: 32px; color: var(--quiet); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.symbol { font: italic 21px/1 var(--serif); color: var(--text); margin-right: 2px; }
.symbol.r { color: var(--accent); }
.operator { position: absolute; inset: 0 100% 0 -36px; display: grid; place-items: center; font: 28px/1 var(--serif); color: var(--quiet); }
.picture { display: block; width: 100%; aspect-ratio: 1; background: var(--paper); border-radius: 3px; box-shadow: 0 0 0 1px var(--line); image-rendering: pixelated; }
.pad { position: relative; image-rendering: auto; border-radius: 10px; box-shadow: 0 0 0 1px var(--line), 0 1px 2px #0001, 0 6px 20px #0001; }
.pad canvas { display: block; width: 100%; height: 100%; border-radius: inherit; touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair; color: var(--ink); accent-color: var(--accent); }
.invitation { position: absolute; inset: 0; display: none; place-items: center; pointer-events: none; font: italic 20px/1 var(--serif); color: var(--quiet); }
.pad.blank .invitation { display: grid; }
.readings, .numbers { margin-top: 8px; }
.numbers { display: flex; gap: 4px 18px; flex-wrap: wrap; }
dt { color: var(--quiet); font-size: 14px; line-height: 1.4; }
dd { white-space: nowrap; font: 28px/1.2 var(--serif); font-variant-numeric: lining-nums tabular-nums; }
.numbers dd { color: var(--accent); }
.share { font: 14px/1 var(--sans); color: var(--quiet); }

.beside { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 16px; margin-top: 14px; }
.tools { display: flex; gap: 8px; }
.samples { display: grid; grid-template-columns: repeat(10, minmax(40px, 1fr)); flex: 1 1 400px; max-width: 560px; }
.samples button { padding: 0; height: 44px; min-width: 40px; display: grid; place-items: center; border-color: transparent; background: none; }
.samples button:hover { border-color: var(--line); background: var(--paper); }
.samples svg { width: 34px; height: 34px; fill: none; stroke: var(--quiet); stroke-width: 8; stroke-linecap: round; stroke-linejoin: round; }
.status { margin-top: 10px; min-height: 3em; font: 17px/1.5 var(--serif); text-wrap: pretty; }
.notice { margin-top: 10px; padding: 10px 14px; border: 1px solid var(--accent); border-radius: 6px; overflow-wrap: anywhere; }

/* Narrow: the pad large, and what comes of it below */
@container (width < 560px) {
  .goal { flex-basis: 100%; }
  .target { flex: 1 0 100%; display: grid; grid-template-columns: repeat(6, 1fr); }
  .choice:last-child { grid-column: span 2; }
  .equation { column-gap: 28px; }
  .drawing { flex: 1 0 100%; }
  .change .operator { display: none; }
  .change figcaption::before { content: '+ '; font: 20px/1 var(--serif); }
  .operator { left: -28px; font-size: 24px; }
  .words { font-size: 13px; }
  .samples { grid-template-columns: repeat(5, minmax(40px, 1fr)); flex-basis: 100%; max-width: 380px; }
  dd { font-size: 24px; }
  .status { font-size: 16px; }
}
@media (forced-colors: active) {
  .choice input:checked { outline: 2px solid Highlight; }
}
`;

/** @type {CSSStyleSheet | undefined} */ let sheet;

/** One style sheet for all elements of the page. */
export function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
