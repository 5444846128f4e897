// @ts-check
/** What happened, in a sentence: the page's one live region says it once things have settled. */
import { percent, significant } from './numbers.js';

/** @import { Attacked, Ending } from './protocol.js' */

/** Why a search ended without an example. @type {Record<Ending, string>} */
const ENDINGS = {
  success: 'what it found did not hold when it was checked',
  unreachable: 'no change within the box of pixels from 0 to 1 gets there',
  'out-of-evaluations': 'it ran out of evaluations before getting there',
  'not-finite': 'the network’s loss was not a finite number',
};

/**
 * @param {Attacked} answer
 * @param {number | null} sample the label of the sample digit on the pad; null of a drawing of one's own
 * @returns {string}
 */
export function sentence({ state, target, digit, outcome, distortion, adversarial }, sample) {
  if (!digit) return 'The pad is blank: there is nothing to attack. Draw a digit, or choose a sample.';
  const drawn = sample === null ? 'your digit' : `this sample ${sample}`;
  const classified = `The network classifies ${drawn} as ${digit.label} (${percent(digit.probabilities[digit.label])})`;
  if (state === 'already') return `The network already classifies ${drawn} as ${digit.label}; choose another target.`;
  if (state === 'searching') return `${classified}. Still searching for the smallest change …`;
  if (state === 'found' && outcome && adversarial) {
    const size = `norm ${outcome.norm.toPrecision(3)} (distortion ${significant(distortion ?? NaN)})`;
    return `${classified}. A change of ${size} makes it predict ${adversarial.label}.`;
  }
  const goal = target === 'any' ? 'anything else' : String(target);
  return `${classified}. The search found no change that makes it predict ${goal}${outcome ? `: ${ENDINGS[outcome.ending]}` : ''}.`;
}
