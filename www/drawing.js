// @ts-check
/**
 * Drawings: strokes of points x, y, t on a pad of side 1, y downwards, t in milliseconds. Positions lie on a
 * grid, so that a drawing kept in a link is exactly the one that was drawn.
 *
 * @typedef {number[]} Stroke x, y, t, x, y, t, …
 * @typedef {readonly Stroke[]} Drawing strokes are never changed once a newer one has begun
 */

/** Grid lines across the pad. */
export const GRID = 1024;
/** The most points that a link can bring. */
const MOST = 20000;

/** @param {number} value of a coordinate @returns {number} on the pad and on the grid */
export const snap = (value) => Math.round(Math.min(Math.max(value, 0), 1) * GRID) / GRID;

/** @param {Drawing} drawing */
export const isBlank = (drawing) => drawing.every((stroke) => stroke.length === 0);

/**
 * As the engine takes it.
 * @param {Drawing} drawing
 * @returns {import('./protocol.js').Drawing}
 */
export function flatten(drawing) {
  const points = new Float32Array(drawing.reduce((n, stroke) => n + stroke.length, 0));
  /** @type {number[]} */ const starts = [];
  let at = 0;
  drawing.forEach((stroke, k) => {
    starts[k] = at / 3;
    points.set(stroke, at);
    at += stroke.length;
  });
  return { points, starts };
}

/**
 * Strokes on a pad of any side, brought to side 1 and onto the grid.
 * @param {Drawing} strokes
 * @param {number} side
 * @returns {Drawing}
 */
export const fromPad = (strokes, side) => strokes.map((stroke) => stroke.map((value, k) => (k % 3 === 2 ? value : snap(value / side))));

/**
 * A path for SVG, on a pad of the given side.
 * @param {Drawing} drawing
 * @param {number} side
 */
export const toPath = (drawing, side) =>
  drawing
    .map((stroke) => {
      const points = [];
      for (let k = 0; k < stroke.length; k += 3) {
        points.push(`${(stroke[k] * side).toFixed(1)} ${(stroke[k + 1] * side).toFixed(1)}`);
      }
      return points.length === 1 ? `M${points[0]}h0` : `M${points.join('L')}`;
    })
    .join('');

/**
 * Positions as text for a link: per stroke the number of points and the steps between them, as variable-length
 * integers in base64url. Times are left out; the digit does not depend on them.
 * @param {Drawing} drawing
 */
export function encode(drawing) {
  /** @type {number[]} */ const bytes = [];
  const put = (/** @type {number} */ n) => {
    for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128);
    bytes.push(n);
  };
  const step = (/** @type {number} */ n) => put(n < 0 ? -2 * n - 1 : 2 * n);
  let [x, y] = [0, 0];
  for (const stroke of drawing) {
    put(stroke.length / 3);
    for (let k = 0; k < stroke.length; k += 3) {
      const [u, v] = [Math.round(stroke[k] * GRID), Math.round(stroke[k + 1] * GRID)];
      step(u - x);
      step(v - y);
      [x, y] = [u, v];
    }
  }
  const text = btoa(bytes.map((b) => String.fromCharCode(b)).join(''));
  return text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/**
 * @param {string} text
 * @returns {Drawing | null} null if this is no drawing
 */
export function decode(text) {
  if (!/^[\w-]*$/.test(text)) return null;
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
  let at = 0;
  const take = () => {
    let n = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= bytes.length) return NaN;
      const b = bytes[at++];
      n |= (b & 127) << shift;
      if (b < 128) return n;
    }
    return NaN;
  };
  const step = () => {
    const n = take();
    return n % 2 ? -(n + 1) / 2 : n / 2;
  };
  const drawing = [];
  let [x, y, points] = [0, 0, 0];
  while (at < bytes.length) {
    const count = take();
    points += count;
    if (!(count > 0 && points <= MOST)) return null;
    const stroke = [];
    for (let k = 0; k < count; k++) {
      x += step();
      y += step();
      if (!(x >= 0 && x <= GRID && y >= 0 && y <= GRID)) return null;
      stroke.push(x / GRID, y / GRID, 0);
    }
    drawing.push(stroke);
  }
  return drawing;
}
