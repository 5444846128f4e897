// @ts-check
/**
 * The engine: requests in, answers out, over the wasm module. It knows nothing of where it runs: a Worker
 * gives it messages, and so does the page itself where no Worker can start.
 *
 * @import * as Pockets from '../pockets.js'
 * @import { Answer, AttackRequest, FromEngine, NetworkFacts, ToEngine } from './messages.js'
 */

/** A search that goes on for longer gives a sign of life this often, in milliseconds. */
const HEARTBEAT = 500;

/**
 * @typedef {object} Surroundings
 * @property {typeof Pockets} wasm the module's exports, initialised
 * @property {() => Promise<void>} pause lets waiting messages and events through
 * @property {number} slice milliseconds to work between pauses
 */

export class Engine {
  #wasm;
  #pause;
  #slice;
  /** @type {Pockets.Network | null} */ #network = null;
  /** @type {Pockets.Session | null} */ #session = null;
  #sessionKey = '';
  #newest = 0;

  /** @param {Surroundings} surroundings */
  constructor({ wasm, pause, slice }) {
    this.#wasm = wasm;
    this.#pause = pause;
    this.#slice = slice;
  }

  /**
   * Takes a network; a file that is none is refused, and the one before stays.
   * @param {Uint8Array} bytes
   * @returns {NetworkFacts}
   */
  load(bytes) {
    const network = new this.#wasm.Network(bytes);
    this.#newest++;
    this.#session?.free();
    this.#session = null;
    this.#network?.free();
    this.#network = network;
    return { name: network.name, widths: [...network.widths] };
  }

  /**
   * Reads a drawing and searches; a newer request ends an older one without a word.
   * @param {AttackRequest} request
   * @param {(answer: Answer) => void} answer called with `searching` if it takes longer than one slice, then
   *   with the result
   * @param {() => void} alive called now and then while it goes on
   */
  async attack({ strokes, target, reading, confidence, palette }, answer, alive) {
    const turn = ++this.#newest;
    const session = this.#sessionFor(reading, confidence);
    /** @type {Answer} */
    const blank = { state: 'blank', target, digit: null, outcome: null, milliseconds: 0, perturbation: null, adversarial: null };
    if (!session.draw(strokes.points, strokes.starts)) return answer(blank);
    if (session.prediction === target) return answer({ ...blank, state: 'already', digit: this.#seen(session, palette) });

    session.start(target === 'any' ? undefined : target);
    let milliseconds = 0;
    let heard = performance.now();
    for (let told = false; ; told = true) {
      const begun = performance.now();
      let spent = 0;
      let going = true;
      while (going && spent < this.#slice) {
        going = session.step(1);
        spent = performance.now() - begun;
      }
      milliseconds += spent;
      if (!going) break;
      if (!told) answer({ ...blank, state: 'searching', digit: this.#seen(session, palette) });
      if (performance.now() - heard > HEARTBEAT) {
        heard = performance.now();
        alive();
      }
      await this.#pause();
      if (turn !== this.#newest) return;
    }
    answer({ ...blank, digit: this.#seen(session, palette), milliseconds, ...this.#result(session, target, palette) });
  }

  /**
   * x and f(x); anew for each answer, because its arrays are handed over with it.
   * @param {Pockets.Session} session
   * @param {AttackRequest['palette']} palette
   * @returns {Answer['digit']}
   */
  #seen(session, palette) {
    const { pixels: values, prediction: label, probabilities } = session;
    if (!values || label === undefined || !probabilities) return null;
    return { values, rgba: this.#wasm.paintInk(values, palette.ink), label, probabilities };
  }

  /**
   * The search's result, its success checked again by a plain forward pass.
   * @param {Pockets.Session} session
   * @param {AttackRequest['target']} target
   * @param {AttackRequest['palette']} palette
   * @returns {Pick<Answer, 'state' | 'outcome'> & Partial<Answer>}
   */
  #result(session, target, palette) {
    const outcome = session.outcome;
    if (outcome?.ending !== 'success') return { state: 'failed', outcome: outcome ?? null };
    const sum = session.adversarial;
    const label = session.labelOf(sum);
    const fooled = target === 'any' ? label !== session.prediction : label === target;
    if (!fooled) return { state: 'failed', outcome };
    const r = session.perturbation;
    const limit = this.#wasm.signedLimit(r);
    return {
      state: 'found',
      outcome,
      perturbation: { values: r, rgba: this.#wasm.paintSigned(r, limit, palette.signed), limit },
      adversarial: {
        values: sum,
        rgba: this.#wasm.paintInk(sum, palette.ink),
        label,
        probabilities: session.probabilitiesOf(sum),
      },
    };
  }

  /**
   * @param {string} reading
   * @param {number} confidence
   */
  #sessionFor(reading, confidence) {
    if (!this.#network) throw new Error('No network has been loaded.');
    const key = `${reading} ${confidence}`;
    if (!this.#session || this.#sessionKey !== key) {
      this.#session?.free();
      this.#session = new this.#wasm.Session(this.#network, reading, confidence);
      this.#sessionKey = key;
    }
    return this.#session;
  }
}

/**
 * Serves requests: each message for the engine leads to messages for the page.
 * @param {Engine} engine
 * @param {(message: FromEngine) => void} post
 * @returns {(message: ToEngine) => Promise<void>}
 */
export function serve(engine, post) {
  return async (message) => {
    const { id } = message;
    try {
      if (message.kind === 'load') post({ kind: 'loaded', id, network: engine.load(message.bytes) });
      else {
        const answer = (/** @type {Answer} */ answer) => post({ kind: 'answer', id, answer });
        await engine.attack(message, answer, () => post({ kind: 'alive' }));
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // A trap leaves the module's memory in an unknown state.
      if (error instanceof WebAssembly.RuntimeError) post({ kind: 'broken', message: text });
      else post({ kind: 'failed', id, message: text });
    }
  };
}
