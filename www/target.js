// @ts-check
/** The choice of a target: ten digits, or any other. */
import { create } from './dom.js';

/** Labels of every network. */
export const LABELS = 10;

/** @import { Target } from './protocol.js' */

/**
 * @param {HTMLElement} group
 * @param {(target: Target) => void} chosen
 */
export function targetView(group, chosen) {
  /** @type {Target[]} */ const targets = [...Array(LABELS).keys(), 'any'];
  const inputs = new Map(
    targets.map((target) => {
      const input = create('input', { type: 'radio', name: 'target', value: String(target) });
      group.append(create('label', { class: 'choice' }, input, create('span', {}, String(target))));
      input.addEventListener('change', () => chosen(target));
      return [target, input];
    }),
  );
  return {
    /** @param {Target} target */
    choose(target) {
      const input = inputs.get(target);
      if (input) input.checked = true;
    },
    /** Marks the prediction: no target for this drawing. @param {number | null} label */
    mark(label) {
      for (const [target, input] of inputs) input.classList.toggle('predicted', target === label);
    },
  };
}
