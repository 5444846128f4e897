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
   */
  ask(topic, request, told, failed = () => {}) {
    this.#next.set(topic, { id: ++this.#id, topic, request, told, failed, heard: false });
    const before = this.#asked.get(topic);
    if (!before || before.heard) this.#sendNext(topic);
  }

  /** Nothing more is wanted of a topic. @param {keyof Topics} topic */
  forget(topic) {
    this.#next.delete(topic);
    const asked = this.#asked.get(topic);
    if (asked) asked.told = asked.failed = () => {};
  }

  /** @param {string} topic */
  #sendNext(topic) {
    const next = this.#next.get(topic);
    if (!next || !this.#send) return;
    this.#next.delete(topic);
    this.#asked.set(topic, next);
    this.#send({ kind: 'ask', id: next.id, topic: next.topic, request: next.request });
  }

  /** @param {FromExplorer} message @param {(message: ToExplorer) => void} send how to reach the one who says so */
  #receive(message, send) {
    if (message.kind === 'ready') {
      this.#send = send;
      for (const [key, bytes] of this.#networks) send({ kind: 'load', key, bytes });
      for (const [topic, question] of this.#asked) if (!this.#next.has(topic)) this.#next.set(topic, question);
      this.#asked.clear();
      for (const topic of [...this.#next.keys()]) this.#sendNext(topic);
      return;
    }
    const question = [...this.#asked.values()].find(({ id }) => id === message.id);
    if (!question) return;
    question.heard = true;
    const held = this.#next.has(question.topic);
    if (message.kind === 'failed' || message.last) this.#asked.delete(question.topic);
    this.#sendNext(question.topic);
    if (message.kind === 'failed') question.failed(message.message);
    else if (message.last || !held) question.told(message.answer);
  }
}
