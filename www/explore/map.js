// @ts-check
/**
 * A map of what the network reads on a plane of pictures: painted from labels, moved and zoomed by pointer, wheel,
 * pinch and keys. While new labels are on their way the old ones are shown where they belong.
 *
 * @typedef {{ a: number, b: number, reach: number }} View the middle of the square, and half its side, as ‖·‖₂
 */
import { create } from '../dom.js';
import { palette } from '../theme.js';

/** Paul Tol's muted scheme: ten colours that people with any colour vision tell apart. */
const COLOURS = ['#DDDDDD', '#332288', '#88CCEE', '#DDCC77', '#117733', '#CC6677', '#44AA99', '#999933', '#AA4499', '#882255'].map((hex) =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)),
);
/** How much of a colour is mixed into the paper: the page is calm. */
const STRENGTH = 0.62;
/** The colours on the paper of the moment. */
function onPaper() {
  const paper = palette().ink;
  return COLOURS.map((rgb) => rgb.map((v, c) => Math.round(STRENGTH * v + (1 - STRENGTH) * paper[c])));
}
/** Regions smaller than this, in CSS pixels, carry no label. */
const SMALLEST = 18;
const ZOOM = 1.5;
/** A key moves by this part of the view. */
const STEP = 0.2;

/** @param {(view: View) => void} wanted labels are needed for this view */
export function mapView(wanted) {
  const canvas = create('canvas', { class: 'map', role: 'application', tabindex: '0', 'aria-label': 'Map of readings', 'aria-describedby': 'map-words' });
  const context = canvas.getContext('2d');
  const raster = create('canvas', {});
  /** @type {View} */ let view = { a: 0, b: 0, reach: 1 };
  /** @type {View} */ let home = view;
  /** @type {{ labels: Uint8Array, side: number, view: View } | null} */ let known = null;
  /** @type {number | null} */ let norm = null;
  let mixed = onPaper();
  let frame = 0;
  let side = 0;

  const paintSoon = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
  /** @param {Partial<View>} next */
  const move = (next) => {
    if (norm === null) return;
    view = { ...view, ...next };
    view.reach = Math.min(Math.max(view.reach, 0.01 * home.reach), 12 * home.reach);
    wanted(view);
    paintSoon();
  };
  /** Keeps the place under (x, y) where it is. @param {number} factor @param {number} [x] @param {number} [y] as parts of the side, from the middle */
  const zoom = (factor, x = 0, y = 0) => {
    const reach = Math.min(Math.max(view.reach / factor, 0.01 * home.reach), 12 * home.reach);
    const change = 2 * (view.reach - reach);
    move({ reach, a: view.a + x * change, b: view.b - y * change });
  };

  /** @param {number} a @param {number} b @returns {[number, number]} */
  const place = (a, b) => [(0.5 + (a - view.a) / (2 * view.reach)) * side, (0.5 - (b - view.b) / (2 * view.reach)) * side];

  function paint() {
    const ratio = devicePixelRatio || 1;
    side = canvas.clientWidth;
    if (!context || side === 0) return;
    const pixels = Math.round(side * ratio);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    if (!known || norm === null) return;
    const [left, top] = place(known.view.a - known.view.reach, known.view.b + known.view.reach);
    const size = (known.view.reach / view.reach) * side;
    context.imageSmoothingEnabled = false;
    context.drawImage(raster, left, top, size, size);
    paintLabels(context, left, top, size);
    paintMarks(context);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} left @param {number} top @param {number} size */
  function paintLabels(context, left, top, size) {
    if (!known) return;
    const cell = size / known.side;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const { label, x, y, width } of largestSquares(known.labels, known.side)) {
      if (width * cell < SMALLEST) continue;
      const [r, g, b] = mixed[label];
      context.fillStyle = 0.3 * r + 0.59 * g + 0.11 * b > 130 ? '#1d1d1f' : '#ffffff';
      context.font = `${Math.min(Math.max(width * cell * 0.4, 17), 34)}px ${getComputedStyle(canvas).fontFamily}`;
      context.fillText(String(label), left + x * cell, top + y * cell);
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  function paintMarks(context) {
    const [x, y] = place(0, 0);
    const [u, v] = place(norm ?? 0, 0);
    context.strokeStyle = '#1d1d1f';
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(u, v);
    context.stroke();
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    for (const [px, py, name] of /** @type {[number, number, string][]} */ ([[x, y, 'x'], [u, v, 'x′']])) {
      context.beginPath();
      context.arc(px, py, 6, 0, 7);
      context.fillStyle = name === 'x' ? '#ffffff' : '#b4480a';
      context.fill();
      context.stroke();
      context.font = `italic 20px ${getComputedStyle(canvas).fontFamily}`;
      context.lineWidth = 4;
      context.strokeStyle = '#ffffffcc';
      context.strokeText(name, px, py - 13);
      context.fillStyle = '#1d1d1f';
      context.fillText(name, px, py - 13);
      context.lineWidth = 1.5;
      context.strokeStyle = '#1d1d1f';
    }
    // A bar of a round length.
    const unit = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((l) => (l / view.reach) * side > 80) ?? 50;
    const length = (unit / (2 * view.reach)) * side;
    context.fillStyle = '#ffffffd0';
    context.fillRect(10, side - 36, length + 16, 26);
    context.fillStyle = '#1d1d1f';
    context.fillRect(18, side - 17, length, 1.5);
    context.font = '12px sans-serif';
    context.fillText(`${unit}`, 18 + length / 2, side - 21);
  }

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
    const scale = (2 * view.reach) / side;
    if (!other) return move({ a: view.a - (now[0] - before[0]) * scale, b: view.b + (now[1] - before[1]) * scale });
    const apart = (/** @type {[number, number]} */ p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    zoom(apart(now) / apart(before), (now[0] + other[0]) / 2 / side - 0.5, (now[1] + other[1]) / 2 / side - 0.5);
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
      zoom(Math.exp(-event.deltaY / 300), event.offsetX / side - 0.5, event.offsetY / side - 0.5);
    },
    { passive: false },
  );
  canvas.addEventListener('keydown', (event) => {
    const step = 2 * view.reach * STEP;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => move({ a: view.a - step }),
      ArrowRight: () => move({ a: view.a + step }),
      ArrowUp: () => move({ b: view.b + step }),
      ArrowDown: () => move({ b: view.b - step }),
      '+': () => zoom(ZOOM),
      '=': () => zoom(ZOOM),
      '-': () => zoom(1 / ZOOM),
      0: () => move(home),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  new ResizeObserver(paintSoon).observe(canvas);

  return {
    element: canvas,
    zoomIn: () => zoom(ZOOM),
    zoomOut: () => zoom(1 / ZOOM),
    reset: () => move(home),
    /** @returns {View} */ get view() {
      return view;
    },
    /** Another example: the view goes with it. @param {number | null} length ‖r‖₂, or none */
    about(length) {
      if (length === null) known = null;
      else {
        const scale = norm === null ? null : length / norm;
        home = { a: length / 2, b: 0, reach: 6 * length };
        view = scale === null ? home : { a: view.a * scale, b: view.b * scale, reach: view.reach * scale };
      }
      norm = length;
      paintSoon();
    },
    /** @param {Uint8Array} labels @param {number} cells along a side @param {View} of */
    show(labels, cells, of) {
      if (norm === null) return;
      known = { labels, side: cells, view: of };
      raster.width = raster.height = cells;
      const image = new ImageData(cells, cells);
      const pixels = new Uint32Array(image.data.buffer);
      mixed = onPaper();
      // As the bytes of a picture, red first, whatever the machine's order.
      const packed = mixed.map((rgb) => new Uint32Array(Uint8Array.from([...rgb, 255]).buffer)[0]);
      labels.forEach((label, k) => (pixels[k] = packed[label]));
      raster.getContext('2d')?.putImageData(image, 0, 0);
      paintSoon();
    },
  };
}

/** For each label the middle and the side, in cells, of the largest square that it fills. @param {Uint8Array} labels @param {number} side */
function largestSquares(labels, side) {
  const widths = new Uint16Array(labels.length);
  /** @type {Map<number, { label: number, x: number, y: number, width: number }>} */ const best = new Map();
  for (let k = 0; k < labels.length; k++) {
    const label = labels[k];
    const [x, y] = [k % side, Math.floor(k / side)];
    const grows = x > 0 && y > 0 && labels[k - 1] === label && labels[k - side] === label && labels[k - side - 1] === label;
    const width = (widths[k] = grows ? Math.min(widths[k - 1], widths[k - side], widths[k - side - 1]) + 1 : 1);
    if (width > (best.get(label)?.width ?? 0)) best.set(label, { label, x: x + 1 - width / 2, y: y + 1 - width / 2, width });
  }
  return [...best.values()];
}
