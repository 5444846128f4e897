// @ts-check
/** Small pictures of 28×28 values, painted on the page itself: mixed as the engine mixes them (src/web/paint.rs). */
import { create } from '../dom.js';
import { SIDE } from '../messages.js';
import { palette } from '../theme.js';

/** The colours of the moment, read once for each theme. @type {import('../messages.js').Palette | null} */
let colours = null;

/** The theme is another one. */
export const forgetColours = () => {
  colours = null;
};

/** @param {string} name for assistive technology; none for a picture that only repeats its surroundings */
export function picture(name = '') {
  const canvas = create('canvas', { class: 'picture', width: String(SIDE), height: String(SIDE), ...(name ? { role: 'img', 'aria-label': name } : { 'aria-hidden': 'true' }) });
  const context = canvas.getContext('2d');
  /** @param {ArrayLike<number>} values @param {(value: number) => [ArrayLike<number>, ArrayLike<number>, number]} mix */
  const paint = (values, mix) => {
    const image = new ImageData(SIDE, SIDE);
    for (let k = 0; k < values.length; k++) {
      const [from, to, share] = mix(values[k]);
      const part = Math.min(Math.max(share, 0), 1);
      for (let c = 0; c < 3; c++) image.data[4 * k + c] = Math.round(from[c] + part * (to[c] - from[c]));
      image.data[4 * k + 3] = 255;
    }
    context?.putImageData(image, 0, 0);
  };
  return {
    element: canvas,
    /** @param {ArrayLike<number>} pixels in [0, 1] */
    ink(pixels) {
      colours ??= palette();
      const [paper, ink] = [colours.ink.subarray(0, 3), colours.ink.subarray(3)];
      paint(pixels, (v) => [paper, ink, v]);
    },
    /** @param {ArrayLike<number>} change @param {number} limit shown from −limit to limit */
    signed(change, limit) {
      colours ??= palette();
      const [less, none, more] = [0, 3, 6].map((k) => /** @type {any} */ (colours).signed.subarray(k, k + 3));
      paint(change, (v) => [none, v < 0 ? less : more, Math.abs(v) / limit]);
    },
    empty() {
      context?.clearRect(0, 0, SIDE, SIDE);
    },
  };
}

/** `clip(x + t·r)`. @param {Float32Array} image @param {Float32Array} r @param {number} t */
export const moved = (image, r, t) => image.map((x, k) => Math.min(Math.max(x + t * r[k], 0), 1));
