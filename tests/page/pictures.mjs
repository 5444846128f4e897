// @ts-check
/** Pictures of 28×28 squares, as a screenshot has them and as they should be. */
import { PNG } from 'pngjs';

/**
 * @import { Values } from './native.mjs'
 * @typedef {[red: number, green: number, blue: number]} Colour
 * @typedef {{ paper: Colour, ink: Colour, less: Colour, more: Colour }} Theme
 * @typedef {{ width: number, height: number, at: (x: number, y: number) => Colour }} Picture
 */

/** Squares along one side. */
const SIDE = 28;
/** By so much may a channel differ: by rounding, once where colours are mixed, and once where the browser lays them on the page. */
const ROUNDING = 2;
/** Two squares side by side whose colours differ by more than this show an edge, and what blurs shows there. */
const STEP = 60;

/** The colours of www/style.css, written down once more. @type {{ light: Theme, dark: Theme }} */
export const THEMES = {
  light: { paper: [255, 255, 255], ink: [29, 29, 31], less: [33, 102, 172], more: [217, 105, 12] },
  dark: { paper: [11, 12, 13], ink: [241, 239, 233], less: [90, 162, 230], more: [245, 138, 44] },
};

/** @param {Buffer} png @returns {Picture} */
export function picture(png) {
  const { width, height, data } = PNG.sync.read(png);
  return { width, height, at: (x, y) => /** @type {Colour} */ ([...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)]) };
}

/** @param {Colour} from @param {Colour} to @param {number} share @returns {Colour} */
const mixed = (from, to, share) =>
  /** @type {Colour} */ (from.map((channel, k) => Math.round(channel + Math.min(Math.max(share, 0), 1) * (to[k] - channel))));

/** @param {Colour} a @param {Colour} b */
const apart = (a, b) => Math.max(...a.map((channel, k) => Math.abs(channel - b[k])));

/** The 784 colours of each picture. @param {Values} values @param {Theme} theme */
export function expected({ x, r, sum, limit }, { paper, ink, less, more }) {
  const inked = (/** @type {Float32Array | null} */ values) => values && Array.from(values, (value) => mixed(paper, ink, value));
  const signed = r && Array.from(r, (value) => mixed(paper, value < 0 ? less : more, Math.abs(value) / limit));
  return { x: inked(x), r: signed, sum: inked(sum) };
}

/** Whether a picture is of one colour. @param {Picture} shown @returns {Colour | null} that colour */
export function plain(shown) {
  const first = shown.at(2, 2);
  for (let y = 2; y < shown.height - 2; y++) for (let x = 2; x < shown.width - 2; x++) if (apart(shown.at(x, y), first) > ROUNDING) return null;
  return first;
}

/**
 * What is wrong with a picture, in a sentence; nothing where it is right. Every pixel of a square counts but those in its outermost ring, which may
 * belong to its neighbour where squares are no whole number of pixels wide.
 *
 * @param {Picture} shown
 * @param {Colour[]} colours of its squares
 */
export function differences(shown, colours) {
  const [wide, high] = [shown.width / SIDE, shown.height / SIDE];
  if (Math.min(wide, high) < 3) return `it is ${shown.width} × ${shown.height} pixels large`;
  const edges = colours.filter((colour, k) => k % SIDE > 0 && apart(colour, colours[k - 1]) > STEP).length;
  if (edges < 20) return `only ${edges} edges are to be seen in what is expected: the test sees little`;
  const wrong = [];
  for (const [k, colour] of colours.entries()) {
    const [column, row] = [k % SIDE, Math.floor(k / SIDE)];
    for (let y = Math.ceil(row * high) + 1; y <= Math.floor((row + 1) * high) - 2; y++) {
      for (let x = Math.ceil(column * wide) + 1; x <= Math.floor((column + 1) * wide) - 2; x++) {
        const seen = shown.at(x, y);
        if (apart(seen, colour) > ROUNDING) wrong.push(`(${x}, ${y}) is ${seen}, not ${colour}`);
      }
    }
  }
  const one = plain(shown);
  if (one && wrong.length) return `all of it is ${one}`;
  return wrong.length ? `${wrong.length} of ${shown.width * shown.height} pixels are of another colour: ${wrong.slice(0, 3).join('; ')}` : '';
}
