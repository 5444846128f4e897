// @ts-check
/**
 * The page's side of the explorer: questions of the sections in, answers out. While a question waits for the first
 * part of its answer, a newer one of the same topic is held back, so that the explorer is never flooded and a moving
 * pen or slider never starves. Where no worker can run, the page's own thread does the work.
 *
 * @import { FromExplorer, ToExplorer, Topics } from './messages.js'
 */

/**
 * @typedef {object} Question
 * @property {number} id
 * @property {keyof Topics} topic
 * @property {string} channel the topic, or who asks where two places ask of the same one
 * @property {any} request
 * @property {(answer: any) => void} told
 * @property {(sentence: string) => void} failed
 * @property {boolean} heard a part of the answer has come
 */

export class Explorer {
  /** @type {((message: ToExplorer) => void) | null} */ #send = null;
  /** @type {Worker | null} */ #worker = null;
  #local = false;
  #id = 0;
  /** @type {Map<string, Uint8Array>} */ #networks = new Map();
  /** @type {Map<string, Question>} asked and not answered for good */ #asked = new Map();
  /** @type {Map<string, Question>} held back */ #next = new Map();

  constructor() {
    this.#start();
  }

  #start() {
    try {
      const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module', name: 'explorer' });
      this.#worker = worker;
      worker.onmessage = (event) => this.#receive(event.data, (message) => worker.postMessage(message));
      worker.onerror = (event) => {
        event.preventDefault();
        this.#startLocal();
      };
    } catch {
      this.#startLocal();
    }
  }

  async #startLocal() {
    if (this.#local) return;
    this.#local = true;
    this.#worker?.terminate();
    this.#send = null;
    const { startLocally } = await import('./local.js');
    const handle = await startLocally((message) => this.#receive(message, () => {}));
    this.#receive({ kind: 'ready' }, (message) => void handle(message));
  }

  /** @param {string} key @param {Uint8Array} bytes a network that was loaded by the engine */
  network(key, bytes) {
    if (this.#networks.get(key) === bytes) return;
    this.#networks.set(key, bytes);
    this.#send?.({ kind: 'load', key, bytes });
  }

  /**
   * @template {keyof Topics} T
   * @param {T} topic
   * @param {Topics[T][0]} request
   * @param {(answer: Topics[T][1]) => void} told called with a first part too, where the topic has one
   * @param {(sentence: string) => void} [failed]
   * @param {string} [channel] of each only the newest question counts
   */
  ask(topic, request, told, failed = () => {}, channel = topic) {
    this.#next.set(channel, { id: ++this.#id, topic, channel, request, told, failed, heard: false });
    const before = this.#asked.get(channel);
    if (!before || before.heard) this.#sendNext(channel);
  }

  /** Nothing more is wanted of a channel. @param {string} channel */
  forget(channel) {
    this.#next.delete(channel);
    const asked = this.#asked.get(channel);
    if (asked) asked.told = asked.failed = () => {};
  }

  /** @param {string} channel */
  #sendNext(channel) {
    const next = this.#next.get(channel);
    if (!next || !this.#send) return;
    this.#next.delete(channel);
    this.#asked.set(channel, next);
    this.#send({ kind: 'ask', id: next.id, topic: next.topic, channel, request: next.request });
  }

  /** @param {FromExplorer} message @param {(message: ToExplorer) => void} send how to reach the one who says so */
  #receive(message, send) {
    if (message.kind === 'ready') {
      this.#send = send;
      for (const [key, bytes] of this.#networks) send({ kind: 'load', key, bytes });
      for (const [channel, question] of this.#asked) if (!this.#next.has(channel)) this.#next.set(channel, question);
      this.#asked.clear();
      for (const channel of [...this.#next.keys()]) this.#sendNext(channel);
      return;
    }
    const question = [...this.#asked.values()].find(({ id }) => id === message.id);
    if (!question) return;
    question.heard = true;
    const held = this.#next.has(question.channel);
    if (message.kind === 'broken') {
      // Whatever broke it is not asked again; the others' questions go to its successor.
      this.#asked.delete(question.channel);
      question.failed(message.message);
      this.#send = null;
      this.#worker?.terminate();
      if (!this.#local) this.#start();
      return;
    }
    if (message.kind === 'failed' || message.last) this.#asked.delete(question.channel);
    this.#sendNext(question.channel);
    if (message.kind === 'failed') question.failed(message.message);
    else if (message.last || !held) question.told(message.answer);
  }
}
