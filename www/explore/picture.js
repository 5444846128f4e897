// @ts-check
/** Small pictures in the sections: those that come with an answer, and those that are asked for by themselves. */
import { create } from '../dom.js';
import { SIDE } from '../pictures.js';

/** @import { Shown, View } from '../pictures.js' */

/** @typedef {ReturnType<typeof picture>} Small */

/**
 * @param {View} view
 * @param {string} name no other picture is called so
 * @param {string} [label] for assistive technology; none for a picture that only repeats its surroundings
 */
export function picture(view, name, label = '') {
  const element = create('canvas', {
    class: 'picture',
    width: String(SIDE),
    height: String(SIDE),
    ...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' }),
  });
  const surface = view.surface(element);
  const channel = `picture ${name}`;
  return {
    element,
    /** What came with an answer; nothing if there was none. @param {Shown | null | undefined} shown */
    show(shown) {
      surface.show(shown);
    },
    /**
     * Asks for `clip(x + t·r)`; without an image for r alone, from −limit to limit.
     * @param {{ image?: Float32Array, r: Float32Array, t?: number, limit?: number }} what
     */
    ask({ image, r, t = 1, limit = 0 }) {
      view.ask(channel, 'show', { image: image ?? null, r, t, limit }, (_, [shown]) => surface.show(shown));
    },
    empty() {
      view.cancel(channel);
      surface.show(null);
    },
  };
}
