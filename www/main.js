// @ts-check
/**
 * The page: the demo and its parts, the address, the choice of a network, and the sections below, which are loaded after the first
 * attack.
 *
 * @import { State } from './link.js'
 * @import { NetworkEntry } from './networks.js'
 * @import { Attacked } from './protocol.js'
 */
import { Client, SECTIONS } from './client.js';
import { Demo } from './demo.js';
import { byId, create } from './dom.js';
import { isBlank } from './drawing.js';
import { initialState, printLink, readLink } from './link.js';
import { addNetwork, fetchNetwork, listNetworks, networksView, removeNetwork } from './networks.js';
import { probabilitiesView } from './probabilities.js';
import { readoutsView } from './readouts.js';
import { loadSamples } from './samples.js';
import { forgetNetwork, keepNetwork, keptNetworks } from './shelf.js';
import { missingSupport } from './support.js';
import { palette, watchTheme } from './theme.js';

/** The sample that is drawn on arrival. */
const FIRST = 3;
/** Milliseconds after the first attack until the proof's engine is asked for, if no section is near. */
const LATER = 3000;

/** Whether the visitor has done anything; before, the address is left alone. */
let isTouched = false;
/** What to say before the next outcome. @type {string[]} */ let notices = [];
/** @type {Attacked | null} */ let shown = null;
/** Who is told of every answer: the proof and the sections below, once they are there. @type {Set<import('./explore/stage.js').Update>} */
const followers = new Set();
/** @type {() => void} */ let firstAttack = () => {};
/** The network in use. @type {{ name: string, bytes: Uint8Array, widths: number[] }} */
let network = { name: initialState().network, bytes: new Uint8Array(), widths: [] };
/** All that can be chosen. @type {NetworkEntry[]} */ const networks = [];

const status = byId('status', HTMLElement);
const networkSelect = byId('network', HTMLSelectElement);
const samplesGroup = byId('samples', HTMLElement);
const pad = byId('pad', HTMLCanvasElement);
const showInputProbabilities = probabilitiesView(byId('x-probabilities', HTMLElement));
const showSumProbabilities = probabilitiesView(byId('sum-probabilities', HTMLElement));
const showReadouts = readoutsView();
const demo = new Demo(
  new Client(),
  'page',
  {
    pad,
    frame: /** @type {HTMLElement} */ (pad.parentElement),
    undo: byId('undo', HTMLElement),
    clear: byId('clear', HTMLElement),
    target: byId('target', HTMLElement),
    takenFor: byId('taken-for', HTMLElement),
    samples: samplesGroup,
    input: byId('x', HTMLCanvasElement),
    change: byId('r', HTMLCanvasElement),
    sum: byId('sum', HTMLCanvasElement),
  },
  {
    touched: () => {
      isTouched = true;
    },
    chosen: () => {},
    shown: show,
    ended: () => {},
    say,
    refused: say,
    fatal: say,
    palette,
  },
);

/** @param {Attacked | null} answer */
function show(answer) {
  shown = answer;
  showReadouts(answer);
  showInputProbabilities(answer?.digit ?? null);
  showSumProbabilities(answer?.adversarial ?? null);
  for (const follower of followers) tell(follower);
  if (answer && (answer.digit || isTouched)) firstAttack();
}

/** @param {import('./explore/stage.js').Update} follower */
function tell(follower) {
  const { name, bytes, widths } = network;
  if (bytes.length > 0) follower({ answer: shown, network: name, bytes, widths, target: demo.target, reading: demo.reading });
}

/** @param {import('./explore/stage.js').Update} follower */
function follow(follower) {
  followers.add(follower);
  tell(follower);
}

/** @returns {State} */
const state = () => ({ network: network.name, target: demo.target, reading: demo.reading, digit: demo.pad.drawing });

/** The outcome in words, and in the address; or nothing. @param {string} text */
function say(text) {
  status.textContent = text && [...notices, text].join(' ');
  if (!text) return;
  notices = [];
  const hash = printLink(state());
  if (!isTouched || demo.isFatal || hash === location.hash) return;
  // A link that this page could not understand stays one step back.
  const isForeign = readLink(location.hash).kind === 'foreign';
  try {
    history[isForeign ? 'pushState' : 'replaceState'](null, '', hash);
  } catch {
    // Not every document has an address of its own; one in a frame’s srcdoc has none.
  }
}

/**
 * Takes over what an address says.
 * @param {string} hash
 * @returns {{ network: string, hasDigit: boolean }} the network that it wants, and whether it brought a drawing
 */
function restore(hash) {
  const link = readLink(hash);
  if (link.kind === 'foreign') notices.push(`This link was made by another version of this page (${link.version}), so it is not shown.`);
  if (link.kind !== 'state') return { network: network.name, hasDigit: false };
  const { digit, target, reading } = link.state;
  if (link.wrong.length > 0) notices.push(`The link’s ${link.wrong.join(' and ')} could not be understood.`);
  if (reading !== undefined) demo.reading = reading;
  if (target !== undefined) demo.target = target;
  const hasDigit = digit !== undefined && digit !== null && !isBlank(digit);
  if (hasDigit) demo.pad.show(digit, { remember: true });
  return { network: link.state.network ?? network.name, hasDigit };
}

