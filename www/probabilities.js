// @ts-check
/** Ten live probabilities as bars. */
import { create } from './dom.js';
import { NOTHING, percent } from './numbers.js';
import { LABELS } from './target.js';

/** @import { Seen } from './protocol.js' */

/**
 * @param {HTMLElement} list
 * @returns {(seen: Seen | null) => void}
 */
export function probabilitiesView(list) {
  const rows = Array.from({ length: LABELS }, (_, label) => {
    const bar = create('span', { class: 'bar' });
    const value = create('span', { class: 'visually-hidden' }, NOTHING);
    const item = create('li', {}, bar, create('span', { class: 'label' }, String(label)), ' ', value);
    list.append(item);
    return { item, bar, value };
  });
  return (seen) => {
    rows.forEach(({ item, bar, value }, label) => {
      const share = seen?.probabilities[label] ?? 0;
      bar.style.setProperty('--share', share.toFixed(4));
      const text = seen ? percent(share) : NOTHING;
      // Most stay what they are from one answer to the next; to write them all again would have the browser lay out twenty texts.
      if (value.textContent !== text) value.textContent = text;
      item.classList.toggle('chosen', seen?.label === label);
    });
  };
}
