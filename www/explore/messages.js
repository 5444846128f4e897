// @ts-check
/**
 * What the page and the explorer say to each other. The explorer answers the sections below the demo, in a worker of
 * its own, so that no question of theirs ever delays the live attack. Each question has a topic and a channel,
 * which is the topic unless two places ask the same; of one channel only the newest question counts. Types alone: nothing here is loaded.
 *
 * @typedef {{ kind: 'load', key: string, bytes: Uint8Array }} Load takes a network, under a name of the page's choice
 * @typedef {{ kind: 'ask', id: number, topic: Topic, channel: string, request: any }} Ask
 * @typedef {Load | Ask} ToExplorer
 *
 * @typedef {{ kind: 'ready' }} Ready the explorer can be sent work
 * @typedef {{ kind: 'told', id: number, answer: any, last: boolean }} Told an answer, or with `last` false a first
 *   part of one: from then on a newer question may end this one
 * @typedef {{ kind: 'failed', id: number, message: string }} Failed
 * @typedef {{ kind: 'broken', id: number, message: string }} Broken the explorer cannot go on; it must be replaced
 * @typedef {Ready | Told | Failed | Broken} FromExplorer
 *
 * @typedef {keyof Topics} Topic
 *
 * @typedef {object} Topics each a question and its answer
 * @property {[{ network: string, reading: Reading, image: Float32Array, prediction: number }, Found[]]} targets
 *   the nine other labels, each attacked
 * @property {[{ network: string, image: Float32Array, r: Float32Array, until: number, count: number }, Float32Array]} way
 *   ten probabilities at each of `count` places between x and x + until·r
 * @property {[{ network: string, reading: Reading, image: Float32Array, target: Target }, Trace]} trace
 *   every evaluation of one search
 * @property {[{ network: string, image: Float32Array, targets: Target[] }, Compared[]]} readings
 *   each reading of c, for each target
 * @property {[{ network: string, image: Float32Array, r: Float32Array, a: number, b: number, reach: number, side: number, seed: number }, Labels]} plane
 *   the labels of a square of the plane, first coarse, then fine
 * @property {[{ network: string, image: Float32Array, prediction: number, norm: number, tries: number, seed: number }, Counted]} noise
 *   how many random changes of a norm change the reading
 * @property {[{ network: string, image: Float32Array, r: Float32Array, prediction: number, target: Target }, Rounded]} rounded
 *   x + r in 256 levels
 * @property {[{ networks: string[], image: Float32Array, r: Float32Array, target: Target, amplify: number }, Transferred[]]} transfer
 *   what other networks make of an example, and their own for the same target
 * @property {[{ network: string, image: Float32Array, adversarial: Float32Array, norm: number, seed: number }, Amplified]} layers
 *   bound and amplification, layer by layer
 * @property {[{ network: string, image: Float32Array | null, digits: Uint8Array, layer: number, unit: number, seed: number, count: number }, Ranked[]]} units
 *   the digits (16 levels, two pixels a byte) furthest along one unit, and along a random direction
 *
 * @typedef {{ target: number, norm: number | null, values: Float32Array | null }} Found nothing where the search failed
 * @typedef {{ steps: Step[], changes: Float32Array, outcome: Outcome }} Trace `changes` holds r of every step
 * @typedef {{ evaluations: number, phase: Phase, loss: number, norm: number, margin: number, c: number,
 *   objective: number, succeeds?: number, fails?: number }} Step
 * @typedef {'bracket' | 'root' | 'boundary' | 'scale'} Phase
 * @typedef {{ reading: Reading, target: Target, outcome: Outcome | null }} Compared null where the network reads the
 *   target already
 * @typedef {{ side: number, labels: Uint8Array }} Labels row by row, the second direction growing upwards
 * @typedef {{ tried: number, changed: number, sample: Float32Array }} Counted with one perturbed image
 * @typedef {{ levels: number[], label: number, norm: number, scale: number,
 *   rounding: 'nearest' | 'towards' | 'further' | 'lost' }} Rounded
 * @typedef {{ network: string, read: Read, example: Read, amplified: Read,
 *   own: { norm: number, r: Float32Array } | null }} Transferred
 * @typedef {{ label: number, share: number }} Read
 * @typedef {{ bounds: Float64Array, searched: Float64Array, random: Float64Array }} Amplified
 * @typedef {{ top: Uint32Array, scores: Float32Array, own: number }} Ranked
 *
 * @import { Outcome, Reading, Target } from '../messages.js'
 */
export {};
