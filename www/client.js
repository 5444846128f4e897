// @ts-check
/**
 * The page's side of the engine, for whoever asks: the demo, the sections, the element, the package. It keeps a Worker going: starts
 * it, replaces it when it dies or falls silent and tells its successor all that it knew, and where no Worker can run lets the
 * same engine work on the page's own thread. What is said is defined in src/studio.rs.
 *
 * @import { Answer, Facts, Message, Palette, Picture, Pixels, Question, Reply, Request, Response } from './protocol.js'
 * @import { Shown } from './pictures.js'
 */

/** A Worker with work that says nothing for so long, in milliseconds, is dead: it should answer every few of them. */
const SILENCE = 2000;
/** Workers in a row that ended without an answer, before something else is tried. */
const PATIENCE = 3;
/** Milliseconds that the engine works between two looks at what has arrived: in a Worker, and on the page's thread. */
const SLICE = 8;
const LOCAL_SLICE = 4;

/**
 * @template T
 * @typedef {T extends any ? keyof T : never} Names the names of an enum's variants
 */
/** @typedef {Exclude<Names<Question>, never>} Topic */
/**
 * @template {Topic} T
 * @typedef {Extract<Question, Record<T, any>>[T]} Asked what is asked of a topic
 */
/**
 * @template {Topic} T
 * @typedef {Extract<Answer, Record<T, any>> extends Record<T, infer A> ? A : void} Told what it is answered by
 */

/**
 * @typedef {object} How
 * @property {(sentence: string) => void} [failed]
 * @property {boolean} [follows] the question before may still get its first answer, so that what moves all the time does not starve
 * @property {Palette | null} [palette] the colours of the pictures in the answers; without any they come without pixels
 *
 * @typedef {object} Pending
 * @property {string} channel
 * @property {(id: number, follows: boolean) => Message} message
 * @property {(answer: any, last: boolean, pictures: (Shown | null)[]) => void} told
 * @property {(sentence: string) => void} failed
 * @property {boolean} isOutdated nothing of it is wanted any more
 *
 * @typedef {{ key: string, bytes: Uint8Array, done: (facts: Facts) => void, refuse: (error: Error) => void }} Loading
 */

/**
 * @typedef {object} Build a build of the engine
 * @property {URL} module its WebAssembly module
 * @property {URL} script of its Worker
 * @property {() => Worker} start starts that; throws where the browser refuses
 * @property {() => Promise<import('./serve.js').Glue>} load the same for the page's own thread
 */

/** What a demo of plain perceptrons needs, and no more. @type {Build} */
const DEMO = {
  module: new URL('../pockets_bg.wasm', import.meta.url),
  script: new URL('worker.js', import.meta.url),
  start: () => new Worker(new URL('worker.js', import.meta.url), { type: 'module', name: 'pockets' }), // in this form for bundlers
  load: () => import('../pockets.js'),
};

/** Knows every network, and what the sections ask. @type {Build} */
export const SECTIONS = {
  module: new URL('../sections_bg.wasm', import.meta.url),
  script: new URL('explore/worker.js', import.meta.url),
  start: () => new Worker(new URL('explore/worker.js', import.meta.url), { type: 'module', name: 'sections' }),
  load: () => import('../sections.js'),
};

/** The compiled modules, for all engines of the page. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** Compiles a module, once for the whole page. @param {URL} address */
export function compile({ href }) {
  const module = compiled.get(href) ?? compileAnew(href);
  compiled.set(href, module);
  module.catch(() => compiled.delete(href));
  return module;
}

/** @param {string} address */
async function compileAnew(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`its WebAssembly module could not be loaded (${response.status})`);
  const isTyped = response.headers.get('Content-Type')?.startsWith('application/wasm');
  return isTyped ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** Throws where the browser refuses one. @param {Build} build */
function newWorker({ start, script }) {
  try {
    return start();
  } catch {
    // A page of another origin may not start our file as its Worker, but a Worker of its own may import it.
    const text = `import ${JSON.stringify(script.href)};`;
    const address = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    const worker = new Worker(address, { type: 'module' });
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    return worker;
  }
}

