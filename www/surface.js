// @ts-check
/**
 * A canvas that the engine paints. Where the browser can, it is handed over as an `OffscreenCanvas` and painted in the Worker;
 * else its pixels come by message. A page never paints it itself, and never reads it back.
 */

/** Pixels along one side of an image. */
export const SIDE = 28;

export class Surface {
  #canvas;
  #mayHandOver;
  #isHandedOver = false;

  /**
   * @param {string} name `view/name`, as requests call it
   * @param {HTMLCanvasElement} canvas
   * @param {{ handOver?: boolean }} [how] `handOver`: give it to the engine where possible; each such canvas is a layer of its
   *   own to the browser, so small and many ones are not
   */
  constructor(name, canvas, { handOver = false } = {}) {
    this.name = name;
    this.#canvas = canvas;
    this.#mayHandOver = handOver && typeof canvas.transferControlToOffscreen === 'function';
    this.show(false);
  }

  /** The canvas of the moment: one that was handed over to an engine that died has a successor in its place. */
  get element() {
    return this.#canvas;
  }

  /** Something else than the engine has to hide what is on it: an answer is late, or there is none. @param {boolean} isShown */
  show(isShown) {
    this.#canvas.classList.toggle('empty', !isShown);
    if (!isShown) this.paint(0, new Uint8Array());
  }

  get isShown() {
    return !this.#canvas.classList.contains('empty');
  }

  /**
   * For an engine that has just started. One on the page's own thread gets nothing from now on: Firefox does not show what is painted there.
   * @param {boolean} isLocal
   * @returns {OffscreenCanvas | null}
   */
  handOver(isLocal) {
    if (!this.#mayHandOver) return null;
    if (this.#isHandedOver) {
      const fresh = /** @type {HTMLCanvasElement} */ (this.#canvas.cloneNode(false));
      this.#canvas.replaceWith(fresh);
      this.#canvas = fresh;
    }
    this.#mayHandOver = this.#isHandedOver = !isLocal;
    return isLocal ? null : this.#canvas.transferControlToOffscreen();
  }

  /** @param {number} side 0: it is empty @param {Uint8Array} rgba */
  paint(side, rgba) {
    if (this.#mayHandOver) return; // a context of the page's own would forbid it
    const context = this.#canvas.getContext('2d');
    if (side === 0) return void context?.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
    context?.putImageData(new ImageData(new Uint8ClampedArray(rgba), side, side), 0, 0);
  }
}
