// @ts-check
/** The numbers of an answer; an en dash wherever there is none. */
import { byId, create } from './dom.js';
import { SIDE } from './messages.js';
import { NOTHING, duration, percent, significant } from './numbers.js';

/** @import { Answer, Label } from './messages.js' */

/** @returns {(answer: Answer | null) => void} */
export function readoutsView() {
  const at = (/** @type {string} */ id) => byId(id, HTMLElement);
  const [prediction, adversarial, norm, distortion] = ['prediction', 'adversarial', 'norm', 'distortion'].map(at);
  const [c, evaluations, time, least, most] = ['c', 'evaluations', 'time', 'least', 'most'].map(at);
  return (answer) => {
    const found = answer?.state === 'found' ? answer.outcome : null;
    label(prediction, answer?.digit ?? null);
    label(adversarial, answer?.adversarial ?? null);
    norm.textContent = found ? found.norm.toPrecision(3) : NOTHING;
    distortion.textContent = found ? significant(found.norm / SIDE) : NOTHING;
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
 * @param {HTMLElement} place
 * @param {Label | null} reading
 */
function label(place, reading) {
  if (!reading) {
    place.textContent = NOTHING;
    return;
  }
  const share = percent(reading.probabilities[reading.label]);
  place.replaceChildren(String(reading.label), ' ', create('span', { class: 'share' }, share));
}
