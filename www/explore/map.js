// @ts-check
/**
 * A map of what the network predicts on a plane of pictures. The engine paints the regions on canvases that lie below; names and
 * marks are painted here. It is moved and zoomed by pointer, wheel, pinch and keys, and while a new picture is on its way the old
 * one is shown where it belongs.
 *
 * @typedef {{ a: number, b: number, reach: number }} View the middle of the square, and half its side, as ‖·‖₂
 */
import { create } from '../dom.js';
import { Surface } from '../surface.js';
import { watchTheme } from '../theme.js';
import { colours } from './colours.js';

/** @import { Client } from '../client.js' */
/** @import { Map as Regions } from '../protocol.js' */

/** Canvases to paint on in turn: one is seen, one is about to be, one is being painted, and one waits. */
const CANVASES = 4;
/** Regions smaller than this, in CSS pixels, carry no label. */
const SMALLEST = 18;
const ZOOM = 1.5;
/** A key moves by this part of the view. */
const STEP = 0.2;
const [DARK, LIGHT] = ['#1d1d1f', '#ffffff'];

/** @param {Client} client @param {(view: View, surface: string) => void} wanted a picture is needed of this view, on that surface */
export function mapView(client, wanted) {
  const canvas = create('canvas', {
    role: 'application',
    tabindex: '0',
    'aria-label': 'Map of predictions',
    'aria-describedby': 'map-words',
  });
  const context = canvas.getContext('2d');
  const element = create('div', { class: 'map' });
  const surfaces = Array.from({ length: CANVASES }, (_, k) => {
    const surface = new Surface(`explore/map-${k}`, create('canvas', { class: 'raster', 'aria-hidden': 'true' }), { handOver: true });
    element.append(surface.element);
    client.surface(surface);
    return surface;
  });
  /** Where the pointer is, or with the keyboard the middle: what is predicted there. */
  const tip = create('p', { class: 'tip', 'aria-hidden': 'true', hidden: '' });
  const cross = create('span', { class: 'cross', hidden: '' });
  element.append(canvas, cross, tip);
  /** @type {View} */ let view = { a: 0, b: 0, reach: 1 };
  /** @type {View} */ let home = view;
  /** What is seen. @type {{ regions: Regions, view: View, surface: Surface } | null} */ let known = null;
  /** What has been painted, and is seen as soon as the browser has it. @type {Surface | null} */ let coming = null;
  /** What was asked for last. @type {Surface | null} */ let asked = null;
  /** @type {number | null} */ let norm = null;
  let frame = 0;
  let side = 0;
  /** The radius around x within which nothing changes the prediction. @type {number | null} */ let proved = null;

  const paintSoon = () => {
    if (frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      place();
      paint();
      tell();
    });
  };
  /** @param {Partial<View>} next */
  const move = (next) => {
    if (norm === null) return;
    view = { ...view, ...next };
    view.reach = Math.min(Math.max(view.reach, 0.01 * home.reach), 12 * home.reach);
    asked = surfaces.find((each) => each !== known?.surface && each !== coming && each !== asked) ?? surfaces[0];
    wanted(view, asked.name);
    paintSoon();
  };
  /** Keeps the place under (x, y) where it is. @param {number} factor @param {number} [x] @param {number} [y] as parts of the side, from the middle */
  const zoom = (factor, x = 0, y = 0) => {
    const reach = Math.min(Math.max(view.reach / factor, 0.01 * home.reach), 12 * home.reach);
    const change = 2 * (view.reach - reach);
    move({ reach, a: view.a + x * change, b: view.b - y * change });
  };
  /** The label at a place of the picture that is seen; none outside it. @param {number} a @param {number} b @returns {number | undefined} */
  const labelAt = (a, b) => {
    if (!known) return;
    const { regions, view: of } = known;
    const [column, row] = [a - of.a, of.b - b].map((v) => Math.floor(((v / of.reach + 1) / 2) * regions.side));
    return column >= 0 && row >= 0 && column < regions.side && row < regions.side ? regions.labels[row * regions.side + column] : undefined;
  };
  /** What is predicted at a place on screen, in words. @param {number} x @param {number} y in CSS pixels */
  const says = (x, y) => {
    const [a, b] = [view.a + (x / side - 0.5) * 2 * view.reach, view.b + (0.5 - y / side) * 2 * view.reach];
    const label = labelAt(a, b);
    return label === undefined ? '' : `classified as ${label}, ${a.toFixed(2)} along r, ${b.toFixed(2)} up`;
  };
  /** Where the pointer is; none: with the keyboard, the middle. @type {[number, number] | null} */ let pointer = null;
  const tell = () => {
    const byKeys = pointer === null && canvas.matches(':focus-visible');
    const [x, y] = pointer ?? [side / 2, side / 2];
    tip.textContent = norm !== null && (pointer || byKeys) ? says(x, y) : '';
    tip.hidden = tip.textContent === '';
    cross.hidden = !byKeys || tip.hidden;
    if (tip.hidden) return;
    tip.style.left = `${Math.min(Math.max(x - tip.offsetWidth / 2, 4), Math.max(side - tip.offsetWidth - 4, 4))}px`;
    tip.style.top = `${y < 60 ? y + 24 : y - tip.offsetHeight - 16}px`;
  };
  /** Where a point of the plane is on screen. @param {number} a @param {number} b @returns {[number, number]} */
  const at = (a, b) => [(0.5 + (a - view.a) / (2 * view.reach)) * side, (0.5 - (b - view.b) / (2 * view.reach)) * side];

  /** Puts the painted picture where it belongs. */
  function place() {
    side = canvas.clientWidth;
    for (const surface of surfaces) surface.show(surface === known?.surface && norm !== null);
    if (!known) return;
    const [left, top] = at(known.view.a - known.view.reach, known.view.b + known.view.reach);
    known.surface.element.style.transform = `translate(${left}px, ${top}px) scale(${known.view.reach / view.reach})`;
  }

  function paint() {
    const ratio = devicePixelRatio || 1;
    if (!context || side === 0) return;
    const pixels = Math.round(side * ratio);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    if (!known || norm === null) return;
    paintLabels(context, known);
    paintRings(context, norm);
    paintMarks(context, norm);
    paintScale(context);
  }

  /** @param {CanvasRenderingContext2D} context @param {{ regions: Regions, view: View }} known */
  function paintLabels(context, { regions, view: of }) {
    const [left, top] = at(of.a - of.reach, of.b + of.reach);
    const cell = ((of.reach / view.reach) * side) / regions.side;
    const { labels } = colours();
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const { label, x, y, width } of regions.places) {
      if (width * cell < SMALLEST) continue;
      const [r, g, b] = labels.subarray(3 * label);
      context.fillStyle = 0.3 * r + 0.59 * g + 0.11 * b > 130 ? DARK : LIGHT;
      context.font = `${Math.min(Math.max(width * cell * 0.4, 17), 34)}px ${getComputedStyle(canvas).fontFamily}`;
      context.fillText(String(label), left + x * cell, top + y * cell);
    }
  }

  /** Within the inner ring nothing changes the prediction, which is proved; on the outer one r does. @param {CanvasRenderingContext2D} context @param {number} norm */
  function paintRings(context, norm) {
    const [x, y] = at(0, 0);
    context.strokeStyle = DARK;
    for (const { radius, dashes, width } of [
      { radius: proved ?? 0, dashes: [], width: 2.5 },
      { radius: norm, dashes: [4, 4], width: 1.2 },
    ]) {
      context.lineWidth = width;
      context.setLineDash(dashes);
      context.beginPath();
      context.arc(x, y, (radius / (2 * view.reach)) * side, 0, 2 * Math.PI);
      context.stroke();
    }
    context.setLineDash([]);
  }

  /** x, x′ and the way between them. @param {CanvasRenderingContext2D} context @param {number} norm */
  function paintMarks(context, norm) {
    const [[x, y], [u, v]] = [at(0, 0), at(norm, 0)];
    context.strokeStyle = DARK;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(u, v);
    context.stroke();
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    for (const [px, py, name] of /** @type {[number, number, string][]} */ ([
      [x, y, 'x'],
      [u, v, 'x′'],
    ])) {
      context.beginPath();
      context.arc(px, py, 6, 0, 7);
      context.fillStyle = name === 'x' ? LIGHT : '#b4480a';
      context.fill();
      context.stroke();
      context.font = `italic 20px ${getComputedStyle(canvas).fontFamily}`;
      context.lineWidth = 4;
      context.strokeStyle = '#ffffffcc';
      context.strokeText(name, px, py - 13);
      context.fillStyle = DARK;
      context.fillText(name, px, py - 13);
      context.lineWidth = 1.5;
      context.strokeStyle = DARK;
    }
  }

  /** A bar of a round length. @param {CanvasRenderingContext2D} context */
  function paintScale(context) {
    const unit = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((l) => (l / view.reach) * side > 80) ?? 50;
    const length = (unit / (2 * view.reach)) * side;
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    context.fillStyle = '#ffffffd0';
    context.fillRect(10, side - 36, length + 16, 26);
    context.fillStyle = DARK;
    context.fillRect(18, side - 17, length, 1.5);
    context.font = '12px sans-serif';
    context.fillText(`${unit}`, 18 + length / 2, side - 21);
  }

  listen(canvas, {
    move: (dx, dy) => move({ a: view.a - (dx * 2 * view.reach) / side, b: view.b + (dy * 2 * view.reach) / side }),
    zoom: (factor, x, y) => zoom(factor, x / side - 0.5, y / side - 0.5),
    step: (across, up) => move({ a: view.a + across * 2 * view.reach * STEP, b: view.b + up * 2 * view.reach * STEP }),
    home: () => move(home),
  });
  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
    pointer = [offsetX, offsetY];
    tell();
  });
  for (const gone of ['pointerleave', 'pointercancel', 'keydown']) {
    canvas.addEventListener(gone, () => {
      pointer = null;
      tell();
    });
  }
  for (const focus of ['focus', 'blur']) canvas.addEventListener(focus, tell);
  new ResizeObserver(paintSoon).observe(canvas);
  watchTheme(paintSoon);

  return {
    element,
    zoomIn: () => zoom(ZOOM),
    zoomOut: () => zoom(1 / ZOOM),
    reset: () => move(home),
    /** Another example: the view goes with it. @param {number | null} length ‖r‖₂, or none */
    about(length) {
      if (length === null) known = coming = null;
      else {
        const scale = norm === null ? null : length / norm;
        home = { a: length / 2, b: 0, reach: 6 * length };
        view = scale === null ? home : { a: view.a * scale, b: view.b * scale, reach: view.reach * scale };
      }
      norm = length;
      paintSoon();
    },
    /** @param {number | null} radius within which nothing changes the prediction, provably */
    prove(radius) {
      proved = radius;
      paintSoon();
    },
    /** A picture has been painted. @param {Regions} regions @param {View} of @param {string} name of its surface */
    show(regions, of, name) {
      const surface = surfaces.find((each) => each.name === name);
      if (norm === null || !surface) return;
      coming = surface;
      // What a Worker has painted reaches the screen with one of the next frames.
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          if (coming !== surface) return;
          known = { regions, view: of, surface };
          place();
          paint();
          tell();
        }),
      );
    },
  };
}

