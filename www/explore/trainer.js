// @ts-check
/**
 * The page's side of the trainer, which works in a Worker of its own. Should that end, by itself or by the browser, another goes
 * on from the last checkpoint: the last good weights are never lost.
 *
 * @typedef {'idle' | 'running' | 'paused' | 'stopped' | 'done'} State
 * @typedef {{ state: State, step: number, steps: number, loss: number, speed: number, remaining: number | null }} Progress
 * @typedef {{ step: number, error: number, loss: number, distortion: number }} Measures
 * @typedef {{ success: boolean, label: number, norm: number, distortion: number }} Found
 * @typedef {{ prediction: number, outcome: Found | null, r: Float32Array, transfer: number }} Side
 * @typedef {{ id: number, step: number, before: Side, after: Side }} Attacked
 * @typedef {{ digit: number, label: number, to: number, norm: number, image: Float32Array, adversarial: Float32Array }} Digit
 *
 * @typedef {object} Listeners
 * @property {(progress: Progress) => void} progress
 * @property {(measures: Measures) => void} measured
 * @property {(digits: Digit[]) => void} gallery
 * @property {(attacked: Attacked) => void} attacked
 * @property {(sentence: string) => void} failed
 */

/** A trainer that works and says nothing for so long, in milliseconds, has died. */
const SILENCE = 15_000;
/** Workers in a row that ended without having made a step. */
const PATIENCE = 3;

const DIGITS = ['train.bin', 'held-out.bin'];

export class Trainer {
  #listeners;
  /** @type {Worker | null} */ #worker = null;
  /** @type {((file: { name: string, network: Uint8Array }) => void)[]} */ #downloads = [];
  /** @type {((network: Uint8Array) => void)[]} */ #snapshots = [];
  /** What another Worker goes on from. @type {object | null} */ #checkpoint = null;
  /** What was asked for before there was a checkpoint. @type {object | null} */ #begun = null;
  /** @type {Promise<Uint8Array[]> | null} */ #digits = null;
  #endings = 0;
  #isRunning = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;

  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.#listeners = listeners;
  }

  /** Whether there is a trainer. */
  get isThere() {
    return this.#worker !== null;
  }

  /** Begins to train; what was trained before is dropped. @param {object} request `harden` or `scratch` */
  async begin(request) {
    this.#begun = request;
    this.#checkpoint = null;
    this.#endings = 0;
    if (this.#worker) this.#post(request);
    else await this.#start();
  }

  /** @param {'pause' | 'resume' | 'cancel' | 'reset'} what */
  say(what) {
    this.#post(what);
  }

  /** Attacks an image on both networks. @param {number} id @param {Float32Array} image @param {number | null} target */
  attack(id, image, target) {
    this.#post({ attack: { id, image, target } });
  }

  /** The network as it is now. @returns {Promise<Uint8Array>} */
  snapshot() {
    return new Promise((done) => {
      this.#snapshots.push(done);
      this.#post('snapshot');
    });
  }

  /** The network as it is now, as a file. @returns {Promise<{ name: string, network: Uint8Array }>} */
  download() {
    return new Promise((done) => {
      this.#downloads.push(done);
      this.#post('download');
    });
  }

  /** @param {unknown} request */
  #post(request) {
    this.#worker?.postMessage(request);
  }

  async #start() {
    this.#digits ??= Promise.all(DIGITS.map(fetchDigits));
    try {
      const [train, test] = await this.#digits;
      const worker = new Worker(new URL('../feed-worker.js', import.meta.url), { type: 'module', name: 'trainer' });
      this.#worker = worker;
      worker.onmessage = ({ data }) => {
        if (worker !== this.#worker) return;
        this.#watch();
        if (data !== 'ready') return this.#receive(data);
        this.#post({ digits: { train, test } });
        this.#post(this.#checkpoint ? { continue: { checkpoint: this.#checkpoint } } : this.#begun);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        if (worker === this.#worker) this.#replace(event.message || 'it could not be started');
      };
    } catch (error) {
      this.#digits = null;
      this.#listeners.failed(`The trainer could not be started: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {any} response */
  #receive(response) {
    const [[name, value]] = Object.entries(response);
    if (name === 'progress') {
      this.#isRunning = value.state === 'running';
      if (value.step > 0) this.#endings = 0;
      this.#listeners.progress(value);
    } else if (name === 'measured') this.#listeners.measured(value);
    else if (name === 'gallery') this.#listeners.gallery(value.digits);
    else if (name === 'attacked') this.#listeners.attacked(value);
    else if (name === 'checkpoint') this.#checkpoint = value;
    else if (name === 'snapshot') this.#snapshots.shift()?.(value.network);
    else if (name === 'download') this.#downloads.shift()?.(value);
    else if (name === 'failed') this.#listeners.failed(value.message);
    this.#watch();
  }

  /** @param {string} reason */
  #replace(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#snapshots = [];
    this.#downloads = [];
    if (++this.#endings >= PATIENCE) {
      this.#isRunning = false;
      this.#listeners.failed(`Training ended: ${reason.replace(/\.$/, '')}. The network above is as it was.`);
      this.#listeners.progress({ state: 'stopped', step: 0, steps: 0, loss: 0, speed: 0, remaining: null });
      return;
    }
    this.#listeners.failed('The trainer ended unexpectedly; another one goes on from its last good weights.');
    this.#start();
  }

  #watch() {
    clearTimeout(this.#watchdog);
    if (this.#isRunning) this.#watchdog = setTimeout(() => this.#replace('it fell silent'), SILENCE);
  }
}

/** @param {string} name */
async function fetchDigits(name) {
  const response = await fetch(new URL(`../digits/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`the training digits could not be loaded (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}
