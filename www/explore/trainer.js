// @ts-check
/**
 * The page's side of the trainer, which works in a Worker of its own. Should that end, by itself or by the browser, another goes
 * on from the last checkpoint: the last good weights are never lost. What is said is defined in src/feed/message.rs.
 *
 * @import { Digit, Measures, Request, Response, Saved } from '../training.js'
 *
 * @typedef {Extract<Response, { progress: any }>['progress']} Progress
 * @typedef {Extract<Response, { attacked: any }>['attacked']} Attacked
 * @typedef {{ name: string, network: Uint8Array }} File
 *
 * @typedef {object} Listener
 * @property {(progress: Progress) => void} progress
 * @property {(measures: Measures) => void} measured
 * @property {(digits: Digit[]) => void} gallery
 * @property {(attacked: Attacked) => void} attacked
 * @property {(sentence: string) => void} noted something that the visitor should know; training may go on
 * @property {(sentence: string) => void} ended there is no trainer any more
 */

import { compile } from '../client.js';

const MODULE = new URL('../../feed_bg.wasm', import.meta.url);
/** Milliseconds that it works between two looks at what has arrived. */
const SLICE = 24;
/** A trainer with work that says nothing for so long, in milliseconds, has died. */
const SILENCE = 15_000;
/** Trainers in a row that ended without having come any further. */
const PATIENCE = 3;
/** What is learned from, and what is judged by. */
const DIGITS = ['train-10000.bin', 'test-10000.bin'];

