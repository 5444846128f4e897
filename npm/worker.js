// @ts-check
/**
 * The Worker behind index.js. Requests are served in turn; an attack pauses now and then, so that it can be aborted.
 *
 * @typedef {{ kind: string, id: number, [more: string]: any }} ToWorker `load`, `digit`, `classify`, `attack`, `abort`
 * @typedef {{ kind: 'done', id: number, value: unknown } | { kind: 'failed', id: number, message: string } |
 *   { kind: 'step', id: number, step: unknown }} FromWorker
 */
import start, { Network, Reader, Search, Session } from './pockets.js';

/** Milliseconds of work between pauses. */
const SLICE = 8;

/** @type {Network | null} */ let network = null;
/** @type {Reader | null} */ let reader = null;
/** @type {Set<number>} */ const aborted = new Set();
/** @type {Promise<void>} */ let last = Promise.resolve();

/** @template T @param {T | null} value @returns {T} */
function needed(value) {
  if (!value) throw new Error('No network has been loaded; call load() first.');
  return value;
}

/** @param {number[] | Float32Array} probabilities */
const labelOf = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

/** @param {Float32Array} image */
function classify(image) {
  const probabilities = needed(reader).probabilities(image);
  return { label: labelOf(probabilities), probabilities };
}

const pause = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), resolve(undefined));
    port2.postMessage(null);
  });

/** @param {ToWorker} message */
async function attack({ id, image, target, reading, steps }) {
  const { label } = classify(image);
  const nothing = { label, target, adversarial: null, norm: null, distortion: null, success: false, perturbation: null, image: null };
  if (label === target) return { ...nothing, ending: 'already' };
  const search = new Search(needed(network), reading);
  try {
    search.start(image, target === 'any' ? undefined : target);
    const begun = performance.now();
    for (let going = true, rest = performance.now(); going; ) {
      going = search.step();
      if (steps && search.seen) self.postMessage({ kind: 'step', id, step: search.seen });
      if (going && performance.now() - rest > SLICE) {
        await pause();
        if (aborted.delete(id)) return null;
        rest = performance.now();
      }
    }
    const milliseconds = performance.now() - begun;
    const { ending, norm, c, evaluations, margin } = search.outcome;
    if (ending !== 'success') return { ...nothing, ending, evaluations, milliseconds };
    const perturbation = search.perturbation;
    const sum = image.map((/** @type {number} */ v, /** @type {number} */ k) => Math.min(Math.max(v + perturbation[k], 0), 1));
    // What is reported is of the sum as it is handed over.
    const adversarial = classify(sum).label;
    const success = target === 'any' ? adversarial !== label : adversarial === target;
    return { label, target, adversarial, norm, distortion: norm / Math.sqrt(784), success, ending, c, margin, evaluations, milliseconds, perturbation, image: sum };
  } finally {
    search.free();
  }
}

/** @param {ToWorker} message */
async function serve(message) {
  switch (message.kind) {
    case 'load': {
      const next = new Network(message.bytes);
      reader?.free();
      network?.free();
      [network, reader] = [next, new Reader(next)];
      return { name: network.name, widths: [...network.widths] };
    }
    case 'digit': {
      const session = new Session(needed(network), 'both', 0);
      try {
        return session.draw(message.points, message.starts) ? (session.pixels ?? null) : null;
      } finally {
        session.free();
      }
    }
    case 'classify':
      return classify(message.image);
    case 'attack':
      return aborted.delete(message.id) ? null : attack(message);
  }
  throw new Error(`There is no request called ${message.kind}.`);
}

start().then(
  () => {
    self.onmessage = ({ data }) => {
      if (data.kind === 'abort') return void aborted.add(data.id);
      last = last.then(async () => {
        try {
          self.postMessage({ kind: 'done', id: data.id, value: await serve(data) });
        } catch (error) {
          self.postMessage({ kind: 'failed', id: data.id, message: error instanceof Error ? error.message : String(error) });
        }
      });
    };
    self.postMessage({ kind: 'ready' });
  },
  (error) => self.postMessage({ kind: 'failed', message: `The search cannot run here: ${error?.message ?? error}` }),
);
