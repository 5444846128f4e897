// @ts-check
/** The numbers of an answer; an en dash wherever there is none. */
import { byId, create } from './dom.js';
import { NOTHING, duration, percent, significant } from './numbers.js';

/** @import { Attacked, Seen } from './protocol.js' */

/** @returns {(answer: Attacked | null) => void} */
export function readoutsView() {
  const at = (/** @type {string} */ id) => byId(id, HTMLElement);
  const [prediction, adversarial, norm, distortion] = ['prediction', 'adversarial', 'norm', 'distortion'].map(at);
  const [c, evaluations, time, least, most] = ['c', 'evaluations', 'time', 'least', 'most'].map(at);
  return (answer) => {
    const found = answer?.state === 'found' ? answer.outcome : null;
    showPrediction(prediction, answer?.digit ?? null);
    showPrediction(adversarial, answer?.adversarial ?? null);
    norm.textContent = found ? found.norm.toPrecision(3) : NOTHING;
    distortion.textContent = significant(answer?.distortion ?? NaN);
    c.textContent = found ? significant(found.c) : NOTHING;
    evaluations.textContent = found ? String(found.evaluations) : NOTHING;
    time.textContent = found ? duration(answer?.milliseconds ?? 0) : NOTHING;
    const limit = answer?.perturbation?.limit;
    least.textContent = limit ? `−${rounded(limit)}` : 'less';
    most.textContent = limit ? `+${rounded(limit)}` : 'more';
  };
}

/** @param {number} limit a 32-bit number such as 0.3 */
const rounded = (limit) => String(Number(limit.toPrecision(3)));

/**
 * A label and its probability.
 * @param {HTMLElement} place
 * @param {Seen | null} seen
 */
export function showPrediction(place, seen) {
  if (!seen) {
    place.textContent = NOTHING;
    return;
  }
  const share = percent(seen.probabilities[seen.label]);
  place.replaceChildren(String(seen.label), ' ', create('span', { class: 'share' }, share));
}