export class Trainer {
  #listener;
  /** @type {Worker | null} */ #worker = null;
  /** The way to it. @type {MessagePort | null} */ #port = null;
  /** Whether the Worker of the moment has its digits and its task, and whether it has taken them. */
  #isReady = false;
  #hasBegun = false;
  /** What was asked for at first. @type {Request | null} */ #task = null;
  /** What another Worker goes on from. @type {Saved | null} */ #checkpoint = null;
  /** @type {Progress['state']} */ #state = 'idle';
  #endings = 0;
  /** Who waits for a file. @type {Map<'snapshot' | 'download', { done: (file: File) => void, refuse: (error: Error) => void }[]>} */
  #waiting = new Map([
    ['snapshot', []],
    ['download', []],
  ]);
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
    // A page that was frozen heard nothing meanwhile, which proves nothing.
    document.addEventListener('visibilitychange', () => this.#watch());
  }

  /** Begins to train; what was trained before is dropped. @param {Request} task `harden` or `scratch` */
  begin(task) {
    this.#task = task;
    this.#checkpoint = null;
    this.#hasBegun = false;
    this.#endings = 0;
    if (this.#isReady) this.#post(task);
    else if (!this.#worker) this.#start();
  }

  /** @param {'pause' | 'resume' | 'cancel' | 'reset'} what */
  say(what) {
    this.#post(what);
  }

  /** Attacks an image on both networks. @param {number} id @param {Float32Array} image @param {number | null} target */
  attack(id, image, target) {
    this.#post({ attack: { id, image, target } });
  }

  /** The network as it is now; `download` is for the visitor to keep. @param {'snapshot' | 'download'} kind @returns {Promise<File>} */
  file(kind) {
    return new Promise((done, refuse) => {
      if (!this.#isReady) return refuse(new Error('there is no trainer'));
      this.#waiting.get(kind)?.push({ done, refuse });
      this.#post(kind);
    });
  }

  /** @param {Request} request @param {Transferable[]} [handed] */
  #post(request, handed = []) {
    if (this.#isReady) this.#port?.postMessage(request, handed);
  }

  async #start() {
    /** @type {Worker} */ let worker;
    try {
      worker = new Worker(new URL('trainer-worker.js', import.meta.url), { type: 'module', name: 'trainer' });
    } catch (error) {
      return this.#end(`The trainer could not be started: ${error instanceof Error ? error.message : error}.`);
    }
    this.#worker = worker;
    const isCurrent = () => this.#worker === worker;
    worker.onerror = (event) => {
      event.preventDefault();
      if (isCurrent()) this.#replace(event.message || 'it could not be loaded');
    };
    worker.onmessageerror = () => isCurrent() && this.#replace('a message was lost');
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const module = compile(MODULE);
    worker.onmessage = ({ data }) => {
      if (data !== 'listening') return isCurrent() && this.#replace(data);
      module.then((module) => worker.postMessage({ module, port: port2, slice: SLICE }, [port2])).catch(() => {});
    };
    module.catch((error) => isCurrent() && this.#end(`The trainer cannot run in this browser: ${error.message ?? error}.`));
    // The digits come while the module does; before that is ready nothing would hear of them.
    const isReady = new Promise((done) => {
      port1.onmessage = ({ data }) => {
        if (data === 'ready') done(true);
        else if (isCurrent()) this.#receive(data);
      };
    });
    try {
      const [[train, test]] = await Promise.all([Promise.all(DIGITS.map(fetchDigits)), isReady]);
      if (!isCurrent()) return;
      this.#isReady = true;
      this.#post({ digits: { train, test } }, [train.buffer, test.buffer]);
      this.#post(this.#checkpoint ? { continue: { checkpoint: this.#checkpoint } } : /** @type {Request} */ (this.#task));
    } catch (error) {
      if (isCurrent()) this.#end(`The training digits could not be loaded: ${error instanceof Error ? error.message : error}.`);
    }
  }

  /** @param {Exclude<Response, string>} response */
  #receive(response) {
    this.#watch();
    if ('progress' in response) this.#progress(response.progress);
    else if ('measured' in response) this.#listener.measured(response.measured);
    else if ('gallery' in response) this.#listener.gallery(response.gallery.digits);
    else if ('attacked' in response) this.#listener.attacked(response.attacked);
    else if ('checkpoint' in response) this.#checkpoint = response.checkpoint;
    else if ('snapshot' in response) this.#waiting.get('snapshot')?.shift()?.done({ name: '', network: response.snapshot.network });
    else if ('download' in response) this.#waiting.get('download')?.shift()?.done(response.download);
    else if (!this.#hasBegun) this.#end(sentence(response.failed.message));
    else this.#listener.noted(sentence(response.failed.message));
  }

  /** @param {Progress} progress */
  #progress(progress) {
    if (progress.state === 'running' && progress.step > (this.#checkpoint?.step ?? 0)) this.#endings = 0;
    this.#hasBegun = true;
    this.#state = progress.state;
    this.#listener.progress(progress);
    this.#watch();
  }

  /** @param {string} reason */
  #replace(reason) {
    const wasPaused = this.#state === 'paused';
    this.#drop(reason);
    if (++this.#endings >= PATIENCE) return this.#end(`Training ended: ${sentence(reason)} The network above is as it was.`);
    const from = this.#checkpoint ? `from step ${this.#checkpoint.step.toLocaleString('en')}` : 'from the beginning';
    this.#listener.noted(`The trainer ended unexpectedly (${reason.replace(/\.$/, '')}); another one goes on ${from}.`);
    this.#start().then(() => wasPaused && this.say('pause'));
  }

  /** @param {string} sentence */
  #end(sentence) {
    this.#drop(sentence);
    this.#checkpoint = null;
    this.#state = 'idle';
    this.#listener.ended(sentence);
  }

  /** @param {string} reason */
  #drop(reason) {
    clearTimeout(this.#watchdog);
    this.#worker?.terminate();
    this.#worker = this.#port = null;
    this.#isReady = this.#hasBegun = false;
    for (const waiting of this.#waiting.values()) for (const { refuse } of waiting.splice(0)) refuse(new Error(reason));
  }

  #watch() {
    clearTimeout(this.#watchdog);
    const isDue = this.#worker && this.#state === 'running' && !document.hidden;
    if (isDue) this.#watchdog = setTimeout(() => this.#replace('it fell silent'), SILENCE);
  }
}

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

/** @param {string} name */
async function fetchDigits(name) {
  const response = await fetch(new URL(`../digits/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not there (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}
