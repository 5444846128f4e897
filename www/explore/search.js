// @ts-check
/** One search, evaluation by evaluation, and what the readings of c change. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { SIDE } from '../pictures.js';
import { picture } from './picture.js';
import { ReadingsTable } from './readings.js';
import { traceView } from './trace.js';
import { WeightView } from './weight.js';

/** @import { View } from '../pictures.js' */
/** @import { Target, Trace } from '../protocol.js' */
/** @import { Tools, Update } from './stage.js' */

const PIXELS = SIDE * SIDE;
/** Milliseconds between two evaluations while playing. */
const PACE = 450;

/** What the search is doing, by phase. @type {Record<string, [string, string]>} */
const PHASES = {
  bracket: [
    'Bracketing c',
    'The first slope hints at a weight c; then c goes up or down until one value is known to succeed and one to fail.',
  ],
  root: [
    'Closing in on c',
    'Between a c that succeeds and one that fails, a straight line through their margins (regula falsi) says which to try next.',
  ],
  boundary: [
    'Along the boundary',
    'Near the boundary between two labels the network is almost flat. Its tangent there shows where the boundary comes closest to your digit.',
  ],
  scale: ['The result', 'At last r is shortened until it only just works: the scale step.'],
};
/** What it does first where any label will do. @type {[string, string]} */
const RAYS = [
  'Towards each label',
  'Which label is nearest is not known yet. The slope towards each, the likeliest first, is a ray from your digit; where that reaches a boundary shows how far it is.',
];

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, view, page }) {
  const player = new Player(view);
  const weight = new WeightView(view);
  const table = new ReadingsTable(page);
  figure.append(player.element, weight.element, table.element);
  /** @type {Target} */ let towards = 8;
  return ({ answer, network, reading, target }) => {
    const digit = answer?.digit;
    if (target !== 'any') towards = target;
    if (digit && digit.label === towards) towards = (towards + 5) % 10;
    table.choose(reading, target, towards);
    if (!digit || digit.label === target) {
      client.cancel('trace');
      client.cancel('readings');
      player.show(null);
      weight.about(null);
      table.show([]);
      return;
    }
    const image = digit.values;
    const found = answer?.outcome?.ending === 'success' ? answer.outcome : null;
    weight.about(found && { network, image, ...goal(target, digit.label, found.label), c: found.c, norm: found.norm });
    client.ask('trace', 'trace', { network, reading, image, target }, (trace) => {
      player.show({ ...trace, image, hasRays: target === 'any' && reading === 'both' });
    });
    client.ask('readings', 'readings', { network, image, targets: [towards, 'any'] }, (compared) => table.show(compared));
  };
}

/** What c is turned towards. @param {Target} target @param {number} label @param {number} nearest what the example is classified as */
const goal = (target, label, nearest) => (target === 'any' ? { target: nearest, away: label } : { target, away: null });

/** @typedef {Trace & { image: Float32Array, hasRays: boolean }} Shown with rays towards all labels before anything else */

/** One search, which is played, stepped and scrubbed. */
class Player {
  #change;
  #sum;
  #heading = create('h3', {});
  #doing = create('p', {});
  #now = create('p', { class: 'now' });
  #back = create('button', { type: 'button' }, 'Step back');
  #play = create('button', { type: 'button', class: 'play' }, 'Play');
  #on = create('button', { type: 'button' }, 'Step on');
  #slider = create('input', { type: 'range', id: 'evaluation', min: '1', max: '1', value: '1' });
  #charts = traceView();
  /** @type {Shown | null} */ #trace = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #playing;
  /** The first search plays by itself, so that the figure is seen to move; not where motion is unwanted. */
  #isFirst = !matchMedia('(prefers-reduced-motion: reduce)').matches;