/** A frame without an origin may start no Worker of ours: to try fills its console. */
const isSandboxed = () => self.origin === 'null' && /^https?:$/.test(location.protocol);

/** @param {unknown} error */
const reasonOf = (error) => (error instanceof Error ? error.message : String(error));

export class Client {
  #build;
  /** @type {Worker | null} */ #worker = null;
  /** The way to the engine of the moment. @type {MessagePort | null} */ #port = null;
  #isReady = false;
  /** Whether a Worker has been ready since others ended in a row. */
  #works = false;
  #isLocal = isSandboxed();
  #endings = 0;
  #id = 0;
  #fatal = '';
  /** @type {() => void} */ #tellReady = () => {};
  /** @type {(error: Error) => void} */ #tellFatal = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;
  /** @type {Set<(sentence: string) => void>} */ #onFatal = new Set();
  /** Without a last response yet, in order. @type {Map<number, Pending>} */ #pending = new Map();
  /** @type {Map<number, Loading>} */ #loading = new Map();
  /** What a successor is told first. @type {Map<string, Uint8Array>} */ #networks = new Map();
  /** @type {Uint8Array | null} */ #digits = null;

  /** @param {Build} [build] */
  constructor(build = DEMO) {
    this.#build = build;
    /** Resolves once there is an engine; rejects with a sentence if none can run here. @type {Promise<void>} */
    this.ready = new Promise((done, refuse) => {
      this.#tellReady = done;
      this.#tellFatal = refuse;
    });
    this.ready.catch(() => {}); // whoever wants to know asks
    this.#start();
  }

  /** Whether the engine works on the page's own thread. */
  get isLocal() {
    return this.#isLocal;
  }

