// @ts-check
/**
 * A cursor over a figure that tells its values: under the pointer, and by the arrow keys to who has no pointer. To assistive technology
 * it is a slider, whose text is spoken at every move, so that it needs no live region.
 *
 * @typedef {{ place: number, top?: number, says: string | (() => string) }} Told how far from the left and from
 *   the top in CSS pixels, and what is there
 */
import { create } from '../dom.js';

/** A page of keys is this part of all places. */
const PAGE = 0.1;

/**
 * @param {string} name
 * @param {(place: number | null, index: number) => void} mark shows where the cursor is, or that it is gone
 * @param {object} [how]
 * @param {(index: number) => void} [how.chosen] the cursor was moved here
 * @param {boolean} [how.isRepeated] another cursor tells the same to who has no pointer
 */
export function reader(name, mark, { chosen = () => {}, isRepeated = false } = {}) {
  const tip = create('p', { class: 'tip', 'aria-hidden': 'true' });
  const slider = create('div', isRepeated ? { 'aria-hidden': 'true' } : { role: 'slider', tabindex: '0', 'aria-label': name });
  slider.classList.add('sense');
  const element = create('div', { class: 'reader', hidden: '' }, slider, tip);
  /** @type {Told[]} */ let told = [];
  let at = 0;
  let isShown = false;
  /** Of a grid. */
  let across = 0;

  function refresh() {
    element.hidden = told.length === 0;
    at = Math.min(at, Math.max(told.length - 1, 0));
    const now = told[at];
    const isSeen = isShown && now !== undefined;
    tip.hidden = !isSeen;
    mark(isSeen ? now.place : null, at);
    if (!now) return;
    const says = typeof now.says === 'string' ? now.says : now.says();
    const values = { 'aria-valuemin': 0, 'aria-valuemax': told.length - 1, 'aria-valuenow': at, 'aria-valuetext': says };
    for (const [attribute, value] of Object.entries(values)) slider.setAttribute(attribute, String(value));
    tip.textContent = says;
    if (!isSeen) return;
    const room = element.clientWidth - tip.offsetWidth;
    const above = (now.top ?? 0) - tip.offsetHeight - 14;
    if (now.top !== undefined) tip.style.top = `${above < 0 ? now.top + 14 : above}px`;
    tip.style.left = `${Math.min(Math.max(now.place - tip.offsetWidth / 2, 0), Math.max(room, 0))}px`;
  }
  /** @param {number} place @param {boolean} [shown] */
  const go = (place, shown = true) => {
    at = Math.min(Math.max(place, 0), told.length - 1);
    isShown = shown;
    refresh();
    if (shown && told.length > 0) chosen(at);
  };
  const point = (/** @type {PointerEvent} */ { offsetX, offsetY }) => {
    const away = (/** @type {Told} */ { place, top }) => Math.hypot(place - offsetX, top === undefined ? 0 : top - offsetY);
    let nearest = 0;
    for (const [k, each] of told.entries()) if (away(each) < away(told[nearest])) nearest = k;
    go(nearest);
  };
  slider.addEventListener('pointermove', point);
  slider.addEventListener('pointerdown', point);
  slider.addEventListener('pointerleave', () => go(at, document.activeElement === slider));
  slider.addEventListener('focus', () => go(at));
  slider.addEventListener('blur', () => go(at, false));
  slider.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.round(PAGE * told.length));
    /** @type {Record<string, number>} */
    const to = {
      ArrowLeft: at - 1,
      ArrowDown: across ? (at + across < told.length ? at + across : at) : at - 1,
      ArrowRight: at + 1,
      ArrowUp: across ? (at >= across ? at - across : at) : at + 1,
      PageDown: at - page,
      PageUp: at + page,
      Home: 0,
      End: told.length - 1,
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(to, event.key)) return;
    event.preventDefault();
    go(to[event.key]);
  });
  return {
    element,
    /** @param {Told[]} next from left to right; of a grid row by row @param {number} [columns] of a grid: up and down go by rows */
    tell(next, columns = 0) {
      told = next;
      across = columns;
      refresh();
    },
  };
}
