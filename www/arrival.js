// @ts-check
/** A sample drawn stroke by stroke, so that the page is alive before the first touch. */

/** @import { Drawing } from './drawing.js' */

/** How long the drawing takes, whatever its own times, in milliseconds. */
const DURATION = 1800;

/**
 * @param {Drawing} drawing
 * @param {(part: Drawing) => void} show called with more and more of it, at last with all
 * @returns {() => void} ends it at once, with all of it shown
 */
export function drawSlowly(drawing, show) {
  const total = drawing.at(-1)?.at(-1) ?? 0;
  if (total === 0 || matchMedia('(prefers-reduced-motion: reduce)').matches) {
    show(drawing);
    return () => {};
  }
  /** @type {number | undefined} */ let begun;
  let frame = requestAnimationFrame(function next(now) {
    begun ??= now;
    const share = (now - begun) / DURATION;
    if (share >= 1) {
      frame = 0;
      return show(drawing);
    }
    show(until(drawing, share * total));
    frame = requestAnimationFrame(next);
  });
  return () => {
    if (!frame) return;
    cancelAnimationFrame(frame);
    frame = 0;
    show(drawing);
  };
}

/**
 * What had been drawn by a time.
 * @param {Drawing} drawing
 * @param {number} time
 * @returns {Drawing}
 */
function until(drawing, time) {
  const begun = drawing.filter((stroke) => stroke[2] <= time);
  return begun.map((stroke) => {
    let end = 3;
    while (stroke[end + 2] <= time) end += 3;
    return stroke.slice(0, end);
  });
}
