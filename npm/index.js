// @ts-check
/**
 * The search as functions: everything runs in a Worker of its own. The types are in index.d.ts.
 *
 * @import { FromWorker, ToWorker } from './worker.js'
 */

/** Pixels of an image. */
const PIXELS = 784;

/**
 * @typedef {object} Job
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {((step: any) => void) | undefined} onStep
 */

/** Starts a Worker with the search in it. */
export async function start() {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  try {
    await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.kind === 'ready' ? resolve(data) : reject(new Error(data.message)));
      worker.onerror = (event) => reject(new Error(event.message || 'The Worker could not be started.'));
    });
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return new Pockets(worker);
}

export class Pockets {
  #worker;
  /** @type {Map<number, Job>} */ #jobs = new Map();
  #id = 0;
  #closed = false;

  /** @param {Worker} worker */
  constructor(worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(event.message || 'The Worker ended.'));
    };
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
    return this.#ask({ kind: 'load', bytes });
  }

  /** @param {ArrayLike<number>[]} strokes @param {number} [side] */
  async digit(strokes, side = 1) {
    const points = Float32Array.from(strokes.flatMap((stroke) => Array.from(stroke, (v, k) => (k % 3 === 2 ? v : v / side))));
    let first = 0;
    const starts = Uint32Array.from(strokes, (stroke) => (first += stroke.length / 3) - stroke.length / 3);
    return this.#ask({ kind: 'digit', points, starts });
  }

  /** @param {ArrayLike<number>} image */
  async classify(image) {
    return this.#ask({ kind: 'classify', image: checked(image) });
  }

  /**
   * @param {ArrayLike<number>} image
   * @param {{ target?: number | 'any', reading?: string, signal?: AbortSignal, onStep?: (step: any) => void }} [options]
   */
  async attack(image, { target = 'any', reading = 'both', signal, onStep } = {}) {
    const isLabel = typeof target === 'number' && Number.isInteger(target) && target >= 0 && target <= 9;
    if (target !== 'any' && !isLabel) throw new RangeError(`${target} is no target; expected a digit or 'any'`);
    signal?.throwIfAborted();
    const id = this.#id + 1;
    const abort = () => {
      this.#worker.postMessage({ kind: 'abort', id });
      this.#jobs.get(id)?.reject(signal?.reason);
      this.#jobs.delete(id);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await this.#ask({ kind: 'attack', image: checked(image), target, reading, steps: Boolean(onStep) }, onStep);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends the Worker; what is under way is rejected. */
  close() {
    this.#end(new Error('The search was closed.'));
  }

  /** @param {Error} error */
  #end(error) {
    this.#closed = true;
    this.#worker.terminate();
    for (const { reject } of this.#jobs.values()) reject(error);
    this.#jobs.clear();
  }

  /**
   * @param {Omit<ToWorker, 'id'>} message
   * @param {(step: any) => void} [onStep]
   * @returns {Promise<any>}
   */
  #ask(message, onStep) {
    if (this.#closed) return Promise.reject(new Error('The search was closed.'));
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#jobs.set(id, { resolve, reject, onStep });
      this.#worker.postMessage({ ...message, id });
    });
  }

  /** @param {FromWorker} message */
  #receive(message) {
    const job = this.#jobs.get(message.id);
    if (!job) return;
    if (message.kind === 'step') return job.onStep?.(message.step);
    this.#jobs.delete(message.id);
    if (message.kind === 'done') job.resolve(message.value);
    else job.reject(new Error(message.message));
  }
}

/** @param {ArrayLike<number>} image */
function checked(image) {
  if (image.length !== PIXELS) throw new RangeError(`the image has ${image.length} pixels; expected ${PIXELS}`);
  return Float32Array.from(image);
}
