// @ts-check
/**
 * The lean demo in the shadow root of one `<pockets-demo>`.
 *
 * @import { Hooks } from './demo.js'
 * @import { Drawing } from './drawing.js'
 * @import { Settings } from './link.js'
 * @import { Attacked, Palette } from './protocol.js'
 */
import { Client } from './client.js';
import { Demo } from './demo.js';
import { COLOURS, build } from './element-parts.js';
import { encode } from './drawing.js';
import { fetchNetwork, listNetworks, networksView } from './networks.js';
import { NOTHING, significant } from './numbers.js';
import { showPrediction } from './readouts.js';
import { loadSamples } from './samples.js';
import { missingSupport } from './support.js';

/**
 * @typedef {object} Result
 * @property {number | null} label what the network predicts of the drawing; null of a blank pad
 * @property {number | 'any'} target
 * @property {number | null} adversarial what it predicts of the changed drawing; null without success
 * @property {number | null} norm ‖r‖₂
 * @property {number | null} distortion its root mean square over the pixels
 * @property {boolean} success
 */

/** All demos of a page share one engine. @type {Client | null} */ let client = null;
let views = 0;

export class ElementView {
  #host;
  /** @type {Settings} */ #settings;
  /** What of the settings was not understood. @type {string[]} */ #wrong;
  /** What the visitor had drawn before. @type {Drawing | null} */ #drawing;
  #isTouched = false;
  #fatal = '';
  /** Why the network that was asked for is not there. */ #missing = '';
  #hasSamples = false;
  #parts = build();
  #demo;

  /**
   * @param {ShadowRoot} root
   * @param {{ settings: Settings, wrong: string[], drawing: Drawing | null }} given
   * @param {{ reflect: (name: string, value: string) => void, result: (detail: Result) => void }} host
   */
  constructor(root, given, host) {
    this.#host = host;
    this.#settings = given.settings;
    this.#wrong = given.wrong;
    this.#drawing = given.drawing;
    root.replaceChildren(this.#parts.demo);
    client ??= new Client();
    this.#demo = new Demo(client, `element ${++views}`, this.#parts, this.#hooks());
    // Whatever changes the colours, theme, style sheet or system, moves the probes.
    this.#parts.probes.addEventListener('transitionend', () => this.#demo.recolour());
    this.#dress();
    this.#demo.show(null);
    this.#start();
  }

  /** @returns {Hooks} */
  #hooks() {
    const { status, probes } = this.#parts;
    return {
      // Until the visitor has done something, outcomes are not announced.
      touched: () => {
        this.#isTouched = true;
        status.setAttribute('role', 'status');
      },
      chosen: (target) => {
        this.#settings = { ...this.#settings, target };
        this.#host.reflect('target', String(target));
      },
      shown: (answer) => this.#show(answer),
      ended: (answer) => this.#host.result(resultOf(answer)),
      say: (words) => {
        status.textContent = words;
      },
      refused: (why) => this.#lacksNetwork(new Error(why)),
      fatal: (why) => {
        this.#fatal = isForbidden(why)
          ? 'The search cannot run here: this page’s Content-Security-Policy forbids WebAssembly. Its script-src has to allow ‘wasm-unsafe-eval’.'
          : why;
        this.#dress();
      },
      palette: () => palette(probes),
    };
  }

  /** Shows and hides parts as the author wishes, and says what was not understood. */
  #dress() {
    const { demo, seen, network, select, notice } = this.#parts;
    const { hide, reading, target } = this.#settings;
    for (const part of demo.querySelectorAll('[data-part]')) {
      if (part instanceof HTMLElement) part.hidden = hide.has(part.dataset.part ?? '');
    }
    seen.hidden = !hide.has('pad');
    network.hidden = hide.has('network') || select.options.length < 2;
    this.#demo.reading = reading;
    if (this.#demo.target !== target) this.#demo.target = target;
    const notices = [...this.#wrong, this.#missing, this.#fatal].filter(Boolean);
    notice.textContent = notices.join(' ');
    notice.hidden = notices.length === 0;
  }

  async #start() {
    const unsupported = missingSupport();
    if (unsupported) return this.#demo.fail(unsupported);
    try {
      const [networks, samples] = await Promise.all([once('networks', listNetworks), once('samples', loadSamples)]);
      this.#demo.offer(samples);
      this.#hasSamples = true;
      networksView(this.#parts.select, networks, (name) => {
        this.#demo.touch();
        this.#host.reflect('network', name);
        this.#settings = { ...this.#settings, network: name };
        this.#chooseNetwork();
      });
      this.#showDrawing();
      await this.#chooseNetwork();
    } catch (error) {
      this.#demo.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** The drawing that the author chose. */
  #showDrawing() {
    const { digit, sample } = this.#settings;
    const kept = this.#drawing;
    this.#drawing = null;
    this.#demo.stopArrival();
    if (kept) this.#demo.pad.show(kept);
    else if (digit) this.#demo.pad.show(digit);
    else this.#demo.arrive(sample);
  }

