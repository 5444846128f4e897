// @ts-check
/**
 * A small line chart in SVG: colours come from the style sheet, so that it follows the theme by itself. Under the pointer, and by the
 * arrow keys, it tells its values.
 *
 * @typedef {object} Axis
 * @property {string} label what is measured, with its unit
 * @property {string} [name] the same in a word, where values are told; the label if missing
 * @property {[number, number]} domain
 * @property {boolean} [log]
 * @property {number[]} [ticks] chosen by itself if missing
 * @property {(value: number) => string} [format]
 *
 * @typedef {object} Line
 * @property {[number, number][]} points a gap wherever a value is not finite
 * @property {string} [kind] class names
 * @property {string} [label] written at its end
 * @property {string} [name] what its values are called; those of a line without are the axis's
 *
 * @typedef {object} Drawn
 * @property {Axis} x
 * @property {Axis} y
 * @property {Line[]} lines
 * @property {{ x: number, label?: string, kind?: string }[]} [marks] upright lines
 * @property {{ y: number, label?: string, kind?: string }[]} [levels] level lines
 * @property {{ points: [number, number][], kind?: string, name?: string }[]} [dots] with a name they are told too
 * @property {Stop[]} [stops] where values are told; those of the lines if missing
 *
 * @typedef {{ x: number, says: string }} Stop a place on the x axis, and the values there
 */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { reader } from './reader.js';

const SVG = 'http://www.w3.org/2000/svg';
const LEFT = 44;
const RIGHT = 26;
/** Room for longer words at the ends of lines. */
const WORDS = 64;
const TOP = 24;
const BOTTOM = 38;

/**
 * @param {object} options
 * @param {string} options.name for assistive technology, which is told what the chart shows by `describe`
 * @param {number} options.height in CSS pixels
 * @param {string} [options.kind] class names
 */