/**
 * Pointer, pinch, wheel and keys.
 * @param {HTMLCanvasElement} canvas
 * @param {object} does
 * @param {(dx: number, dy: number) => void} does.move by CSS pixels
 * @param {(factor: number, x: number, y: number) => void} does.zoom about a place in CSS pixels
 * @param {(across: number, up: number) => void} does.step by a key
 * @param {() => void} does.home
 */
function listen(canvas, does) {
  /** @type {Map<number, [number, number]>} */ const fingers = new Map();
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  });
  canvas.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = /** @type {[number, number]} */ ([event.offsetX, event.offsetY]);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, now);
    if (!other) return does.move(now[0] - before[0], now[1] - before[1]);
    const apart = (/** @type {[number, number]} */ p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    does.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    canvas.addEventListener(end, (event) => fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
  }
  canvas.addEventListener(
    'wheel',
    (event) => {
      // The page scrolls unless the map was chosen, or the fingers pinch.
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      event.preventDefault();
      does.zoom(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
    },
    { passive: false },
  );
  const middle = () => canvas.clientWidth / 2;
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => does.step(-1, 0),
    ArrowRight: () => does.step(1, 0),
    ArrowUp: () => does.step(0, 1),
    ArrowDown: () => does.step(0, -1),
    '+': () => does.zoom(ZOOM, middle(), middle()),
    '=': () => does.zoom(ZOOM, middle(), middle()),
    '-': () => does.zoom(1 / ZOOM, middle(), middle()),
    0: does.home,
  };
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
}
