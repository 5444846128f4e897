// @ts-check
/**
 * A network learns from its own adversarial examples, while the visitor watches the change grow that their digit needs.
 *
 * @import { Request } from '../training.js'
 * @import { Scene, Tools, Update } from './stage.js'
 */
import { create, download } from '../dom.js';
import { controlsView } from './feed-controls.js';
import { curvesView, galleryView, pairView } from './feed-views.js';
import { Trainer } from './trainer.js';

/** The visitor's digit is attacked again so often, in milliseconds. */
const PACE = 1000;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { view, page }) {
  /** @type {Scene | null} */ let scene = null;
  /** Whether there is a network that learns, or has learned. */
  let isThere = false;
  let isRunning = false;
  /** The number of the attack that is wanted. */
  let asked = 0;

  const [pair, curves, gallery] = [pairView(view), curvesView(), galleryView(view)];
  const results = create('div', { class: 'learned' }, create('div', { class: 'columns' }, pair.element, curves.element), gallery.element);
  results.hidden = true;

  const attack = () => {
    const digit = scene?.answer?.digit;
    if (!isThere) return;
    if (!digit) return pair.clear();
    trainer.attack(++asked, digit.values, scene?.target === 'any' ? null : (scene?.target ?? null));
  };
  const trainer = new Trainer({
    progress: (progress) => {
      const begins = !isThere;
      isThere = true;
      isRunning = progress.state === 'running';
      results.hidden = false;
      controls.show(progress);
      if (begins || progress.state !== 'running') attack();
    },
    measured: (measures) => curves.add(measures),
    gallery: (digits) => gallery.show(digits),
    attacked: (attacked) => attacked.id === asked && pair.show(attacked),
    noted: (sentence) => controls.note(sentence),
    ended: (sentence) => {
      isThere = isRunning = false;
      controls.end(sentence);
      page.say(sentence);
    },
  });

  /** @param {Request} task */
  const begin = (task) => {
    isThere = false;
    curves.clear();
    pair.clear();
    gallery.show([]);
    controls.wait();
    trainer.begin(task);
  };
  /** @param {'snapshot' | 'download'} kind @param {(file: import('./trainer.js').File) => unknown} then */
  const take = async (kind, then) => {
    try {
      await then(await trainer.file(kind));
    } catch (error) {
      controls.note(`The network could not be taken: ${error instanceof Error ? error.message : error}.`);
    }
  };
  const controls = controlsView({
    harden: () => scene && begin({ harden: { network: scene.bytes, options: null } }),
    scratch: (hidden, activation, decay) => begin({ scratch: { hidden, activation, decay, options: null } }),
    say: (what) => {
      if (what === 'reset') curves.clear();
      trainer.say(what);
    },
    use: () =>
      take('snapshot', async ({ network }) => {
        const name = await page.addNetwork(network, 'this page');
        controls.note(`${name} is now attacked above.`);
      }),
    save: () => take('download', ({ name, network }) => download(name, network, 'application/octet-stream')),
  });
  figure.append(controls.element, results);

  setInterval(() => {
    if (isRunning && !document.hidden) attack();
  }, PACE);
  return (next) => {
    scene = next;
    controls.name(next.network);
    if (!isRunning) attack();
  };
}
