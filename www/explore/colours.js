// @ts-check
/** The colours of the sections' pictures; those of the labels are mixed into the paper of the moment. */
import { palette } from '../theme.js';

/** Paul Tol's muted scheme: ten colours that people with any colour vision tell apart. */
const LABELS = ['#DDDDDD', '#332288', '#88CCEE', '#DDCC77', '#117733', '#CC6677', '#44AA99', '#999933', '#AA4499', '#882255'].map((hex) =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)),
);
/** How much of a colour is mixed into the paper: the page is calm. */
const STRENGTH = 0.62;

/** @returns {import('../protocol.js').Palette} */
export function colours() {
  const { ink, signed } = palette();
  const labels = LABELS.flatMap((rgb) => rgb.map((v, c) => Math.round(STRENGTH * v + (1 - STRENGTH) * ink[c])));
  return { ink, signed, labels: Uint8Array.from(labels) };
}
