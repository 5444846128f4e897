// @ts-check
/**
 * A map of what the network predicts on a plane of pictures. The regions come from the engine, on a canvas that lies below; names
 * and marks are painted on the one above. It is moved and zoomed by pointer, wheel, pinch and keys, and while a new picture is on its
 * way the old one is shown where it belongs.
 *
 * @import { Shown, View } from '../pictures.js'
 * @import { Map as Regions } from '../protocol.js'
 * @import { Known, Place, Square } from './map-painter.js'
 */
import { create } from '../dom.js';
import { watchTheme } from '../theme.js';
import { at, paint } from './map-painter.js';

const ZOOM = 1.5;
/** A key moves by this part of the view. */
const STEP = 0.2;

/** @param {View} view @param {(place: Place) => void} wanted a picture is needed of this place */
export const mapView = (view, wanted) => new PredictionMap(view, wanted);

class PredictionMap {
  element = create('div', { class: 'map' });
  zoomIn = () => this.#zoom(ZOOM);
  zoomOut = () => this.#zoom(1 / ZOOM);
  reset = () => this.#move(this.#home);
  #wanted;
  #raster;
  #canvas = create('canvas', {
    role: 'application',
    tabindex: '0',
    'aria-label': 'Map of predictions',
    'aria-describedby': 'map-words',
  });
  #tip;
  /** @type {Square} */ #square = { view: { a: 0, b: 0, reach: 1 }, side: 0 };
  #home = this.#square.view;
  /** What is seen. @type {Known | null} */ #known = null;
  /** @type {number | null} */ #norm = null;
  /** The radius around x within which nothing changes the prediction. @type {number | null} */ #proved = null;
  #frame = 0;

  /** @param {View} view @param {(place: Place) => void} wanted */
  constructor(view, wanted) {
    this.#wanted = wanted;
    this.#raster = view.surface(create('canvas', { class: 'raster', 'aria-hidden': 'true' }));
    this.element.append(this.#raster.element);
    const square = this.#square;
    listen(this.#canvas, {
      move: (dx, dy) => this.#shift((-dx * 2 * square.view.reach) / square.side, (dy * 2 * square.view.reach) / square.side),
      zoom: (factor, x, y) => this.#zoom(factor, x / square.side - 0.5, y / square.side - 0.5),
      step: (across, up) => this.#shift(across * 2 * square.view.reach * STEP, up * 2 * square.view.reach * STEP),
      home: this.reset,
    });
    // It listens after what moves the view, and tells of it as it is then.
    this.#tip = tipOver(this.#canvas, square, (x, y) => this.#says(x, y));
    this.element.append(this.#canvas, ...this.#tip.elements);
    new ResizeObserver(() => this.#refreshSoon()).observe(this.#canvas);
    watchTheme(() => this.#refreshSoon());
  }

  /** Another example, seen as a whole. @param {number | null} length ‖r‖₂, or none */
  about(length) {
    if (length === null) this.#forget();
    else this.#square.view = this.#home = { a: length / 2, b: 0, reach: 6 * length };
    this.#norm = length;
    this.#refreshSoon();
  }

  /** @param {number | null} radius within which nothing changes the prediction, provably */
  prove(radius) {
    this.#proved = radius;
    this.#refreshSoon();
  }

  /** @param {Regions} regions @param {Place} view that they are of @param {Shown | null} picture of them */
  show(regions, view, picture) {
    if (this.#norm === null) return;
    this.#known = { regions, view };
    this.#raster.show(picture);
    this.#refresh();
  }

  #forget() {
    this.#known = null;
    this.#raster.show(null);
  }

  /** @param {Place} next */
  #move(next) {
    if (this.#norm === null) return;
    this.#square.view = next;
    this.#wanted(this.#square.view);
    this.#refreshSoon();
  }

  /** @param {number} across @param {number} up in the plane */
  #shift(across, up) {
    const { a, b, reach } = this.#square.view;
    this.#move({ a: a + across, b: b + up, reach });
  }

  /** Keeps the place under (x, y) where it is. @param {number} factor @param {number} [x] @param {number} [y] as parts of the side, from the middle */
  #zoom(factor, x = 0, y = 0) {
    const { a, b, reach: before } = this.#square.view;
    const reach = Math.min(Math.max(before / factor, 0.01 * this.#home.reach), 12 * this.#home.reach);
    const change = 2 * (before - reach);
    this.#move({ reach, a: a + x * change, b: b - y * change });
  }

  #refreshSoon() {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#refresh();
    });
  }

  /** Puts the painted picture where it belongs, and paints and tells what goes with it. */
  #refresh() {
    this.#square.side = this.#canvas.clientWidth;
    if (this.#known) {
      const { view } = this.#known;
      const [left, top] = at(this.#square, view.a - view.reach, view.b + view.reach);
      this.#raster.element.style.transform = `translate(${left}px, ${top}px) scale(${view.reach / this.#square.view.reach})`;
    }
    paint(this.#canvas, this.#square, this.#known, this.#norm, this.#proved);
    this.#tip.tell();
  }

  /** What is predicted at a place on screen, in words; none outside the picture that is seen. @param {number} x @param {number} y in CSS pixels */
  #says(x, y) {
    if (!this.#known) return '';
    const { view, side } = this.#square;
    const { view: of, regions } = this.#known;
    const [a, b] = [view.a + (x / side - 0.5) * 2 * view.reach, view.b + (0.5 - y / side) * 2 * view.reach];
    const [column, row] = [a - of.a, of.b - b].map((v) => Math.floor(((v / of.reach + 1) / 2) * regions.side));
    const isInside = column >= 0 && row >= 0 && column < regions.side && row < regions.side;
    const label = regions.labels[row * regions.side + column];
    return isInside ? `classified as ${label}, ${a.toFixed(2)} along r, ${b.toFixed(2)} up` : '';
  }
}

/**
 * Where the pointer is, or with the keyboard the middle: what is predicted there.
 * @param {HTMLCanvasElement} canvas @param {Square} square @param {(x: number, y: number) => string} says
 */
function tipOver(canvas, square, says) {
  const tip = create('p', { class: 'tip', 'aria-hidden': 'true', hidden: '' });
  const cross = create('span', { class: 'cross', hidden: '' });
  /** Where the pointer is; none: with the keyboard, the middle. @type {[number, number] | null} */ let pointer = null;
  const tell = (next = pointer) => {
    pointer = next;
    const { side } = square;
    const byKeys = pointer === null && canvas.matches(':focus-visible');
    const [x, y] = pointer ?? [side / 2, side / 2];
    tip.textContent = pointer || byKeys ? says(x, y) : '';
    tip.hidden = tip.textContent === '';
    cross.hidden = !byKeys || tip.hidden;
    if (tip.hidden) return;
    tip.style.left = `${Math.min(Math.max(x - tip.offsetWidth / 2, 4), Math.max(side - tip.offsetWidth - 4, 4))}px`;
    tip.style.top = `${y < 60 ? y + 24 : y - tip.offsetHeight - 16}px`;
  };
  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => tell([offsetX, offsetY]));
  for (const gone of ['pointerleave', 'pointercancel', 'keydown']) canvas.addEventListener(gone, () => tell(null));
  for (const focus of ['focus', 'blur']) canvas.addEventListener(focus, () => tell());
  return { elements: [cross, tip], tell };
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
