// @ts-check
/**
 * What the page and the engine say to each other: plain objects told apart by `kind`, typed arrays
 * transferred. The page numbers its requests; an answer carries the number of its request, so that the
 * page can drop what is no longer wanted.
 *
 * @typedef {object} Strokes
 * @property {Float32Array} points x, y, t, x, y, t, … on a pad of side 1, y downwards, t in milliseconds
 * @property {Uint32Array} starts the index of each stroke's first point
 *
 * @typedef {number | 'any'} Target a label, or anything but what the network reads now
 * @typedef {'weight' | 'scale' | 'both'} Reading of the formula's c
 *
 * @typedef {object} Palette
 * @property {Uint8Array} ink paper and ink, two RGB triples
 * @property {Uint8Array} signed less, none and more ink, three RGB triples
 *
 * @typedef {{ kind: 'load', id: number, bytes: Uint8Array }} Load
 * @typedef {{ kind: 'attack', id: number } & AttackRequest} Attack
 * @typedef {Load | Attack} ToEngine
 *
 * @typedef {object} AttackRequest
 * @property {Strokes} strokes
 * @property {Target} target
 * @property {Reading} reading
 * @property {number} confidence the margin asked for, in logits
 * @property {Palette} palette
 *
 * @typedef {{ kind: 'ready' }} Ready the engine can be sent work
 * @typedef {{ kind: 'alive' }} Alive a long search goes on
 * @typedef {{ kind: 'broken', message: string }} Broken the engine cannot go on; it must be replaced
 * @typedef {{ kind: 'failed', id: number, message: string }} Failed one request was refused, in a sentence
 * @typedef {{ kind: 'loaded', id: number, network: NetworkFacts }} Loaded
 * @typedef {{ kind: 'answer', id: number, answer: Answer }} Answered
 * @typedef {Ready | Alive | Broken | Failed | Loaded | Answered} FromEngine
 *
 * @typedef {{ name: string, widths: number[] }} NetworkFacts
 *
 * @typedef {object} Answer what is known of one drawing
 * @property {'blank' | 'already' | 'searching' | 'failed' | 'found'} state `searching` is followed by another
 *   answer; `already`: the network reads the target without any change
 * @property {Target} target
 * @property {Picture & Label | null} digit x and f(x); null of a blank pad
 * @property {Outcome | null} outcome of a search that has ended
 * @property {number} milliseconds spent searching
 * @property {Picture & { limit: number } | null} perturbation r, shown from −limit to limit; null unless found
 * @property {Picture & Label | null} adversarial x + r and f(x + r) by a plain forward pass; null unless found
 *
 * @typedef {object} Picture
 * @property {Float32Array} values 28×28, row by row
 * @property {Uint8Array} rgba the same, painted
 *
 * @typedef {object} Label
 * @property {number} label
 * @property {Float32Array} probabilities of the ten labels
 *
 * @typedef {object} Outcome as the search reports it (attack.rs)
 * @property {'success' | 'unreachable' | 'out-of-evaluations' | 'not-finite'} ending
 * @property {number} prediction
 * @property {number} label
 * @property {number} norm
 * @property {number} norm_c
 * @property {number} scale
 * @property {number} c
 * @property {number} margin
 * @property {number} evaluations
 */

/** Pixels along one side of every picture. */
export const SIDE = 28;
/** Labels of every network. */
export const LABELS = 10;

/**
 * The buffers that a message can hand over instead of copying.
 * @param {unknown} message
 * @returns {ArrayBuffer[]}
 */
export function buffersOf(message) {
  const buffers = new Set();
  const visit = (/** @type {unknown} */ value) => {
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
    else if (value && typeof value === 'object') Object.values(value).forEach(visit);
  };
  visit(message);
  return [...buffers];
}
