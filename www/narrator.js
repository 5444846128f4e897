// @ts-check
/** What happened, in a sentence: the page's one live region says it once things have settled. */
import { SIDE } from './messages.js';
import { percent, significant } from './numbers.js';

/** @import { Answer } from './messages.js' */

/** Why a search ended without an example. @type {Record<string, string>} */
const ENDINGS = {
  unreachable: 'no change within the box of pixels from 0 to 1 gets there',
  'out-of-evaluations': 'it ran out of evaluations before getting there',
  'not-finite': 'the network’s loss was not a finite number',
};

/**
 * @param {Answer} answer
 * @param {number | null} sample the label of the sample digit on the pad; null of a drawing of one's own
 * @returns {string}
 */
export function sentence({ state, target, digit, outcome, adversarial }, sample) {
  if (!digit) return 'The pad is blank: there is nothing to attack. Draw a digit, or choose a sample.';
  const drawn = sample === null ? 'your digit' : `this sample ${sample}`;
  const read = `The network reads ${drawn} as ${digit.label} (${percent(digit.probabilities[digit.label])})`;
  switch (state) {
    case 'already':
      return `The network already reads ${drawn} as ${digit.label}; choose another target.`;
    case 'found':
      if (!outcome || !adversarial) break;
      return (
        `${read}. A change of norm ${outcome.norm.toPrecision(3)} (distortion ${significant(outcome.norm / SIDE)}) ` +
        `makes it read ${adversarial.label}.`
      );
    case 'searching':
      return `${read}. Still searching for the smallest change …`;
    case 'failed': {
      const why = ENDINGS[outcome?.ending ?? ''];
      const goal = target === 'any' ? 'anything else' : String(target);
      return `${read}. The search found no change that makes it read ${goal}${why ? `: ${why}` : ''}.`;
    }
  }
  return `${read}.`;
}