export function chart({ name, height, kind = '' }) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `chart ${kind}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', name);
  svg.setAttribute('height', String(height));
  const marker = element('path', { class: 'reading-line' });
  const values = reader(`${name}: values`, (place) => {
    svg.append(marker);
    marker.setAttribute('d', place === null ? '' : `M${place} ${TOP}V${height - BOTTOM}`);
  });
  const frame = create('div', { class: 'plot' });
  frame.append(svg, values.element);
  /** @type {Drawn | null} */ let drawn = null;
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width) return;
    width = contentRect.width;
    if (drawn) paint();
  }).observe(svg);

  function paint() {
    if (!drawn || width === 0) return;
    const { parts, across } = painted(drawn, width, height);
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.replaceChildren(...parts, marker);
    values.tell((drawn.stops ?? stops(drawn)).map(({ x, says }) => ({ place: across(x), says })));
  }

  return {
    element: frame,
    /** @param {Drawn} next */
    draw(next) {
      drawn = next;
      paint();
    },
    /** @param {string} words */
    describe(words) {
      svg.setAttribute('aria-label', `${name}: ${words}`);
    },
  };
}

/** The parts of the picture, and where a value is across. @param {Drawn} drawn @param {number} width @param {number} height in CSS pixels */
function painted(drawn, width, height) {
  const { x, y, levels = [], lines, dots = [], marks = [] } = drawn;
  const right = width - (lines.some(({ label }) => label && label.length > 2) ? WORDS : RIGHT);
  const across = scale(x, LEFT, right);
  const up = scale(y, height - BOTTOM, TOP);
  const parts = [];
  for (const value of x.ticks ?? ticks(x, Math.max(2, Math.floor((width - LEFT) / 70)))) {
    const at = across(value);
    parts.push(element('path', { class: 'tick', d: `M${at} ${height - BOTTOM}v4` }));
    parts.push(text(at, height - BOTTOM + 17, (x.format ?? plain)(value), 'middle'));
  }
  for (const value of y.ticks ?? ticks(y, Math.max(2, Math.floor(height / 50)))) {
    const at = up(value);
    parts.push(element('path', { class: 'grid', d: `M${LEFT} ${at}H${right}` }));
    parts.push(text(LEFT - 6, at + 4, (y.format ?? plain)(value), 'end'));
  }
  parts.push(text(right, height - 4, x.label, 'end', 'axis'));
  parts.push(text(0, 12, y.label, 'start', 'axis'));
  for (const { y: value, label, kind = '' } of levels) {
    parts.push(element('path', { class: `level ${kind}`, d: `M${LEFT} ${up(value)}H${right}` }));
    if (label) parts.push(text(right, up(value) + 15, label, 'end', kind));
  }
  for (const { points, kind = '', label } of lines) {
    const d = points
      .map(([a, b], k) =>
        defined([a, b], x, y) ? `${k > 0 && defined(points[k - 1], x, y) ? 'L' : 'M'}${across(a).toFixed(1)} ${up(b).toFixed(1)}` : '',
      )
      .join('');
    parts.push(element('path', { class: `line ${kind}`, d }));
    const last = points.at(-1);
    if (label && last) parts.push(text(across(last[0]) + 6, up(last[1]) + 4, label, 'start', `label ${kind}`));
  }
  for (const { points, kind = '' } of dots) {
    for (const [a, b] of points) {
      if (defined([a, b], x, y))
        parts.push(element('circle', { class: `dot ${kind}`, cx: across(a).toFixed(1), cy: up(b).toFixed(1), r: '3.5' }));
    }
  }
  for (const { x: value, label, kind = '' } of marks) {
    const at = across(value);
    parts.push(element('path', { class: `mark ${kind}`, d: `M${at} ${TOP}V${height - BOTTOM}` }));
    if (label) parts.push(text(Math.min(Math.max(at, 130), width - 70), TOP - 9, label, 'middle', kind));
  }
  return { parts, across };
}

/** The values of all lines and named dots at each x that one of them has. @param {Drawn} drawn @returns {Stop[]} */
function stops({ x, y, lines, dots = [] }) {
  /** @type {Map<number, string[]>} */ const all = new Map();
  const one = lines.length === 1;
  for (const { points, name } of [...lines, ...dots.filter(({ name }) => name)]) {
    for (const point of points) {
      if (!defined(point, x, y)) continue;
      const told = `${name ?? (one ? (y.name ?? y.label) : '')} ${(y.format ?? significant)(point[1])}`.trim();
      const said = all.get(point[0]) ?? all.set(point[0], []).get(point[0]);
      if (!said?.includes(told)) said?.push(told);
    }
  }
  const places = [...all].sort(([a], [b]) => a - b);
  return places.map(([at, said]) => ({ x: at, says: `${x.name ?? x.label} ${(x.format ?? plain)(at)}: ${said.join(', ')}` }));
}

/** @param {[number, number]} point @param {Axis} x @param {Axis} y */
const defined = ([a, b], x, y) => Number.isFinite(a) && Number.isFinite(b) && !(x.log && a <= 0) && !(y.log && b <= 0);

/**
 * @param {Axis} axis
 * @param {number} from
 * @param {number} to
 */
function scale({ domain: [low, high], log }, from, to) {
  const of = log ? Math.log : (/** @type {number} */ v) => v;
  const [a, b] = [of(low), of(high)];
  return (/** @type {number} */ value) => {
    const share = Math.min(Math.max((of(value) - a) / (b - a || 1), 0), 1);
    return from + share * (to - from);
  };
}

/** @param {Axis} axis @param {number} most */
function ticks({ domain: [low, high], log }, most) {
  const chosen = [];
  if (log) {
    const steps = Math.log10(high / low) > 1.2 ? [1] : Math.log10(high / low) > 0.5 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
    const stride = steps.length === 1 ? Math.max(1, Math.ceil(Math.log10(high / low) / most)) : 1;
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e += stride) {
      for (const s of steps) if (s * 10 ** e >= low * 0.999 && s * 10 ** e <= high * 1.001) chosen.push(s * 10 ** e);
    }
    return chosen;
  }
  const rough = (high - low) / most;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * ([1, 2, 5, 10].find((s) => s * size >= rough) ?? 10);
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) chosen.push(k * step);
  return chosen;
}

/** @param {number} value */
const plain = (value) => {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e5 || size < 1e-3)) {
    const exponent = Math.floor(Math.log10(size) + 1e-9);
    const digits = [...String(exponent)].map((c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)])).join('');
    return `10${digits}`;
  }
  return String(Number(value.toPrecision(3))).replace('-', '−');
};

/** @param {string} tag @param {Record<string, string>} attributes */
function element(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** @param {number} x @param {number} y @param {string} words @param {string} anchor @param {string} [kind] */
function text(x, y, words, anchor, kind = '') {
  const made = element('text', { x: x.toFixed(1), y: y.toFixed(1), 'text-anchor': anchor, class: kind });
  made.textContent = words;
  return made;
}
