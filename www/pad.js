// @ts-check
/**
 * The drawing surface: mouse, touch and pen through pointer events, and a pen moved by the keyboard. It keeps
 * the strokes and draws them; it never reads its canvas back.
 *
 * @import { Drawing, Stroke } from './drawing.js'
 */
import { isBlank, snap } from './drawing.js';

/** Width of a line, as a share of the pad's side: what the digit's brush comes to for a digit that fills it. */
const LINE = 0.072;
/** Points nearer to the last one than this share of the side say nothing new. */
const NEAR = 1 / 300;
/** A key's step, coarse and (with Shift) fine. */
const STEP = 1 / 24;
const FINE = 1 / 96;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** How far back Undo goes. */
const REMEMBERED = 200;

export class Pad {
  #canvas;
  #onChange;
  #onTouch;
  /** @type {Drawing} */ #drawing = [];
  /** @type {Drawing[]} what Undo goes back to */ #past = [];
  /** The drawing is not the visitor's own; the next stroke begins anew. */
  #isForeign = false;
  /**
   * What draws: a pointer or the keyboard; whether that is a finger or a palm; and whether the drawing before was not the visitor's.
   * @type {{ stroke: Stroke, source: number | 'keyboard', isTouch: boolean, wasForeign: boolean } | null}
   */
  #pen = null;
  /** When the drawing was begun. */
  #begun = 0;
  /** The keyboard's pen. */
  #cursor = { x: 0.5, y: 0.25, shown: false, held: false, moved: false };
  #redraw = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ onChange: (drawing: Drawing) => void, onTouch: () => void }} events `onTouch`: somebody reaches for
   *   the pad, before anything changes
   */
  constructor(canvas, { onChange, onTouch }) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    this.#onTouch = onTouch;
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      canvas.addEventListener(end, (event) => this.#up(/** @type {PointerEvent} */ (event)));
    }
    canvas.addEventListener('keydown', (event) => this.#keyDown(event));
    canvas.addEventListener('keyup', (event) => this.#keyUp(event));
    canvas.addEventListener('blur', () => {
      if (this.#pen?.source === 'keyboard') this.#lift();
      this.#cursor.shown = false;
      this.paint();
    });
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  /** @returns {Drawing} */
  get drawing() {
    return this.#drawing;
  }

  get inking() {
    return this.#pen !== null;
  }

  /**
   * Shows a drawing that somebody else made, a sample or one from a link: the next stroke replaces it.
   * @param {Drawing} drawing
   * @param {{ remember?: boolean }} [how] `remember`: Undo brings back what was there
   */
  show(drawing, { remember = false } = {}) {
    this.#pen = null;
    if (remember) this.#remember();
    this.#drawing = drawing;
    this.#isForeign = true;
    this.#changed();
  }

  undo() {
    const before = this.#past.pop();
    if (!before) return;
    this.#pen = null;
    this.#drawing = before;
    this.#isForeign = false;
    this.#changed();
  }

  clear() {
    if (isBlank(this.#drawing)) return;
    this.#remember();
    this.#pen = null;
    this.#drawing = [];
    this.#changed();
  }

  /** Draws at the next frame. */
  paint() {
    this.#redraw ||= requestAnimationFrame(() => {
      this.#redraw = 0;
      this.#paintNow();
    });
  }

  #remember() {
    if (!isBlank(this.#drawing) || this.#past.length > 0) this.#keep();
  }

  #keep() {
    this.#past.push(this.#drawing);
    if (this.#past.length > REMEMBERED) this.#past.shift();
  }

  #changed() {
    this.paint();
    this.#onChange(this.#drawing);
  }

  /**
   * @param {number | 'keyboard'} source
   * @param {number} x
   * @param {number} y
   * @param {boolean} [isTouch]
   */
  #begin(source, x, y, isTouch = false) {
    this.#keep();
    const before = this.#isForeign ? [] : this.#drawing;
    if (isBlank(before)) this.#begun = performance.now();
    const stroke = [snap(x), snap(y), this.#time()];
    this.#pen = { stroke, source, isTouch, wasForeign: this.#isForeign };
    this.#drawing = [...before, stroke];
    this.#isForeign = false;
    this.#changed();
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {boolean} whether that is a new point
   */
  #draw(x, y) {
    if (!this.#pen) return false;
    const { stroke } = this.#pen;
    const [u, v] = [snap(x), snap(y)];
    if (Math.hypot(u - stroke[stroke.length - 3], v - stroke[stroke.length - 2]) < NEAR) return false;
    stroke.push(u, v, this.#time());
    return true;
  }

  /** Milliseconds since the drawing was begun. */
  #time() {
    return Math.round(performance.now() - this.#begun);
  }

  #lift() {
    this.#pen = null;
    this.#changed();
  }

  /** The stroke under way was none: a palm, put down before the pen. */
  #takeBack() {
    this.#isForeign = this.#pen?.wasForeign ?? false;
    this.#pen = null;
    this.#drawing = this.#past.pop() ?? [];
  }

  /** On the canvas itself, however the page has turned or mirrored it. @param {PointerEvent} event @returns {[number, number]} */
  #position({ offsetX, offsetY }) {
    return [offsetX / this.#canvas.offsetWidth, offsetY / this.#canvas.offsetHeight];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (this.#pen?.source === 'keyboard') this.#lift();
    if (this.#pen?.isTouch && event.pointerType === 'pen') this.#takeBack();
    if (this.#pen || event.button !== 0) return;
    this.#onTouch();
    this.#cursor.shown = false;
    try {
      this.#canvas.setPointerCapture(event.pointerId);
    } catch {
      // A finger that is gone already leaves its dot.
    }
    this.#begin(event.pointerId, ...this.#position(event), event.pointerType === 'touch');
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.#pen?.source !== event.pointerId) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    let moved = false;
    for (const each of coalesced.length > 0 ? coalesced : [event]) {
      moved = this.#draw(...this.#position(each)) || moved;
    }
    if (moved) this.#changed();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (this.#pen?.source === event.pointerId) this.#lift();
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    const arrow = ARROWS[event.key];
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && isZ(event)) {
      event.preventDefault();
      this.#onTouch();
      return this.undo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow) {
      event.preventDefault();
      this.#onTouch();
      this.#moveCursor(arrow, event.shiftKey ? FINE : STEP);
    } else if (event.key === ' ') {
      event.preventDefault();
      if (event.repeat) return;
      this.#onTouch();
      this.#cursor.shown = true;
      this.#cursor.held = this.#pen === null;
      this.#cursor.moved = false;
      if (this.#pen) this.#lift();
      else this.#begin('keyboard', this.#cursor.x, this.#cursor.y);
    } else if (event.key === 'Escape' && this.#pen) {
      this.#lift();
    }
  }

  /** Space lifts the pen when pressed again, or when let go after the pen has moved. @param {KeyboardEvent} event */
  #keyUp(event) {
    if (event.key !== ' ') return;
    event.preventDefault();
    if (this.#cursor.held && this.#cursor.moved && this.#pen?.source === 'keyboard') this.#lift();
    this.#cursor.held = false;
  }

  /**
   * @param {[number, number]} direction
   * @param {number} step
   */
  #moveCursor([dx, dy], step) {
    const cursor = this.#cursor;
    cursor.x = Math.min(Math.max(cursor.x + dx * step, 0.04), 0.96);
    cursor.y = Math.min(Math.max(cursor.y + dy * step, 0.04), 0.96);
    cursor.shown = true;
    cursor.moved = true;
    if (this.#draw(cursor.x, cursor.y)) this.#changed();
    else this.paint();
  }

  #paintNow() {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (side === 0) return;
    if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
    const context = this.#canvas.getContext('2d');
    if (!context) return;
    const style = getComputedStyle(this.#canvas);
    context.clearRect(0, 0, side, side);
    context.strokeStyle = style.color;
    context.lineWidth = LINE * side;
    context.lineCap = context.lineJoin = 'round';
    for (const stroke of this.#drawing) trace(context, stroke, side);
    if (this.#cursor.shown) this.#paintCursor(context, side, style.getPropertyValue('accent-color'));
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} side
   * @param {string} colour
   */
  #paintCursor(context, side, colour) {
    const [x, y] = [this.#cursor.x * side, this.#cursor.y * side];
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 0.008 * side;
    context.beginPath();
    context.arc(x, y, (LINE / 2) * side, 0, 2 * Math.PI);
    if (this.#pen) context.fill();
    context.stroke();
  }
}

/** The letter, or on a keyboard of other letters the key in its place. @param {KeyboardEvent} event */
const isZ = ({ key, code }) => (/^[a-z]$/i.test(key) ? key.toLowerCase() === 'z' : code === 'KeyZ');

/**
 * One stroke, smooth: a quadratic curve from middle to middle of its points.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} side
 */
function trace(context, stroke, side) {
  const points = steady(steady(stroke));
  const at = (/** @type {number} */ k) => /** @type {[number, number]} */ ([points[k] * side, points[k + 1] * side]);
  context.beginPath();
  context.moveTo(...at(0));
  for (let k = 3; k + 3 < points.length; k += 3) {
    const [x, y] = at(k);
    const [u, v] = at(k + 3);
    context.quadraticCurveTo(x, y, (x + u) / 2, (y + v) / 2);
  }
  // Of a dot, a line too short to be seen; of one without length some browsers show nothing.
  const [x, y] = at(points.length - 3);
  context.lineTo(points.length > 3 ? x : x + 0.01, y);
  context.stroke();
}

/**
 * The stroke of a steadier hand: each point but the ends drawn half way towards the middle of its neighbours.
 * @param {Stroke} stroke
 */
function steady(stroke) {
  return stroke.map((value, k) => (k < 3 || k + 3 >= stroke.length ? value : value / 2 + (stroke[k - 3] + stroke[k + 3]) / 4));
}
