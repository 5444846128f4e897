// @ts-check
/**
 * The lean demo: pad, target, perturbation, adversarial digit, x + r = x′. It fills the shadow root of one
 * `<pockets-demo>`.
 *
 * @import { Settings } from './element-attributes.js'
 * @import { Answer, Label, Palette } from './messages.js'
 * @import { Drawing } from './drawing.js'
 */
import { drawSlowly } from './arrival.js';
import { create } from './dom.js';
import { encode, flatten, isBlank } from './drawing.js';
import { SIDE } from './messages.js';
import { sentence } from './narrator.js';
import { fetchNetwork, listNetworks, networksView } from './networks.js';
import { NOTHING, percent, significant } from './numbers.js';
import { Pad } from './pad.js';
import { pictureView } from './pictures.js';
import { loadSamples, samplesView } from './samples.js';
import { Seat } from './shared.js';
import { missingSupport } from './support.js';
import { targetView } from './target.js';

/** Quiet for so long, in milliseconds, and the outcome is put into words. */
const SETTLED = 400;
/** An answer later than this, in milliseconds: what is on screen is of another drawing, and goes. */
const LATE = 150;
const COLOURS = ['paper', 'ink', 'less', 'none', 'more'];

/**
 * @typedef {object} Result
 * @property {number | null} label what the network reads the drawing as; null of a blank pad
 * @property {number | 'any'} target
 * @property {number | null} adversarial what it reads the changed drawing as; null without success
 * @property {number | null} norm ‖r‖₂
 * @property {number | null} distortion its root mean square over the pixels
 * @property {boolean} success
 *
 * @typedef {object} View
 * @property {(read: { settings: Settings, wrong: string[] }) => void} update
 * @property {() => void} focus
 * @property {() => Drawing} drawing
 * @property {() => void} leave
 */

/**
 * @param {ShadowRoot} root
 * @param {{ settings: Settings, wrong: string[] }} read
 * @param {{ reflect: (name: string, value: string) => void, result: (detail: Result) => void }} host
 * @returns {View}
 */
