// @ts-check
/** The search as functions: everything runs in a Worker of its own. The types are in index.d.ts. */
import { Client } from './www/client.js';

/** Pixels of an image. */
const PIXELS = 784;
/** What the engine calls the network in use. */
const NETWORK = 'network';

/** Starts a Worker with the search in it. */
export async function start() {
  const client = new Client();
  await client.ready;
  return new Pockets(client);
}

export class Pockets {
  #client;
  #hasNetwork = false;
  #isClosed = false;
  #asked = 0;

  /** @param {Client} client */
  constructor(client) {
    this.#client = client;
  }

  /** @param {ArrayBuffer | ArrayBufferView | URL | string} [network] */
  async load(network = new URL('./www/networks/FC100-100-10.safetensors', import.meta.url)) {
    let bytes;
    if (network instanceof ArrayBuffer) bytes = new Uint8Array(network);
    else if (ArrayBuffer.isView(network)) bytes = new Uint8Array(network.buffer, network.byteOffset, network.byteLength);
    else {
      const response = await fetch(network);
      if (!response.ok) throw new Error(`The network ${network} could not be loaded (${response.status}).`);
      bytes = new Uint8Array(await response.arrayBuffer());
    }
    const facts = await this.#client.load(NETWORK, bytes);
    this.#hasNetwork = true;
    return facts;
  }

  /** @param {ArrayLike<number>[]} strokes @param {number} [side] */
  async digit(strokes, side = 1) {
    const points = Float32Array.from(strokes.flatMap((stroke) => Array.from(stroke, (v, k) => (k % 3 === 2 ? v : v / side))));
    let first = 0;
    const starts = Array.from(strokes, (stroke) => {
      const start = first;
      first += stroke.length / 3;
      return start;
    });
    return this.#ask('digit', { strokes: { points, starts } });
  }

  /** @param {ArrayLike<number>} image */
  async classify(image) {
    return this.#ask('classify', { network: this.#network(), image: checked(image) });
  }

  /**
   * @param {ArrayLike<number>} image
   * @param {{ target?: number | 'any', reading?: import('./www/protocol.js').Reading, signal?: AbortSignal, onStep?: (step: any) => void }} [options]
   */
  async attack(image, { target = 'any', reading = 'both', signal, onStep } = {}) {
    const isLabel = typeof target === 'number' && Number.isInteger(target) && target >= 0 && target <= 9;
    if (target !== 'any' && !isLabel) throw new RangeError(`${target} is no target; expected a digit or 'any'`);
    signal?.throwIfAborted();
    const asked = { network: this.#network(), subject: { image: checked(image) }, target, reading, steps: Boolean(onStep) };
    const { state, digit, outcome, distortion, milliseconds, perturbation, adversarial } = await this.#ask('attack', asked, {
      signal,
      part: ({ steps }) => onStep && steps.forEach(onStep),
    });
    const isFound = state === 'found';
    return {
      label: digit?.label,
      target,
      adversarial: adversarial?.label ?? null,
      norm: isFound ? outcome?.norm : null,
      distortion,
      success: isFound,
      ending: state === 'already' ? 'already' : outcome?.ending,
      c: outcome?.c,
      margin: outcome?.margin,
      evaluations: outcome?.evaluations,
      milliseconds,
      perturbation: perturbation?.values ?? null,
      image: adversarial?.values ?? null,
    };
  }

  /** Ends the Worker; what is under way is rejected. */
  close() {
    this.#isClosed = true;
    this.#client.close('The search was closed.');
  }

  #network() {
    if (!this.#hasNetwork && !this.#isClosed) throw new Error('No network has been loaded; call load() first.');
    return NETWORK;
  }

  /**
   * @template {import('./www/client.js').Topic} T
   * @param {T} topic
   * @param {import('./www/client.js').Asked<T>} asked
   * @param {{ signal?: AbortSignal, part?: (answer: import('./www/client.js').Told<T>) => void }} [how] `part` is given each part of
   *   the answer, the last too
   * @returns {Promise<import('./www/client.js').Told<T>>}
   */
  #ask(topic, asked, { signal, part } = {}) {
    if (this.#isClosed) return Promise.reject(new Error('The search was closed.'));
    const channel = `question ${++this.#asked}`;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#client.cancel(channel);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const end = () => signal?.removeEventListener('abort', abort);
      const told = (/** @type {import('./www/client.js').Told<T>} */ answer, /** @type {boolean} */ last) => {
        part?.(answer);
        if (!last) return;
        end();
        resolve(answer);
      };
      const failed = (/** @type {string} */ why) => {
        end();
        reject(new Error(why));
      };
      this.#client.ask(channel, topic, asked, told, { failed });
    });
  }
}

/** @param {ArrayLike<number>} image */
function checked(image) {
  if (image.length !== PIXELS) throw new RangeError(`the image has ${image.length} pixels; expected ${PIXELS}`);
  return Float32Array.from(image);
}