  /** @param {View} view */
  constructor(view) {
    this.#change = picture(view, 'step r', 'The change at this evaluation');
    this.#sum = picture(view, 'step sum', 'The digit at this evaluation');
    const pair = create('div', { class: 'pair' }, this.#change.element, this.#sum.element);
    const label = create('label', { for: 'evaluation', class: 'visually-hidden' }, 'Evaluation');
    this.element = create(
      'div',
      { class: 'columns search' },
      create('div', { class: 'narrow moment' }, pair, this.#heading, this.#doing, this.#now),
      create(
        'div',
        { class: 'wide' },
        create('div', { class: 'player' }, this.#play, this.#back, this.#on, label, this.#slider),
        this.#charts.element,
      ),
    );
    this.#play.addEventListener('click', () => (this.#playing ? this.#stop() : this.#start()));
    this.#byHand(this.#back, 'click', () => this.#go(this.#at - 1));
    this.#byHand(this.#on, 'click', () => this.#go(this.#at + 1));
    this.#byHand(this.#slider, 'input', () => this.#refresh());
  }

  /** @param {Shown | null} next */
  show(next) {
    this.#stop();
    this.#trace = next;
    this.#slider.max = String(next?.steps.length ?? 1);
    this.#slider.value = this.#slider.max;
    this.#refresh();
    if (next && this.#isFirst) {
      this.#isFirst = false;
      this.#start();
    }
  }

  /** @param {HTMLElement} control @param {string} event @param {() => void} does */
  #byHand(control, event, does) {
    control.addEventListener(event, () => {
      this.#stop();
      does();
    });
  }

  get #at() {
    return Number(this.#slider.value) - 1;
  }

  /** @param {number} k */
  #go(k) {
    this.#slider.value = String(k + 1);
    this.#refresh();
  }

  #start() {
    if (!this.#trace) return;
    if (this.#at === this.#trace.steps.length - 1) this.#go(0);
    this.#play.textContent = 'Pause';
    this.#playing = setInterval(() => {
      if (!this.#trace || this.#at >= this.#trace.steps.length - 1) return this.#stop();
      this.#go(this.#at + 1);
    }, PACE);
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = undefined;
    this.#play.textContent = 'Play';
  }

  #refresh() {
    const none = !this.#trace;
    for (const control of [this.#play, this.#back, this.#on, this.#slider]) control.disabled = none;
    this.element.classList.toggle('off', none);
    if (this.#trace) return this.#paint(this.#trace, this.#at);
    for (const each of [this.#change, this.#sum]) each.empty();
    this.#heading.textContent = 'Nothing to search for';
    this.#doing.textContent = 'Draw a digit, and choose a target that is not its prediction already.';
    this.#now.textContent = '';
    this.#charts.clear();
  }

  /** @param {Shown} trace @param {number} k */
  #paint(trace, k) {
    const { steps, changes, limit, image } = trace;
    const { margin, norm } = steps[k];
    const r = changes.subarray(k * PIXELS, (k + 1) * PIXELS);
    this.#change.ask({ r, limit });
    this.#sum.ask({ image, r });
    const [heading, doing] = phase(trace, k);
    this.#heading.textContent = heading;
    this.#doing.textContent = doing;
    this.#now.textContent = remark(trace, k);
    this.#back.disabled = k === 0;
    this.#on.disabled = k === steps.length - 1;
    const spoken = `${k + 1} of ${steps.length}: ${heading}, margin ${margin.toFixed(2)}, norm ${norm.toFixed(2)}`;
    this.#slider.setAttribute('aria-valuetext', spoken);
    this.#charts.show(steps, k);
  }
}

/** What the search is doing at one evaluation, as a heading and a sentence. @param {Shown} trace @param {number} k */
function phase({ steps, outcome, hasRays }, k) {
  if (k < steps.length - 1) return hasRays && steps[k].norm === 0 ? RAYS : PHASES[steps[k].phase];
  if (outcome.ending !== 'success') return ['No example', 'The search ended without one.'];
  const [heading, shortened] = PHASES.scale;
  return [heading, outcome.scale === 1 ? 'The smallest change that was seen to work.' : shortened];
}

/** What happened at one evaluation, in words. @param {Shown} trace @param {number} k */
function remark({ steps, hasRays }, k) {
  const step = steps[k];
  const where = `Evaluation ${k + 1} of ${steps.length}. `;
  if (hasRays && step.norm === 0) return `${where}At your digit itself, r = 0: the slope towards one of the other labels.`;
  if (k === 0) return `${where}At your digit itself, r = 0. The slope here gives the first guess: c = ${significant(step.c)}.`;
  if (k === steps.length - 1) return `${where}c = ${significant(step.c)}, ‖r‖₂ = ${step.norm.toFixed(3)}.`;
  if (step.phase === 'boundary') return `${where}One more tangent; ‖r‖₂ = ${step.norm.toFixed(3)}.`;
  const before = steps[k - 1];
  if (Math.abs(step.c / before.c - 1) > 1e-4) {
    const verdict = step.margin >= 0 ? 'It works, perhaps too well' : 'Not misclassified yet';
    return `${where}${verdict}, so c becomes ${significant(step.c)}. L-BFGS goes on from here and keeps its curvature pairs, all that it has learnt of how the slope bends.`;
  }
  if (step.objective > before.objective) return `${where}A step too far: the objective rose. The line search tries a shorter one.`;
  return `${where}A step of L-BFGS with the same c: the slope, corrected by the curvature pairs of earlier steps, says where to.`;
}