/** Attacks a network from now on. @param {string} name @returns {Promise<void>} */
async function choose(name) {
  try {
    const entry = networks.find((each) => each.name === name);
    const chosen = await demo.choose(name, async () => {
      if (!entry) throw new Error(`There is no network called ${name} on this page.`);
      return fetchNetwork(entry);
    });
    if (!chosen) return;
    network = { name, ...chosen };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (!demo.isReady && name === networks[0].name) return demo.fail(why);
    notices.push(why);
    if (!demo.isReady) return choose(networks[0].name);
  }
  networkSelect.value = network.name;
  demo.ask();
}

/**
 * Takes a network of the visitor's own, and attacks it.
 * @param {Uint8Array} bytes
 * @param {string} file its name
 * @returns {Promise<string>} what it is called; rejects with a sentence if the bytes are no network
 */
async function takeNetwork(bytes, file) {
  demo.touch();
  // First under a key of its own: only the file itself knows what it is called.
  const { name: inFile } = await demo.client.load(`file ${file}`, bytes);
  const isShipped = networks.some((each) => each.name === inFile && !each.bytes);
  const name = isShipped ? `${inFile} (yours)` : inFile;
  const before = networks.find((each) => each.name === name);
  if (before) before.bytes = bytes;
  else {
    const entry = ownEntry({ name, file, bytes });
    networks.push(entry);
    addNetwork(networkSelect, entry);
  }
  keepNetwork({ name, file, bytes });
  await choose(name);
  return name;
}

/** @param {import('./shelf.js').Kept} kept @returns {NetworkEntry} */
const ownEntry = ({ name, file, bytes }) => ({ name, file, bytes, description: `from ${file}` });

/** Forgets a network of the visitor's own. @param {string} name */
async function dropNetwork(name) {
  const place = networks.findIndex((each) => each.name === name && each.bytes);
  if (place < 0) return;
  networks.splice(place, 1);
  removeNetwork(networkSelect, name);
  await Promise.all([forgetNetwork(name), name === network.name && choose(networks[0].name)]);
}

/** After the first attack come the proof and, when the first of them is near the screen, the sections. */
async function watchSections() {
  const place = byId('explore', HTMLElement);
  const isNear = new Promise((done) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      done(true);
    });
    observer.observe(place);
  });
  const isAttacked = new Promise((done) => {
    firstAttack = () => done(true);
    if (shown?.digit) firstAttack();
  });
  await isAttacked;
  // Their engine is twice the demo's: not while the first attack is still being looked at.
  await Promise.race([isNear, new Promise((done) => setTimeout(done, LATER))]);
  const failed = () => {
    const sentence = 'The rest of this page could not be loaded: reload it. Its address keeps your drawing.';
    place.prepend(create('p', { class: 'prose' }, sentence));
  };
  const proof = await import('./explore/proof.js').catch(() => null);
  if (!proof) return failed();
  // One of their own, so that nothing of theirs delays the live attack.
  const engine = new Client(SECTIONS);
  follow(proof.proofView(engine, byId('proof', HTMLElement)));
  await isNear;
  const loaded = await import('./explore/stage.js').catch(() => null);
  if (!loaded) return failed();
  const page = {
    chooseTarget: demo.touching((target) => {
      demo.target = target;
    }),
    chooseReading: demo.touching((reading) => {
      demo.reading = reading;
      demo.ask();
    }),
    chooseNetwork: demo.touching(choose),
    networks: () => networks,
    addNetwork: takeNetwork,
    forgetNetwork: dropNetwork,
    link: () => new URL(printLink(state()), location.href).href,
    say,
  };
  follow(loaded.stage(place, page, engine));
}

async function start() {
  const missing = missingSupport();
  if (missing) return demo.fail(missing);
  watchTheme(() => demo.recolour());
  demo.target = initialState().target;
  let wanted = restore(location.hash);
  window.addEventListener('hashchange', () => {
    demo.stopArrival();
    wanted = restore(location.hash);
    if (networks.length === 0) return; // there is no list yet to choose from
    if (wanted.network === network.name) demo.ask();
    else choose(wanted.network);
  });
  try {
    const [shipped, samples, kept] = await Promise.all([
      listNetworks(networkSelect.dataset.list),
      loadSamples(samplesGroup.dataset.list),
      keptNetworks(),
    ]);
    networks.push(...shipped, ...kept.map(ownEntry));
    networksView(networkSelect, networks, demo.touching(choose));
    demo.offer(samples);
    if (!wanted.hasDigit && !isTouched) demo.arrive(FIRST);
    await choose(wanted.network);
    watchSections();
  } catch (error) {
    demo.fail(error instanceof Error ? error.message : String(error));
  }
}

/** The ways to embed the page, once somebody asks for them; the page in one file has no address to offer. */
function offerEmbeds() {
  const details = byId('embed', HTMLDetailsElement);
  details.hidden = new URL(import.meta.url).origin !== location.origin;
  details.addEventListener('toggle', async () => {
    const ways = details.querySelector('.ways');
    if (!details.open || !(ways instanceof HTMLElement)) return;
    const { showWays } = await import('./embed-snippets.js');
    showWays(ways);
  });
}

demo.show(null);
offerEmbeds();
start();
