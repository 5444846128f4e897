// @ts-check
/**
 * The page: strokes and choices go to the engine, answers go to the views. Everything that is shown comes
 * from one answer, so that no part of the equation is older than another.
 *
 * @import { Answer, Target } from './messages.js'
 * @import { Drawing } from './drawing.js'
 * @import { Sample } from './samples.js'
 */
import { drawSlowly } from './arrival.js';
import { Client } from './client.js';
import { byId } from './dom.js';
import { flatten, isBlank } from './drawing.js';
import { sentence } from './narrator.js';
import { addNetwork, fetchNetwork, listNetworks, networksView } from './networks.js';
import { Pad } from './pad.js';
import { pictureView } from './pictures.js';
import { probabilitiesView } from './probabilities.js';
import { readoutsView } from './readouts.js';
import { loadSamples, samplesView } from './samples.js';
import { initialState, parseHash, printHash } from './state.js';
import { missingSupport } from './support.js';
import { targetView } from './target.js';
import { palette, watchTheme } from './theme.js';

/** The sample that is drawn on arrival. */
const FIRST = 3;
/** Quiet for so long, in milliseconds, and the outcome is put into words and into the address. */
const SETTLED = 400;
/** An answer later than this, in milliseconds: what is on screen is of another drawing, and goes. */
const LATE = 150;

const state = initialState();
/** Whether the visitor has done anything; before, the address is left alone. */
let touched = false;
/** What to say before the next outcome. @type {string[]} */
let notices = [];
/** @type {Answer | null} */ let shown = null;
/** @type {() => void} */ let stopArrival = () => {};
let arriving = false;
/** Set once a network has been loaded. */
let ready = false;
let fatal = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */ let settling;
/** @type {ReturnType<typeof setTimeout> | undefined} */ let lateness;
/** @type {Map<Drawing, number>} */ const sampleLabels = new Map();
/** What the sections below are told, once they have come on screen. @type {import('./explore/stage.js').Update} */ let explore = () => {};
/** The network in use. @type {{ name: string, bytes: Uint8Array, widths: number[] }} */
let network = { name: '', bytes: new Uint8Array(), widths: [] };

const status = byId('status', HTMLElement);
const networkSelect = byId('network', HTMLSelectElement);
const takenFor = byId('taken-for', HTMLElement);
const showInput = pictureView(byId('x', HTMLCanvasElement));
const showChange = pictureView(byId('r', HTMLCanvasElement));
const showSum = pictureView(byId('sum', HTMLCanvasElement));
const showInputProbabilities = probabilitiesView(byId('x-probabilities', HTMLElement));
const showSumProbabilities = probabilitiesView(byId('sum-probabilities', HTMLElement));
const showReadouts = readoutsView();
const targets = targetView(byId('target', HTMLElement), (target) => {
  touched = true;
  chooseTarget(target);
});
const pad = new Pad(byId('pad', HTMLCanvasElement), { onChange: drawn, onTouch: takeOver });
const client = new Client({ onFatal: fail });

/** @param {Target} target */
function chooseTarget(target) {
  state.target = target;
  targets.choose(target);
  takenFor.textContent = target === 'any' ? 'any other' : String(target);
  ask();
}

/** The visitor reaches for the page; what is still being drawn on arrival is completed. */
function takeOver() {
  touched = true;
  stopArrival();
}

/** @param {Drawing} drawing */
function drawn(drawing) {
  const follows = pad.inking || arriving;
  state.digit = drawing;
  byId('pad', HTMLElement).parentElement?.classList.toggle('blank', isBlank(drawing));
  ask(follows);
}

/** Asks the engine about the state as it is. `follows`: the drawing has only grown. */
function ask(follows = false) {
  if (!ready || fatal) return;
  clearTimeout(settling);
  clearTimeout(lateness);
  status.textContent = '';
  lateness = setTimeout(() => show(null), LATE);
  client.attack(
    { strokes: flatten(state.digit), target: state.target, reading: state.reading, confidence: 0, palette: palette() },
    { answer: answered, refuse: refused, follows },
  );
}

/** @param {Answer} answer */
function answered(answer) {
  clearTimeout(lateness);
  show(answer);
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLED);
}

/** @param {string} why */
function refused(why) {
  clearTimeout(lateness);
  show(null);
  say(why);
}

/** @param {Answer | null} answer */
function show(answer) {
  shown = answer;
  showInput(answer?.digit ?? null);
  showChange(answer?.perturbation ?? null);
  showSum(answer?.adversarial ?? null);
  showInputProbabilities(answer?.digit ?? null);
  showSumProbabilities(answer?.adversarial ?? null);
  showReadouts(answer);
  targets.mark(answer?.digit?.label ?? null);
  tellSections();
}

function tellSections() {
  const { name, bytes, widths } = network;
  if (bytes.length > 0) explore({ answer: shown, network: name, bytes, widths, target: state.target, reading: state.reading });
}

/** The sections are loaded when the first of them comes on screen. */
function watchSections() {
  const place = byId('explore', HTMLElement);
  const observer = new IntersectionObserver(async (entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    const { stage } = await import('./explore/stage.js');
    explore = stage(place, {
      chooseTarget: (target) => (takeOver(), chooseTarget(target)),
      chooseReading: (reading) => (takeOver(), (state.reading = reading), ask()),
      chooseNetwork: (name) => (takeOver(), void choose(name)),
      networks: () => networks,
      addNetwork: takeNetwork,
      link: () => new URL(printHash(state), location.href).href,
      say,
    });
    tellSections();
  });
  observer.observe(place);
}

