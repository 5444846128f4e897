// @ts-check
/**
 * The sections below the demo. Each is loaded when it first comes on screen, and told of the scene (the answer that
 * is shown above, its network, target and reading) only while it is there.
 *
 * @import { Attacked, Reading, Target } from '../protocol.js'
 *
 * @typedef {object} Scene
 * @property {Attacked | null} answer what is shown above; null while nothing is known
 * @property {string} network the name of the network in use
 * @property {Uint8Array} bytes its file
 * @property {number[]} widths of its layers, from 784 to 10; none of a network that is no plain one of fully connected layers
 * @property {Target} target
 * @property {Reading} reading
 *
 * @typedef {object} Page what sections can do to the page above
 * @property {(target: Target) => void} chooseTarget
 * @property {(reading: Reading) => void} chooseReading
 * @property {(name: string) => void} chooseNetwork
 * @property {() => import('../networks.js').NetworkEntry[]} networks all that can be chosen
 * @property {(bytes: Uint8Array, file: string) => Promise<string>} addNetwork takes a network of the visitor's own, and attacks
 *   it; resolves with what it is called, rejects with a sentence
 * @property {(name: string) => Promise<void>} forgetNetwork one of the visitor's own
 * @property {() => string} link to the page as it is
 * @property {(sentence: string) => void} say in the page's one live region
 *
 * @typedef {{ client: import('../client.js').Client, view: View, page: Page }} Tools `view` asks the same engine, and colours what is to be seen
 * @typedef {(scene: Scene) => void} Update
 * @typedef {(figure: HTMLElement, tools: Tools) => Update} Section builds the figure
 */
import { create } from '../dom.js';
import { View } from '../pictures.js';
import { palette, watchTheme } from '../theme.js';

/** By the ids of the sections in the page. @type {Record<string, () => Promise<{ section: Section }>>} */
const SECTIONS = {
  nine: () => import('./nine.js'),
  search: () => import('./search.js'),
  pocket: () => import('./pocket.js'),
  transfer: () => import('./transfer.js'),
  units: () => import('./units.js'),
  layers: () => import('./layers.js'),
  feed: () => import('./feed.js'),
  own: () => import('./own.js'),
  verdicts: () => import('./verdicts.js'),
  keep: () => import('./keep.js'),
};

/** Follows every stroke; the others wait until the scene has not changed for so many milliseconds. */
const LIVE = 'nine';
const REST = 120;

/**
 * @param {HTMLElement} place the element that holds the sections
 * @param {Page} page
 * @param {import('../client.js').Client} client
 * @returns {Update}
 */
export function stage(place, page, client) {
  const sheet = create('link', { rel: 'stylesheet', href: new URL('explore.css', import.meta.url).href });
  const view = new View(client, 'explore');
  const tools = { client, view, page };
  const recolour = () => view.recolour(palette());
  /** @type {Scene | null} */ let scene = null;
  /** @type {Map<Element, { update: Update | null, loading: boolean, onScreen: boolean, shown: Scene | null }>} */ const states = new Map();

  /** @param {Element} element */
  const refresh = (element) => {
    const state = states.get(element);
    if (!state || !scene || !state.onScreen || !state.update || state.shown === scene) return;
    state.shown = scene;
    state.update(scene);
  };
  /** @param {Element} element */
  const wake = async (element) => {
    const state = states.get(element);
    const figure = element.querySelector('.figure');
    if (!state || state.loading || state.update || !(figure instanceof HTMLElement)) return;
    state.loading = true;
    try {
      const { section } = await SECTIONS[element.id]();
      figure.replaceChildren();
      state.update = section(figure, tools);
      refresh(element);
    } catch {
      figure.replaceChildren(...failed(() => wake(element)));
      state.loading = false;
    }
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const state = states.get(target);
        if (!state) continue;
        state.onScreen = isIntersecting;
        if (isIntersecting) wake(target);
        refresh(target);
      }
    },
    { rootMargin: '100px' },
  );
  for (const element of place.querySelectorAll('section')) {
    if (!(element.id in SECTIONS)) continue;
    states.set(element, { update: null, loading: false, onScreen: false, shown: null });
  }
  // Without its style sheet more of a section is on screen than there should be.
  for (const end of ['load', 'error']) {
    sheet.addEventListener(end, () => {
      for (const element of states.keys()) observer.observe(element);
    });
  }
  document.head.append(sheet);
  watchTheme(recolour);
  recolour();

  let frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let rest;
  /** @type {Update} */
  function update(next) {
    scene = next;
    client.network(next.network, next.bytes);
    if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        for (const element of states.keys()) if (element.id === LIVE) refresh(element);
      });
    }
    clearTimeout(rest);
    rest = setTimeout(() => {
      for (const element of states.keys()) refresh(element);
    }, REST);
  }
  return update;
}

/**
 * In a figure's place. A browser may remember for as long as the page lives that a script was not there: a reload always helps.
 * @param {() => void} again
 */
function failed(again) {
  const button = create('button', { type: 'button' }, 'Try again');
  button.addEventListener('click', again);
  const words = 'This figure could not be loaded. If it fails again, reload the page: its address keeps your drawing.';
  return [create('p', { class: 'words' }, words), button];
}