  async #chooseNetwork() {
    const { network } = this.#settings;
    try {
      if (!(await this.#demo.choose(network, () => once(`network ${network}`, () => fetchByNameOrAddress(network))))) return;
      this.#missing = '';
      this.#parts.select.value = network;
      this.#dress();
      this.#demo.ask();
    } catch (error) {
      this.#lacksNetwork(error);
    }
  }

  /** @param {unknown} error */
  #lacksNetwork(error) {
    const { network } = this.#settings;
    const why = error instanceof Error ? error.message : String(error);
    this.#missing = error instanceof Unavailable ? why : `The network ${network} could not be used: ${why.replace(/\.$/, '')}.`;
    this.#parts.select.value = network; // none, if it is not in the list
    this.#demo.forgetNetwork();
    this.#dress();
  }

  /** @param {Attacked | null} answer */
  #show(answer) {
    const { prediction, adversarial, norm, distortion } = this.#parts;
    const found = answer?.state === 'found' ? answer.outcome : null;
    showPrediction(prediction, answer?.digit ?? null);
    showPrediction(adversarial, answer?.adversarial ?? null);
    norm.textContent = found ? found.norm.toPrecision(3) : NOTHING;
    distortion.textContent = significant(answer?.distortion ?? NaN);
  }

  /** The author has changed something. @param {{ settings: Settings, wrong: string[] }} next */
  update(next) {
    const before = this.#settings;
    this.#settings = next.settings;
    this.#wrong = next.wrong;
    this.#dress();
    if (before.network !== next.settings.network) this.#chooseNetwork();
    if (drawingKey(before) !== drawingKey(next.settings) && this.#hasSamples) this.#showDrawing();
    else this.#demo.ask();
  }

  focus() {
    this.#parts.pad.focus();
  }

  /** @returns {Drawing | null} what the visitor has drawn */
  leave() {
    this.#demo.leave();
    return this.#isTouched ? this.#demo.pad.drawing : null;
  }
}

/** Differs where another drawing is to be shown. @param {Settings} settings */
const drawingKey = ({ sample, digit }) => `${sample} ${digit && encode(digit)}`;

/** A network that is not to be had, in a whole sentence. */
class Unavailable extends Error {}

/** @param {string} name */
async function fetchByNameOrAddress(name) {
  const networks = await once('networks', listNetworks);
  const entry = networks.find((each) => each.name === name);
  if (entry) return fetchNetwork(entry).catch((error) => Promise.reject(new Unavailable(error.message)));
  if (!/[/.]/.test(name)) {
    throw new Unavailable(`There is no network called ${name} here; there is ${networks.map((each) => each.name).join(', ')}.`);
  }
  const refused = (/** @type {unknown} */ why) => new Unavailable(`The network ${name} could not be loaded (${why}).`);
  const response = await fetch(new URL(name, document.baseURI)).catch((error) => {
    throw refused(error instanceof Error ? error.message : error);
  });
  if (!response.ok) throw refused(response.status);
  return new Uint8Array(await response.arrayBuffer());
}

/** What the demos of a page have in common, loaded once. @type {Map<string, Promise<any>>} */
const loaded = new Map();

/**
 * @template T
 * @param {string} key
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
function once(key, load) {
  const before = loaded.get(key);
  if (before) return before;
  const promise = load();
  loaded.set(key, promise);
  promise.catch(() => loaded.delete(key)); // the next may try again
  return promise;
}

/** Whether that is what browsers say when a Content-Security-Policy forbids WebAssembly. @param {string} why */
const isForbidden = (why) => /Content.Security.Policy|unsafe-eval|blocked by CSP|CompileError.*(disallowed|refused)/i.test(why);

/** The colours as the style sheets set them now; none if the browser does not tell. @param {HTMLElement} probes @returns {Palette | null} */
function palette(probes) {
  const triples = COLOURS.map((_, k) => {
    // color-mix makes every colour a color(srgb r g b), whatever it was written as.
    const numbers =
      getComputedStyle(probes.children[k])
        .color.replace(/^color\(srgb/, '')
        .match(/-?[\d.]+(e-?\d+)?/g) ?? [];
    return numbers.slice(0, 3).map((n) => Math.round(255 * Math.min(Math.max(Number(n), 0), 1)));
  });
  if (triples.some(({ length }) => length < 3)) return null;
  return { ink: Uint8Array.from(triples.slice(0, 2).flat()), change: Uint8Array.from(triples.slice(2).flat()), labels: new Uint8Array() };
}

/** @param {Attacked} answer @returns {Result} */
const resultOf = ({ digit, target, outcome, distortion, adversarial, state }) => ({
  label: digit?.label ?? null,
  target,
  adversarial: adversarial?.label ?? null,
  norm: state === 'found' ? (outcome?.norm ?? null) : null,
  distortion,
  success: state === 'found',
});
