// @ts-check
/**
 * The page's side of the engine. It keeps a Worker going: starts it, replaces it when it dies or falls
 * silent, and where none can run does the work on the page's own thread. Of attacks only the newest counts:
 * while one waits for its first answer a newer one is held back, so that the engine is never flooded.
 *
 * @import { Answer, AttackRequest, FromEngine, NetworkFacts, ToEngine } from './messages.js'
 */

/** A worker with work that says nothing for so long is dead: it should answer every few milliseconds. */
const SILENCE = 2000;
/** Workers in a row that ended without an answer, before the page does the work itself. */
const PATIENCE = 3;

/**
 * @typedef {object} Pending
 * @property {number} id
 * @property {AttackRequest} request
 * @property {(answer: Answer) => void} answer
 * @property {(sentence: string) => void} refuse
 * @property {boolean} outdated its answers are not wanted any more
 */

/** The engine's Worker. Throws where the browser refuses one. */
function newWorker() {
  try {
    return new Worker(new URL('worker.js', import.meta.url), { type: 'module', name: 'pockets' }); // in this form for bundlers
  } catch {
    // A page of another origin may not start our file as its Worker, but a Worker of its own may import it.
    const script = `import ${JSON.stringify(new URL('worker.js', import.meta.url).href)};`;
    const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const worker = new Worker(address, { type: 'module', name: 'pockets' });
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    return worker;
  }
}

export class Client {
  /** @type {Worker | null} */ #worker = null;
  /** @type {((message: ToEngine) => void) | null} set while the engine is ready */ #send = null;
  #local = false;
  #endings = 0;
  #id = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;
  /** @type {{ id: number, bytes: Uint8Array, done: (facts: NetworkFacts) => void, refuse: (error: Error) => void } | null} */
  #loading = null;
  /** @type {Uint8Array | null} the network in use, for a worker's successor */ #network = null;
  /** @type {Pending | null} sent, and not answered for good */ #current = null;
  /** @type {Pending | null} held back until the current one's first answer */ #next = null;
  #answered = true;
  #onFatal;

  /** @param {{ onFatal: (sentence: string) => void }} events `onFatal`: nothing can run here */
  constructor({ onFatal }) {
    this.#onFatal = onFatal;
    this.#startWorker();
  }

  /**
   * Takes a network. Rejects with a sentence if the bytes are none; the network before stays in use.
   * @param {Uint8Array} bytes
   * @returns {Promise<NetworkFacts>}
   */
  load(bytes) {
    this.#loading?.refuse(new Error('Another network was chosen.'));
    return new Promise((done, refuse) => {
      this.#loading = { id: ++this.#id, bytes, done, refuse };
      if (this.#current) this.#current.outdated = true;
      this.#post({ kind: 'load', id: this.#id, bytes });
    });
  }

  /**
   * Asks for a drawing to be read and attacked.
   * @param {AttackRequest} request
   * @param {object} callbacks
   * @param {(answer: Answer) => void} callbacks.answer
   * @param {(sentence: string) => void} callbacks.refuse
   * @param {boolean} callbacks.follows the same drawing has only grown, so that an answer to the request before
   *   may still be shown while this one waits; otherwise it is dropped
   */
  attack(request, { answer, refuse, follows }) {
    if (this.#current && !follows) this.#current.outdated = true;
    this.#next = { id: ++this.#id, request, answer, refuse, outdated: false };
    if (this.#answered) this.#sendNext();
  }

  #sendNext() {
    if (!this.#next || !this.#send) return;
    this.#current = this.#next;
    this.#next = null;
    this.#answered = false;
    this.#post({ kind: 'attack', id: this.#current.id, ...this.#current.request });
  }

  /** @param {ToEngine} message sent now, or when the engine is ready */
  #post(message) {
    if (!this.#send) return;
    this.#send(message);
    this.#watch();
  }

  #startWorker() {
    try {
      const worker = newWorker();
      this.#worker = worker;
      worker.onmessage = (event) => {
        if (worker === this.#worker) this.#receive(event.data, (message) => worker.postMessage(message));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        if (worker === this.#worker) this.#replace(event.message || 'it could not be started');
      };
      worker.onmessageerror = () => worker === this.#worker && this.#replace('a message was lost');
    } catch {
      this.#startLocal();
    }
  }

  async #startLocal() {
    this.#local = true;
    try {
      const { startLocally } = await import('./local.js');
      const handle = await startLocally((message) => this.#receive(message, () => {}));
      this.#receive({ kind: 'ready' }, (message) => void handle(message));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * @param {FromEngine} message
   * @param {(message: ToEngine) => void} send how to reach the engine that says so
   */
  #receive(message, send) {
    this.#handle(message, send);
    this.#watch();
  }

  /**
   * @param {FromEngine} message
   * @param {(message: ToEngine) => void} send
   */
  #handle(message, send) {
    switch (message.kind) {
      case 'ready':
        this.#send = send;
        this.#resume();
        return;
      case 'broken':
        this.#replace(message.message);
        return;
      case 'loaded':
        this.#endings = 0;
        if (this.#loading?.id !== message.id) return;
        this.#network = this.#loading.bytes;
        this.#loading.done(message.network);
        this.#loading = null;
        return;
      case 'failed':
        if (this.#loading?.id === message.id) {
          this.#loading.refuse(new Error(message.message));
          this.#loading = null;
        } else if (this.#current?.id === message.id) {
          const { refuse, outdated } = this.#current;
          this.#current = null;
          this.#advance();
          if (!outdated) refuse(message.message);
        }
        return;
      case 'answer': {
        this.#endings = 0;
        const current = this.#current;
        if (current?.id !== message.id) return;
        const last = message.answer.state !== 'searching';
        const replaced = this.#next !== null;
        if (last) this.#current = null;
        this.#advance();
        if (!current.outdated && (last || !replaced)) current.answer(message.answer);
      }
    }
  }

  #advance() {
    this.#answered = true;
    this.#sendNext();
  }

  /** A new engine takes over where the last one left off. */
  #resume() {
    if (this.#network) this.#post({ kind: 'load', id: 0, bytes: this.#network });
    if (this.#loading) this.#post({ kind: 'load', id: this.#loading.id, bytes: this.#loading.bytes });
    if (this.#current && !this.#current.outdated) this.#next ??= this.#current;
    this.#current = null;
    this.#advance();
  }

  /** @param {string} reason why the engine ended */
  #replace(reason) {
    this.#send = null;
    this.#worker?.terminate();
    this.#worker = null;
    if (this.#local) this.#fail(reason);
    else if (++this.#endings >= PATIENCE) this.#startLocal();
    else this.#startWorker();
  }

  /** @param {string} reason */
  #fail(reason) {
    this.#current = null;
    this.#next = null;
    this.#onFatal(`The search cannot run in this browser: ${reason.replace(/\.$/, '')}. Your drawing is kept.`);
  }

  /** Waits for the next sign of life, if one is due. */
  #watch() {
    clearTimeout(this.#watchdog);
    const due = this.#send && !this.#local && (this.#loading || this.#current);
    if (due) this.#watchdog = setTimeout(() => this.#replace('it fell silent'), SILENCE);
  }
}
