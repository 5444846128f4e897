// @ts-check
/** A 28×28 picture on a canvas; its colours are mixed by the engine. */
import { SIDE } from './messages.js';

/** @import { Picture } from './messages.js' */

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {(picture: Picture | null) => void} shows a picture, or none
 */
export function pictureView(canvas) {
  const context = canvas.getContext('2d');
  return (picture) => {
    canvas.classList.toggle('empty', !picture);
    if (picture) context?.putImageData(new ImageData(new Uint8ClampedArray(picture.rgba), SIDE, SIDE), 0, 0);
    else context?.clearRect(0, 0, SIDE, SIDE);
  };
}
