// @ts-check
/** Small pictures in the sections; the engine paints them. */
import { create } from '../dom.js';
import { SIDE, Surface } from '../surface.js';

/**
 * @param {import('../client.js').Client} client
 * @param {string} name of its surface
 * @param {string} [label] for assistive technology; none for a picture that only repeats its surroundings
 */
export function picture(client, name, label = '') {
  const canvas = create('canvas', {
    class: 'picture',
    width: String(SIDE),
    height: String(SIDE),
    ...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' }),
  });
  const surface = new Surface(`explore/${name}`, canvas);
  client.surface(surface);
  return surface;
}

/**
 * Asks for `clip(x + t·r)` on a picture; without an image for r alone, from −limit to limit.
 * @param {import('../client.js').Client} client
 * @param {Surface} surface
 * @param {{ image?: Float32Array, r: Float32Array, t?: number, limit?: number }} what
 */
export function show(client, surface, { image, r, t = 1, limit = 0 }) {
  client.ask(surface.name, 'show', { surface: surface.name, image: image ?? null, r, t, limit }, () => surface.show(true));
}

/** @param {import('../client.js').Client} client @param {Surface} surface */
export function empty(client, surface) {
  client.cancel(surface.name);
  client.empty(surface);
}
