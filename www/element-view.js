// @ts-check
/**
 * The lean demo in the shadow root of one `<pockets-demo>`.
 *
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
 *
 * @typedef {object} View
 * @property {(given: { settings: Settings, wrong: string[] }) => void} update
 * @property {() => void} focus
 * @property {() => void} leave
 */

/** All demos of a page share one engine. @type {Client | null} */ let client = null;
let views = 0;

/**
 * @param {ShadowRoot} root
 * @param {{ settings: Settings, wrong: string[] }} given
 * @param {{ reflect: (name: string, value: string) => void, result: (detail: Result) => void }} host
 * @returns {View}
 */
export function createView(root, given, host) {
  let { settings, wrong } = given;
  let fatal = '';
  /** Why the network that was asked for is not there. */
  let missing = '';
  let hasSamples = false;

  const parts = build();
  root.replaceChildren(parts.demo);
  client ??= new Client();
  const demo = new Demo(client, `element ${++views}`, parts, {
    // Until the visitor has done something, outcomes are not announced.
    touched: () => parts.status.setAttribute('role', 'status'),
    chosen: (target) => {
      settings = { ...settings, target };
      host.reflect('target', String(target));
    },
    shown: show,
    ended: (answer) => host.result(resultOf(answer)),
    say: (words) => {
      parts.status.textContent = words;
    },
    refused: (why) => lacksNetwork(new Error(why)),
    fatal: (why) => {
      fatal = isForbidden(why)
        ? 'The search cannot run here: this page’s Content-Security-Policy forbids WebAssembly. Its script-src has to allow ‘wasm-unsafe-eval’.'
        : why;
      dress();
    },
    palette: () => palette(parts.probes),
  });
  // Whatever changes the colours, theme, style sheet or system, moves the probes.
  parts.probes.addEventListener('transitionend', () => demo.recolour());
  dress();
  demo.show(null);
  start();

  /** Shows and hides parts as the author wishes, and says what was not understood. */
  function dress() {
    for (const part of parts.demo.querySelectorAll('[data-part]')) {
      if (part instanceof HTMLElement) part.hidden = settings.hide.has(part.dataset.part ?? '');
    }
    parts.seen.hidden = !settings.hide.has('pad');
    parts.network.hidden = settings.hide.has('network') || parts.select.options.length < 2;
    demo.reading = settings.reading;
    if (demo.target !== settings.target) demo.target = settings.target;
    const notices = [...wrong, missing, fatal].filter(Boolean);
    parts.notice.textContent = notices.join(' ');
    parts.notice.hidden = notices.length === 0;
  }

  async function start() {
    const unsupported = missingSupport();
    if (unsupported) return demo.fail(unsupported);
    try {
      const [networks, samples] = await Promise.all([once('networks', listNetworks), once('samples', loadSamples)]);
      demo.offer(samples);
      hasSamples = true;
      networksView(parts.select, networks, (name) => {
        demo.touch();
        host.reflect('network', name);
        settings = { ...settings, network: name };
        chooseNetwork();
      });
      showDrawing();
      await chooseNetwork();
    } catch (error) {
      demo.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** The drawing that the author chose. */
  function showDrawing() {
    demo.stopArrival();
    if (settings.digit) demo.pad.show(settings.digit);
    else demo.arrive(settings.sample);
  }

  async function chooseNetwork() {
    const { network } = settings;
    try {
      if (!(await demo.choose(network, () => once(`network ${network}`, () => fetchByNameOrAddress(network))))) return;
      missing = '';
      parts.select.value = network;
      dress();
      demo.ask();
    } catch (error) {
      lacksNetwork(error);
    }
  }

  /** @param {unknown} error */
  function lacksNetwork(error) {
    const { network } = settings;
    const why = error instanceof Error ? error.message : String(error);
    missing = error instanceof Unavailable ? why : `The network ${network} could not be used: ${why.replace(/\.$/, '')}.`;
    parts.select.value = network; // none, if it is not in the list
    demo.forgetNetwork();
    dress();
  }

  /** @param {Attacked | null} answer */
  function show(answer) {
    const found = answer?.state === 'found' ? answer.outcome : null;
    showPrediction(parts.prediction, answer?.digit ?? null);
    showPrediction(parts.adversarial, answer?.adversarial ?? null);
    parts.norm.textContent = found ? found.norm.toPrecision(3) : NOTHING;
    parts.distortion.textContent = significant(answer?.distortion ?? NaN);
  }

  return {
    update(next) {
      const before = settings;
      ({ settings, wrong } = next);
      dress();
      const drawingKey = (/** @type {Settings} */ s) => `${s.sample} ${s.digit && encode(s.digit)}`;
      if (before.network !== settings.network) chooseNetwork();
      if (drawingKey(before) !== drawingKey(settings) && hasSamples) showDrawing();
      else demo.ask();
    },
    focus: () => parts.pad.focus(),
    leave: () => demo.leave(),
  };
}

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

/** The colours as the style sheets set them now. @param {HTMLElement} probes @returns {Palette} */
function palette(probes) {
  const triples = COLOURS.map((_, k) => {
    // color-mix makes every colour a color(srgb r g b), whatever it was written as.
    const numbers =
      getComputedStyle(probes.children[k])
        .color.replace(/^color\(srgb/, '')
        .match(/-?[\d.]+(e-?\d+)?/g) ?? [];
    return numbers.slice(0, 3).map((n) => Math.round(255 * Math.min(Math.max(Number(n), 0), 1)));
  });
  return { ink: Uint8Array.from(triples.slice(0, 2).flat()), signed: Uint8Array.from(triples.slice(2).flat()), labels: new Uint8Array() };
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
