// @ts-check
/** The plane of two steps: contours of the objective, the steps, and the bowl that the curvature pairs stand for. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { reader } from './reader.js';

/** @import { Descent } from '../protocol.js' */

const SVG = 'http://www.w3.org/2000/svg';
/** The picture's own units along a side. */
const SIDE = 400;
/** Contours, at levels that as many places lie between. */
const LEVELS = 12;

export function planeView() {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${SIDE} ${SIDE}`, role: 'img', class: 'plane' }))
    svg.setAttribute(name, value);
  const spot = part('circle', { class: 'spot', r: '4' });
  /** @type {{ x: number, y: number }[]} */ let spots = [];
  const values = reader('The plane of two steps: values', (place, index) => {
    svg.append(spot);
    spot.setAttribute('visibility', place === null ? 'hidden' : 'visible');
    if (place === null) return;
    spot.setAttribute('cx', String(spots[index].x));
    spot.setAttribute('cy', String(spots[index].y));
  });
  const element = create('div', { class: 'plot square' });
  element.append(svg, values.element);
  /** @type {[Descent, number] | null} */ let shown = null;
  new ResizeObserver(() => tell()).observe(svg);

  function tell() {
    const width = svg.clientWidth;
    if (!shown || width === 0) return;
    const [{ heights, bounds }, side] = shown;
    const [left, right, bottom, top] = bounds;
    spots = Array.from(heights, (_, k) => ({ x: (((k % side) + 0.5) / side) * SIDE, y: ((Math.floor(k / side) + 0.5) / side) * SIDE }));
    values.tell(
      Array.from(heights, (height, k) => {
        const { x, y } = spots[k];
        const [a, b] = [left + (right - left) * (x / SIDE), top + (bottom - top) * (y / SIDE)];
        const says = () => `objective ${significant(height)}, ${a.toFixed(2)} along the step before, ${b.toFixed(2)} across`;
        return {
          place: (x / SIDE) * width,
          top: (y / SIDE) * width,
          says,
        };
      }),
      side,
    );
  }
  return {
    element,
    /** @param {Descent} descent @param {number} side places along a side */
    show(descent, side) {
      shown = [descent, side];
      svg.replaceChildren(...picture(descent, side), spot);
      const { height, trials } = descent;
      const words = `objective ${significant(height)} at B, ${significant(trials[trials.length - 1].height)} at C`;
      svg.setAttribute('aria-label', `The plane of two steps: ${words}`);
      tell();
    },
  };
}

/** Contours, the bowl, and the steps with their names. @param {Descent} descent @param {number} side places along a side */
function picture({ bounds, heights, from, direction, trials, learnt, slope }, side) {
  const [left, right, bottom, top] = bounds;
  const at = (/** @type {number} */ a, /** @type {number} */ b) =>
    /** @type {[number, number]} */ ([((a - left) / (right - left)) * SIDE, ((top - b) / (top - bottom)) * SIDE]);
  const sorted = [...heights].sort((a, b) => a - b);
  const levels = Array.from({ length: LEVELS }, (_, k) => sorted[Math.floor(((k + 0.5) / LEVELS) * sorted.length)]);
  const on = (/** @type {number} */ t) => at(t * direction[0], t * direction[1]);
  const [a, b, c, aim] = [at(from, 0), at(0, 0), on(trials[trials.length - 1].step), on(1)];
  return [
    ...levels.map((level) => part('path', { class: 'contour', d: contour(heights, side, level) })),
    ...(learnt ? [1, 0.5].map((size) => part('path', { class: 'bowl', d: ellipse(learnt, size * Math.sqrt(-slope), direction, at) })) : []),
    part('path', { class: 'aim', d: `M${b}L${aim}` }),
    part('path', { class: 'aim', d: `M${aim[0] - 5} ${aim[1] - 5}l10 10m0 -10l-10 10` }),
    part('path', { class: 'taken', d: `M${a}L${b}L${c}` }),
    ...trials.slice(0, -1).map(({ step }) => spotAt(on(step), 'tried')),
    ...[a, b].map((place) => spotAt(place, 'stand')),
    spotAt(c, 'stand last'),
    ...[...'ABC'].map((name, k) => named([a, b, c][k], name, k === 2 ? b : null)),
  ];
}

/** @param {[number, number]} place @param {string} kind */
const spotAt = ([x, y], kind) => part('circle', { class: kind, cx: String(x), cy: String(y), r: '5' });

/** @param {[number, number]} place @param {string} name @param {[number, number] | null} away from which the name is moved */
function named([x, y], name, away) {
  const below = away !== null && y > away[1];
  const made = part('text', { x: String(Math.min(x + 9, SIDE - 16)), y: String(below ? y + 20 : y - 9) });
  made.textContent = name;
  return made;
}

/**
 * Where a quadratic with these second derivatives has risen by size²/2 above its middle.
 * @param {[number, number, number]} curvature @param {number} size @param {[number, number]} middle
 * @param {(a: number, b: number) => [number, number]} at
 */
function ellipse([xx, xy, yy], size, middle, at) {
  const l = Math.sqrt(xx);
  const rest = Math.sqrt(yy - (xy * xy) / xx);
  if (!(l > 0 && rest > 0)) return '';
  const points = Array.from({ length: 73 }, (_, k) => {
    const [u, v] = [size * Math.cos((k * Math.PI) / 36), (size * Math.sin((k * Math.PI) / 36)) / rest];
    return at(middle[0] + (u - (xy / l) * v) / l, middle[1] + v);
  });
  return `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`;
}

/**
 * One level's contour by marching squares, as a path of short lines.
 * @param {Float32Array} heights @param {number} side @param {number} level
 */
function contour(heights, side, level) {
  const unit = SIDE / side;
  let d = '';
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const corners = /** @type {const} */ ([
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ]);
      const values = corners.map(([dx, dy]) => heights[(row + dy) * side + column + dx] - level);
      /** Where the edges of this square cross the level. @type {string[]} */ const crossings = [];
      for (let k = 0; k < 4; k++) {
        const [p, q] = [values[k], values[(k + 1) % 4]];
        if (p < 0 === q < 0) continue;
        const part = p / (p - q);
        const [[ax, ay], [bx, by]] = [corners[k], corners[(k + 1) % 4]];
        const [x, y] = [column + 0.5 + ax + part * (bx - ax), row + 0.5 + ay + part * (by - ay)];
        crossings.push(`${(x * unit).toFixed(1)} ${(y * unit).toFixed(1)}`);
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) d += `M${crossings[k]}L${crossings[k + 1]}`;
    }
  }
  return d;
}

/** @param {string} tag @param {Record<string, string>} attributes */
function part(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