export function createView(root, read, host) {
  let { settings, wrong } = read;
  /** The visitor has done something; from then on outcomes are announced. */
  let touched = false;
  let left = false;
  let fatal = '';
  /** Why the network that was asked for is not there. */
  let missing = '';
  let ready = false;
  /** @type {string | null} */ let chosenNetwork = null;
  let arriving = false;
  let stopArrival = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let settling;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let lateness;
  /** @type {Map<Drawing, number>} */ const sampleLabels = new Map();

  const parts = build();
  root.replaceChildren(parts.demo);
  const showInput = pictureView(parts.input);
  const showChange = pictureView(parts.change);
  const showSum = pictureView(parts.sum);
  const targets = targetView(parts.target, (target) => {
    touch();
    settings = { ...settings, target };
    host.reflect('target', String(target));
    ask();
  });
  const pad = new Pad(parts.pad, { onChange: drawn, onTouch: touch });
  parts.undo.addEventListener('click', () => (touch(), pad.undo()));
  parts.clear.addEventListener('click', () => (touch(), pad.clear()));
  // Whatever changes the colours, theme, style sheet or system, moves the probes.
  parts.probes.addEventListener('transitionend', () => (pad.paint(), ask()));
  const seat = new Seat({ onFatal: fail });
  dress();
  start();

  function touch() {
    touched = true;
    stopArrival();
    parts.status.setAttribute('role', 'status');
  }

  /** Shows and hides parts as the author wishes, and says what was not understood. */
  function dress() {
    for (const part of parts.demo.querySelectorAll('[data-part]')) {
      if (part instanceof HTMLElement) part.hidden = settings.hide.has(part.dataset.part ?? '');
    }
    parts.input.hidden = !settings.hide.has('pad');
    parts.network.hidden = settings.hide.has('network') || parts.select.options.length < 2;
    parts.takenFor.textContent = settings.target === 'any' ? 'anything else' : String(settings.target);
    targets.choose(settings.target);
    const notices = [...wrong, missing, fatal].filter(Boolean);
    parts.notice.textContent = notices.join(' ');
    parts.notice.hidden = notices.length === 0;
  }

  async function start() {
    const unsupported = missingSupport();
    if (unsupported) return fail(unsupported);
    try {
      const [networks, samples] = await Promise.all([once('networks', listNetworks), once('samples', loadSamples)]);
      if (left) return;
      for (const { label, drawing } of samples) sampleLabels.set(drawing, label);
      samplesView(parts.samples, samples, ({ drawing }) => (touch(), pad.show(drawing, { remember: true })));
      networksView(parts.select, networks, (name) => {
        touch();
        host.reflect('network', name);
        settings = { ...settings, network: name };
        chooseNetwork();
      });
      showDrawing();
      await chooseNetwork();
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** The drawing that the author chose. */
  function showDrawing() {
    stopArrival();
    const sample = [...sampleLabels].find(([, label]) => label === settings.sample)?.[0];
    if (settings.digit) pad.show(settings.digit);
    else if (!sample) pad.clear();
    else {
      arriving = true;
      stopArrival = drawSlowly(sample, (part) => {
        arriving = part !== sample;
        if (!left) pad.show(part);
      });
    }
    drawn(pad.drawing);
  }

  async function chooseNetwork() {
    const name = settings.network;
    chosenNetwork = name;
    try {
      const bytes = await once(`network ${name}`, () => fetchByNameOrAddress(name));
      if (left || chosenNetwork !== name) return;
      seat.use(bytes);
      [ready, missing] = [true, ''];
      parts.select.value = name;
    } catch (error) {
      if (left || chosenNetwork !== name) return;
      missing = error instanceof Error ? error.message : String(error);
      parts.select.value = name; // none, if it is not in the list
      show(null);
    }
    dress();
    ask();
  }

  /** @param {string} name */
  async function fetchByNameOrAddress(name) {
    const networks = await once('networks', listNetworks);
    const entry = networks.find((each) => each.name === name);
    if (entry) return fetchNetwork(entry);
    if (!/[/.]/.test(name)) {
      throw new Error(`There is no network called ${name} here; there is ${networks.map((each) => each.name).join(', ')}.`);
    }
    const refused = (/** @type {unknown} */ why) => new Error(`The network ${name} could not be loaded (${why}).`);
    const response = await fetch(new URL(name, document.baseURI)).catch((error) => {
      throw refused(error instanceof Error ? error.message : error);
    });
    if (!response.ok) throw refused(response.status);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** @param {Drawing} drawing */
  function drawn(drawing) {
    parts.frame.classList.toggle('blank', isBlank(drawing));
    ask(pad.inking || arriving);
  }

  /** `follows`: the drawing has only grown. */
  function ask(follows = false) {
    if (!ready || fatal || left) return;
    clearTimeout(settling);
    clearTimeout(lateness);
    parts.status.textContent = '';
    lateness = setTimeout(() => show(null), LATE);
    const { target, reading } = settings;
    seat.attack(
      { strokes: flatten(pad.drawing), target, reading, confidence: 0, palette: palette() },
      { answer: answered, refuse: refused, follows },
    );
  }

  /** @param {Answer} answer */
  function answered(answer) {
    if (left) return;
    clearTimeout(lateness);
    show(answer);
    clearTimeout(settling);
    settling = setTimeout(() => settle(answer), SETTLED);
    if (answer.state !== 'searching' && !pad.inking && !arriving) host.result(resultOf(answer));
  }

  /** @param {Answer} answer */
  function settle(answer) {
    if (arriving || pad.inking) return;
    parts.status.textContent = sentence(answer, sampleLabels.get(pad.drawing) ?? null);
  }

  /** @param {string} why */
  function refused(why) {
    clearTimeout(lateness);
    show(null);
    [ready, missing] = [false, `The network ${settings.network} could not be used: ${why}.`.replace('..', '.')];
    dress();
  }

  /** @param {string} why nothing can be computed on this page */
  function fail(why) {
    if (left) return;
    clearTimeout(settling);
    clearTimeout(lateness);
    show(null);
    fatal = forbidden(why)
      ? 'The search cannot run here: this page’s Content-Security-Policy forbids WebAssembly. Its script-src has to allow ‘wasm-unsafe-eval’.'
      : why;
    dress();
  }

  /** @param {Answer | null} answer */
  function show(answer) {
    const found = answer?.state === 'found' ? answer.outcome : null;
    showInput(answer?.digit ?? null);
    showChange(answer?.perturbation ?? null);
    showSum(answer?.adversarial ?? null);
    label(parts.prediction, answer?.digit ?? null);
    label(parts.adversarial, answer?.adversarial ?? null);
    parts.norm.textContent = found ? found.norm.toPrecision(3) : NOTHING;
    parts.distortion.textContent = found ? significant(found.norm / SIDE) : NOTHING;
    targets.mark(answer?.digit?.label ?? null);
  }

  /** The colours as the style sheets set them now. @returns {Palette} */
  function palette() {
    const triples = COLOURS.map((_, k) => {
      const probe = parts.probes.children[k];
      // color-mix makes every colour a color(srgb r g b), whatever it was written as.
      const numbers = getComputedStyle(probe).color.replace(/^color\(srgb/, '').match(/-?[\d.]+(e-?\d+)?/g) ?? [];
      return numbers.slice(0, 3).map((n) => Math.round(255 * Math.min(Math.max(Number(n), 0), 1)));
    });
    return { ink: Uint8Array.from(triples.slice(0, 2).flat()), signed: Uint8Array.from(triples.slice(2).flat()) };
  }

  return {
    update(next) {
      const before = settings;
      ({ settings, wrong } = next);
      dress();
      const drawingKey = (/** @type {Settings} */ s) => `${s.sample} ${s.digit && encode(s.digit)}`;
      if (before.network !== settings.network) chooseNetwork();
      if (drawingKey(before) !== drawingKey(settings) && sampleLabels.size > 0) showDrawing();
      else ask();
    },
    focus: () => parts.pad.focus(),
    drawing: () => pad.drawing,
    leave() {
      left = true;
      stopArrival();
      clearTimeout(settling);
      clearTimeout(lateness);
      seat.leave();
    },
  };
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
const forbidden = (why) => /Content.Security.Policy|unsafe-eval|blocked by CSP|CompileError.*(disallowed|refused)/i.test(why);

/** @param {Answer} answer @returns {Result} */
function resultOf({ digit, target, outcome, adversarial, state }) {
  const success = state === 'found';
  const norm = success && outcome ? outcome.norm : null;
  return {
    label: digit?.label ?? null,
    target,
    adversarial: adversarial?.label ?? null,
    norm,
    distortion: norm === null ? null : norm / SIDE,
    success,
  };
}

/**
 * @param {HTMLElement} place
 * @param {Label | null} reading
 */
function label(place, reading) {
  if (!reading) return void (place.textContent = NOTHING);
  const share = percent(reading.probabilities[reading.label]);
  place.replaceChildren(String(reading.label), ' ', create('span', { class: 'share' }, share));
}

/** All elements of one demo. */
function build() {
  const canvas = (/** @type {string} */ name, /** @type {string} */ part) =>
    create('canvas', { class: 'picture', role: 'img', 'aria-label': name, width: String(SIDE), height: String(SIDE), part });
  const pad = create('canvas', { role: 'application', 'aria-label': 'Drawing pad', 'aria-describedby': 'pad-help', tabindex: '0' });
  const frame = create('div', { class: 'picture pad', part: 'pad', 'data-part': 'pad' }, pad, create('p', { class: 'invitation', 'aria-hidden': 'true' }, 'draw a digit'));
  const [input, change, sum] = [canvas('Network input', 'input'), canvas('Perturbation', 'perturbation'), canvas('Adversarial digit', 'adversarial')];
  const undo = create('button', { type: 'button', part: 'button' }, 'Undo');
  const clear = create('button', { type: 'button', part: 'button' }, 'Clear');
  const reading = (/** @type {string} */ id, /** @type {string} */ name) => {
    const value = create('dd', { id, 'aria-labelledby': `${id}-term` }, NOTHING);
    return { value, row: create('div', {}, create('dt', { id: `${id}-term` }, name), value) };
  };
  const [prediction, adversarial] = [reading('prediction', 'Prediction'), reading('adversarial', 'Adversarial prediction')];
  const [norm, distortion] = [reading('norm', 'Norm'), reading('distortion', 'Distortion')];
  const list = (/** @type {string} */ part, /** @type {Node[]} */ ...rows) => create('dl', { class: part, part, 'data-part': part }, ...rows);
  const takenFor = create('span', {}, '');
  const caption = (/** @type {string} */ symbol, /** @type {(Node | string)[]} */ ...words) =>
    create('figcaption', {}, create('span', { class: `symbol ${symbol}` }, symbol), ' ', create('span', { class: 'words' }, ...words));
  const target = create('div', { class: 'target', role: 'radiogroup', 'aria-label': 'Target' });
  const select = create('select', { id: 'network', part: 'select' });
  const network = create('p', { class: 'network' }, create('label', { for: 'network' }, 'Network'), ' ', select);
  const samples = create('div', { class: 'samples', role: 'group', 'aria-label': 'Sample digits', part: 'samples', 'data-part': 'samples' });
  const status = create('p', { class: 'status', part: 'status' });
  const notice = create('p', { class: 'notice', part: 'notice', role: 'alert' });
  const probes = create('div', { class: 'probes', 'aria-hidden': 'true' }, ...COLOURS.map((name) => create('i', { class: `probe-${name}` })));
  const operator = (/** @type {string} */ sign) => create('span', { class: 'operator', 'aria-hidden': 'true' }, sign);

  const demo = create(
    'div',
    { class: 'demo', part: 'demo' },
    probes,
    create('div', { class: 'choices' },
      create('div', { class: 'goal', part: 'target', 'data-part': 'target' }, create('span', { class: 'ask', 'aria-hidden': 'true' }, 'Make the network read it as'), target),
      network,
    ),
    create('div', { class: 'equation' },
      create('figure', { class: 'drawing' },
        caption('x', 'your digit'), create('div', { class: 'framed' }, frame, input),
        list('readings', prediction.row),
      ),
      create('figure', { class: 'change', 'data-part': 'perturbation' },
        caption('r', 'smallest change'), create('div', { class: 'framed' }, operator('+'), change),
        list('numbers', norm.row, distortion.row),
      ),
      create('figure', { class: 'result', 'data-part': 'adversarial' },
        caption('x′', 'what it takes for ', takenFor), create('div', { class: 'framed' }, operator('='), sum),
        list('readings', adversarial.row),
      ),
    ),
    create('div', { class: 'beside' },
      create('div', { class: 'tools', 'data-part': 'tools' }, undo, clear),
      samples,
    ),
    create('div', { 'data-part': 'sentence' }, status),
    notice,
    create('p', { id: 'pad-help', class: 'visually-hidden' }, 'Draw a digit with a mouse, a finger or a pen. With the keyboard, the arrow keys move the pen, and Space puts it down and lifts it.'),
  );
  return {
    demo, probes, pad, frame, input, change, sum, undo, clear, target, takenFor, select, network, samples, status, notice,
    prediction: prediction.value, adversarial: adversarial.value, norm: norm.value, distortion: distortion.value,
  };
}
