// @ts-check
/**
 * Pictures on screen. Their pixels come with the answer that they belong to, coloured in the Worker (src/picture.rs), and are put on
 * screen in one task with its numbers. A page never reads them back.
 *
 * @import { Asked, Client, How, Told, Topic } from './client.js'
 * @import { Palette, Picture, Pixels } from './protocol.js'
 *
 * @typedef {{ picture: Picture, pixels: Pixels | null }} Shown what is to be seen, and its pixels where it could be coloured
 */

/** Pixels along one side of an image. */
export const SIDE = 28;

/** A canvas, and what it shows. */
export class Surface {
  /** @type {Shown | null} */ #shown = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.element = canvas;
    this.show(null);
  }

  /** What is to be seen. */
  get picture() {
    return this.#shown?.picture ?? null;
  }

  /** Shows a picture from now on, or nothing. @param {Shown | null | undefined} shown */
  show(shown) {
    this.#shown = shown ?? null;
    const pixels = shown?.pixels;
    this.element.classList.toggle('empty', !pixels);
    const context = this.element.getContext('2d');
    if (!pixels) return void context?.clearRect(0, 0, this.element.width, this.element.height);
    const { side, rgba } = pixels;
    if (this.element.width !== side) this.element.width = this.element.height = side;
    context?.putImageData(new ImageData(new Uint8ClampedArray(rgba), side, side), 0, 0);
  }
}

/** All pictures of a demo, or of the sections: they have the same colours. */
export class View {
  #client;
  #name;
  /** @type {Palette | null} */ #palette = null;
  /** @type {Surface[]} */ #surfaces = [];

  /** @param {Client} client @param {string} name no other view of this client is called so */
  constructor(client, name) {
    this.#client = client;
    this.#name = name;
  }

  /** @param {HTMLCanvasElement} canvas */
  surface(canvas) {
    const surface = new Surface(canvas);
    this.#surfaces.push(surface);
    return surface;
  }

  /** A canvas is gone. @param {Surface} surface */
  forget(surface) {
    this.#surfaces = this.#surfaces.filter((each) => each !== surface);
  }

  /**
   * Asks a question; the pictures that come with its answers have the colours of this view.
   * @template {Topic} T
   * @param {string} channel
   * @param {T} topic
   * @param {Asked<T>} asked
   * @param {(answer: Told<T>, pictures: (Shown | null)[], last: boolean) => void} told
   * @param {How} [how]
   */
  ask(channel, topic, asked, told, how) {
    const palette = this.#palette;
    this.#client.ask(
      channel,
      topic,
      asked,
      (answer, last, pictures) => {
        told(answer, pictures, last);
        if (palette !== this.#palette) this.#repaint();
      },
      { ...how, palette },
    );
  }

  /** Nothing more is wanted of a channel. @param {string} channel */
  cancel(channel) {
    this.#client.cancel(channel);
  }

  /** The colours from now on; what is shown is painted anew. Without colours nothing is. @param {Palette | null} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#repaint();
  }

  #repaint() {
    const shown = this.#surfaces.filter(({ picture }) => picture !== null);
    const pictures = shown.flatMap(({ picture }) => picture ?? []);
    if (!this.#palette || pictures.length === 0) return;
    this.#client.paint(`${this.#name}, colours`, this.#palette, pictures, (pixels) => {
      for (const [k, surface] of shown.entries()) {
        const picture = pictures[k];
        // What has come meanwhile is of another answer.
        if (surface.picture === picture) surface.show({ picture, pixels: pixels[k] });
      }
    });
  }
}