/** Things have come to rest: say what happened, and keep it in the address. */
function settle() {
  if (!shown || arriving) return;
  if (pad.inking) {
    settling = setTimeout(settle, SETTLED);
    return;
  }
  say(sentence(shown, sampleLabels.get(state.digit) ?? null));
  if (touched) keep();
}

/** @param {string} text */
function say(text) {
  status.textContent = [...notices, text].join(' ');
  notices = [];
}

function keep() {
  const hash = printHash(state);
  if (hash === location.hash) return;
  // A link that this page could not read stays one step back.
  const foreign = parseHash(location.hash).kind === 'foreign';
  history[foreign ? 'pushState' : 'replaceState'](null, '', hash);
}

/** @param {string} why nothing can be computed */
function fail(why) {
  fatal = true;
  clearTimeout(settling);
  clearTimeout(lateness);
  show(null);
  say(why);
}

/**
 * Takes over what an address says.
 * @param {string} hash
 * @returns {boolean} whether it brought a drawing
 */
function restore(hash) {
  const parsed = parseHash(hash);
  if (parsed.kind === 'foreign') {
    notices.push(`This link was made by another version of this page (${parsed.version}), so it is not shown.`);
    return false;
  }
  if (parsed.kind === 'none') return false;
  const { digit, ...rest } = parsed.state;
  Object.assign(state, rest);
  if (parsed.wrong.length > 0) notices.push(`The link’s ${parsed.wrong.join(' and ')} could not be read.`);
  if (!digit || isBlank(digit)) return false;
  pad.show(digit, { remember: true });
  return true;
}

function networkChooser() {
  let newest = 0;
  /** @param {string} name @returns {Promise<void>} */
  return async (name) => {
    const turn = ++newest;
    const entry = networks.find((each) => each.name === name);
    try {
      if (!entry) throw new Error(`There is no network called ${name} here.`);
      const bytes = await fetchNetwork(entry);
      if (turn !== newest) return;
      const { widths } = await client.load(bytes);
      if (turn !== newest) return;
      state.network = name;
      network = { name, bytes, widths };
      ready = true;
    } catch (error) {
      if (turn !== newest) return;
      const why = error instanceof Error ? error.message : String(error);
      if (!ready && name === networks[0].name) return fail(why);
      notices.push(why);
      if (!ready) return choose(networks[0].name);
    }
    networkSelect.value = state.network;
    ask();
  };
}

/** @type {(name: string) => Promise<void>} */ let choose = async () => {};
/** All that can be chosen. @type {import('./networks.js').NetworkEntry[]} */ const networks = [];

/**
 * Takes a network of the visitor's own, and attacks it.
 * @param {Uint8Array} bytes
 * @param {string} file its name
 * @returns {Promise<string>} what it is called; rejects with a sentence if the bytes are no network
 */
async function takeNetwork(bytes, file) {
  takeOver();
  /** @type {import('./messages.js').NetworkFacts} */ let facts;
  try {
    facts = await client.load(bytes);
  } catch (error) {
    ask(); // loading has ended the attack that was under way
    throw error;
  }
  const shipped = networks.some((each) => each.name === facts.name && !each.bytes);
  const name = shipped ? `${facts.name} (yours)` : facts.name;
  const before = networks.find((each) => each.name === name);
  if (before) before.bytes = bytes;
  else {
    networks.push({ file, name, description: `from ${file}`, bytes });
    addNetwork(networkSelect, networks[networks.length - 1]);
  }
  await choose(name);
  return name;
}

/** @param {Sample} sample */
function chooseSample(sample) {
  takeOver();
  pad.show(sample.drawing, { remember: true });
}

/** @param {Sample[]} samples */
function arrive(samples) {
  const first = samples.find(({ label }) => label === FIRST);
  if (!first || touched) return;
  arriving = true;
  stopArrival = drawSlowly(first.drawing, (part) => {
    arriving = part !== first.drawing;
    pad.show(part);
  });
}

async function start() {
  show(null);
  const missing = missingSupport();
  if (missing) return fail(missing);
  byId('undo', HTMLElement).addEventListener('click', () => (takeOver(), pad.undo()));
  byId('clear', HTMLElement).addEventListener('click', () => (takeOver(), pad.clear()));
  watchTheme(() => (pad.paint(), ask()));
  const restored = restore(location.hash);
  chooseTarget(state.target);
  window.addEventListener('hashchange', () => {
    stopArrival();
    const { network } = state;
    restore(location.hash);
    chooseTarget(state.target);
    if (state.network !== network) choose(state.network);
  });
  try {
    const [shipped, samples] = await Promise.all([listNetworks(), loadSamples()]);
    for (const { label, drawing } of samples) sampleLabels.set(drawing, label);
    samplesView(byId('samples', HTMLElement), samples, chooseSample);
    networks.push(...shipped);
    choose = networkChooser();
    networksView(networkSelect, networks, (name) => (takeOver(), choose(name)));
    await choose(state.network);
    if (!restored) arrive(samples);
    watchSections();
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

start();