  /**
   * Listens for the sentence that nothing can run here.
   * @param {(sentence: string) => void} listener
   * @returns {() => void} ends that
   */
  onFatal(listener) {
    this.#onFatal.add(listener);
    if (this.#fatal) queueMicrotask(() => listener(this.#fatal));
    return () => void this.#onFatal.delete(listener);
  }

  /**
   * Takes a network under a key. Rejects with a sentence if the bytes are none; one that had the key before stays in use.
   * @param {string} key
   * @param {Uint8Array} bytes
   * @returns {Promise<Facts>}
   */
  load(key, bytes) {
    if (this.#fatal) return Promise.reject(new Error(this.#fatal));
    return new Promise((done, refuse) => {
      this.#loading.set(++this.#id, { key, bytes, done, refuse });
      this.#say({ load: { id: this.#id, key, bytes } });
    });
  }

  /** A network whose bytes are known to be one. @param {string} key @param {Uint8Array} bytes */
  network(key, bytes) {
    if (this.#networks.get(key) === bytes) return;
    this.#networks.set(key, bytes);
    this.#say({ load: { id: ++this.#id, key, bytes } });
  }

  /** The digits that units are ranked by. @param {Uint8Array} bytes */
  digits(bytes) {
    this.#digits = bytes;
    this.#say({ digits: { bytes } });
  }

  /**
   * Asks a question. Of each channel only the newest counts, and answers to older ones are not told.
   * @template {Topic} T
   * @param {string} channel
   * @param {T} topic
   * @param {Asked<T>} asked
   * @param {(answer: Told<T>, last: boolean, pictures: (Shown | null)[]) => void} told called with first parts too, where the topic
   *   has some
   * @param {How} [how]
   */
  ask(channel, topic, asked, told, { failed = () => {}, follows = true, palette = null } = {}) {
    if (this.#fatal) return;
    if (!follows) this.#outdate(channel);
    const question = /** @type {Question} */ (/** @type {unknown} */ ({ [topic]: asked }));
    /** @type {Pending['message']} */
    const message = (id, follows) => ({ engine: { request: { ask: { id, channel, follows, question } }, palette } });
    this.#pending.set(++this.#id, { channel, message, told, failed, isOutdated: false });
    this.#post(message(this.#id, follows));
  }

  /**
   * Paints pictures once more, in other colours; the newest of a channel counts.
   * @param {string} channel
   * @param {Palette} palette
   * @param {Picture[]} pictures
   * @param {(pixels: (Pixels | null)[]) => void} told
   */
  paint(channel, palette, pictures, told) {
    if (this.#fatal) return;
    this.#outdate(channel);
    /** @type {Pending['message']} */ const message = (id) => ({ paint: { id, palette, pictures } });
    this.#pending.set(++this.#id, { channel, message, told, failed: () => {}, isOutdated: false });
    this.#post(message(this.#id, false));
  }

  /** Nothing more is wanted of a channel. @param {string} channel */
  cancel(channel) {
    this.#outdate(channel);
    this.#say({ cancel: { channel } });
  }

  /** Ends the engine; whatever is under way fails. @param {string} sentence */
  close(sentence) {
    if (!this.#fatal) this.#fail(sentence);
  }

  /** @param {string} channel */
  #outdate(channel) {
    for (const pending of this.#pending.values()) if (pending.channel === channel) pending.isOutdated = true;
  }

  /** @param {Request} request to the engine that is no question */
  #say(request) {
    this.#post({ engine: { request, palette: null } });
  }

  /** @param {Message} message is not sent before the engine is ready: then it is told everything */
  #post(message) {
    if (!this.#isReady) return;
    this.#port?.postMessage(message);
    this.#watch();
  }

  #start() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const isCurrent = () => this.#port === port1;
    port1.onmessage = ({ data }) => isCurrent() && this.#receive(data);
    const module = compile(this.#build.module);
    module.catch((error) => isCurrent() && this.#cannotRun(reasonOf(error)));
    if (!this.#isLocal) this.#startWorker(module, port2, isCurrent);
    if (this.#isLocal) this.#startLocal(module, port2);
  }

  /** @param {Promise<WebAssembly.Module>} module @param {MessagePort} port @param {() => boolean} isCurrent */
  #startWorker(module, port, isCurrent) {
    /** @type {Worker} */ let worker;
    try {
      worker = this.#worker = newWorker(this.#build);
    } catch {
      this.#isLocal = true;
      return;
    }
    const ended = (/** @type {string} */ reason) => isCurrent() && this.#replace(reason);
    worker.onerror = (event) => {
      event.preventDefault();
      ended(event.message || 'it could not be started');
    };
    worker.onmessageerror = () => ended('a message was lost');
    worker.onmessage = ({ data }) => {
      if (data !== 'listening') return ended(data);
      module.then((module) => worker.postMessage({ module, port, slice: SLICE }, [port])).catch(() => {});
    };
  }

  /** @param {Promise<WebAssembly.Module>} module @param {MessagePort} port */
  async #startLocal(module, port) {
    try {
      const engine = await this.#build.load();
      await engine.default({ module_or_path: await module });
      engine.serve(port, LOCAL_SLICE);
    } catch (error) {
      this.#cannotRun(reasonOf(error));
    }
  }

  /** @param {Reply} reply */
  #receive(reply) {
    if ('painted' in reply) {
      const { id, pixels } = reply.painted;
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (pending && !pending.isOutdated) pending.told(pixels, true, []);
    } else {
      const { response, pixels } = reply.engine;
      if (response === 'ready') this.#resume();
      else if (response !== 'alive') this.#handle(response, pixels);
    }
    this.#watch();
  }

  /** @param {Exclude<Response, string>} response @param {(Pixels | null)[]} pixels */
  #handle(response, pixels) {
    if ('answer' in response) {
      const { id, last, answer, pictures } = response.answer;
      const pending = this.#pending.get(id);
      this.#endings = 0;
      if (last) this.#pending.delete(id);
      if (!pending || pending.isOutdated) return;
      const shown = pictures.map((picture, k) => picture && { picture, pixels: pixels[k] ?? null });
      pending.told(typeof answer === 'string' ? undefined : Object.values(answer)[0], last, shown);
    } else if ('superseded' in response) {
      this.#pending.delete(response.superseded.id);
    } else if ('loaded' in response) {
      const { id, network } = response.loaded;
      const loading = this.#loading.get(id);
      this.#endings = 0;
      this.#loading.delete(id);
      if (loading) this.#networks.set(loading.key, loading.bytes);
      loading?.done(network);
    } else if ('outgrown' in response) {
      this.#grow(response.outgrown.id);
    } else {
      const { id, message } = response.failed;
      const pending = this.#pending.get(id);
      this.#loading.get(id)?.refuse(new Error(message));
      this.#loading.delete(id);
      this.#pending.delete(id);
      if (pending && !pending.isOutdated) pending.failed(message);
    }
  }

  /** A new engine takes over where the last one left off: of each channel, the newest question is asked again. */
  #resume() {
    this.#isReady = this.#works = true;
    this.#tellReady();
    if (this.#digits) this.#say({ digits: { bytes: this.#digits } });
    for (const [key, bytes] of this.#networks) this.#say({ load: { id: ++this.#id, key, bytes } });
    for (const [id, { key, bytes }] of this.#loading) this.#say({ load: { id, key, bytes } });
    const newest = new Map([...this.#pending].map(([id, { channel }]) => [channel, id]));
    for (const [id, { channel, message, isOutdated }] of [...this.#pending]) {
      if (newest.get(channel) === id && !isOutdated) this.#post(message(id, false));
      else this.#pending.delete(id);
    }
  }

  /** The larger build takes over as soon as it is here, and is told of the network that the smaller one could not take. @param {number} id */
  async #grow(id) {
    const loading = this.#loading.get(id);
    this.#loading.delete(id); // its silence is ours
    const failure = await compile(SECTIONS.module).then(() => '', reasonOf);
    const why = this.#fatal || (failure && `The part of this page that such files need could not be loaded (${failure}).`);
    if (why) return loading?.refuse(new Error(why));
    if (loading) this.#loading.set(id, loading);
    if (this.#build === SECTIONS) return loading && this.#say({ load: { id, key: loading.key, bytes: loading.bytes } });
    this.#build = SECTIONS;
    this.#stop();
    this.#start();
  }

  #stop() {
    this.#isReady = false;
    this.#worker?.terminate();
    this.#worker = null;
  }

  /** @param {string} reason why the engine ended */
  #replace(reason) {
    this.#stop();
    if (this.#isLocal) return this.#cannotRun(reason);
    if (++this.#endings >= PATIENCE) {
      this.#endings = 0;
      // None can start here, or not any more; or something that is asked ends each of them.
      if (!this.#works) this.#isLocal = true;
      else this.#failAll(`The search ended unexpectedly: ${reason.replace(/\.$/, '')}.`);
      this.#works = false;
    }
    this.#start();
  }

  /** @param {string} sentence */
  #failAll(sentence) {
    const [pending, loading] = [[...this.#pending.values()], [...this.#loading.values()]];
    this.#pending.clear();
    this.#loading.clear();
    for (const { failed, isOutdated } of pending) if (!isOutdated) failed(sentence);
    for (const { refuse } of loading) refuse(new Error(sentence));
  }

  /** @param {string} reason */
  #cannotRun(reason) {
    this.#fail(`The search cannot run in this browser: ${reason.replace(/\.$/, '')}. Your drawing is kept.`);
  }

  /** @param {string} sentence */
  #fail(sentence) {
    if (this.#fatal) return;
    this.#fatal = sentence;
    this.#port = null;
    this.#stop();
    this.#failAll(sentence);
    this.#tellFatal(new Error(sentence));
    for (const listener of this.#onFatal) listener(sentence);
  }

  /** Waits for the next sign of life, if one is due. */
  #watch() {
    clearTimeout(this.#watchdog);
    const isDue = this.#isReady && !this.#isLocal && (this.#pending.size > 0 || this.#loading.size > 0);
    if (isDue) this.#watchdog = setTimeout(() => this.#replace('it fell silent'), SILENCE);
  }
}
