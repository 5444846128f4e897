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
const STEP = 12;
/** Edges that a picture has at least: a perturbation is faint. */
const LEAST = 8;
/** In the corners of a picture, which are round, nothing is looked at. */
const CORNERS = [0, SIDE - 1, SIDE * (SIDE - 1), SIDE * SIDE - 1];
/** Squares that are fewer pixels wide are small. */
const SMALL = 5;

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

/**
 * The pixels of one square that belong to it for certain: all but the outermost ring, which may be its neighbour's where squares are no whole number of
 * pixels wide; of small squares the one in the middle.
 * @param {Picture} shown @param {number} k its number, row by row
 * @returns {Generator<[x: number, y: number], void>}
 */
function* within({ width, height }, k) {
  const [wide, high] = [width / SIDE, height / SIDE];
  if (CORNERS.includes(k)) return;
  const [left, top] = [(k % SIDE) * wide, Math.floor(k / SIDE) * high];
  if (Math.min(wide, high) < SMALL) return yield [Math.floor(left + wide / 2), Math.floor(top + high / 2)];
  for (let y = Math.ceil(top) + 1; y <= Math.floor(top + high) - 2; y++) {
    for (let x = Math.ceil(left) + 1; x <= Math.floor(left + wide) - 2; x++) yield [x, y];
  }
}

/** What shows that a picture's squares are not flat, or that its paper is another, in a sentence; nothing where all is well. @param {Picture} shown @param {Colour} paper */
export function faults(shown, paper) {
  const corner = shown.at(3, 3);
  if (apart(corner, paper) > ROUNDING) return `its paper is ${corner}`;
  for (let k = 0; k < SIDE * SIDE; k++) {
    const seen = [...within(shown, k)].map(([x, y]) => shown.at(x, y));
    if (seen.some((each) => apart(each, seen[0]) > ROUNDING))
      return `square ${k} is of several colours, such as ${seen[0]} and ${seen.at(-1)}`;
  }
  return '';
}

/**
 * What is wrong with a picture, in a sentence; nothing where it is right.
 * @param {Picture} shown
 * @param {Colour[]} colours of its squares
 */
export function differences(shown, colours) {
  const edges = colours.filter((colour, k) => k % SIDE > 0 && apart(colour, colours[k - 1]) > STEP).length;
  if (edges < LEAST) return `only ${edges} edges are to be seen in what is expected: the test sees little`;
  const wrong = [];
  for (const [k, colour] of colours.entries()) {
    for (const [x, y] of within(shown, k)) {
      const seen = shown.at(x, y);
      if (apart(seen, colour) > ROUNDING) wrong.push(`(${x}, ${y}) is ${seen}, not ${colour}`);
    }
  }
  return wrong.length
    ? `${wrong.length} of ${shown.width} × ${shown.height} pixels are of another colour: ${wrong.slice(0, 3).join('; ')}`
    : '';
}
