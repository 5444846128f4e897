// @ts-check
/**
 * What every demo does, the whole page's and each element's: strokes and choices go to the engine as one question, its answer goes
 * to the views. Everything that is shown comes from one answer, so that no part of the equation is older than another.
 *
 * @import { Client } from './client.js'
 * @import { Drawing } from './drawing.js'
 * @import { Shown } from './pictures.js'
 * @import { Attacked, Palette, Reading, Target } from './protocol.js'
 * @import { Sample } from './samples.js'
 */
import { drawSlowly } from './arrival.js';
import { flatten, isBlank } from './drawing.js';
import { sentence } from './narrator.js';
import { Pad } from './pad.js';
import { View } from './pictures.js';
import { samplesView } from './samples.js';
import { targetView } from './target.js';

/** Quiet for so long, in milliseconds, and the outcome is put into words. */
const SETTLED = 400;
/** An answer later than this, in milliseconds: what is on screen is of another drawing, and goes. */
const LATE = 150;

/**
 * @typedef {object} Parts
 * @property {HTMLCanvasElement} pad
 * @property {HTMLElement} frame around the pad
 * @property {HTMLElement} undo
 * @property {HTMLElement} clear
 * @property {HTMLElement} target
 * @property {HTMLElement} takenFor names the target in a sentence
 * @property {HTMLElement} samples
 * @property {HTMLCanvasElement} input
 * @property {HTMLCanvasElement} change
 * @property {HTMLCanvasElement} sum
 *
 * @typedef {object} Hooks
 * @property {() => void} touched the visitor reaches for the demo
 * @property {(target: Target) => void} chosen the visitor chose a target
 * @property {(answer: Attacked | null) => void} shown null while nothing is known
 * @property {(answer: Attacked) => void} ended a search has, and nobody is drawing
 * @property {(words: string) => void} say the outcome, once things have come to rest; nothing while they have not
 * @property {(why: string) => void} refused the network could not be used
 * @property {(sentence: string) => void} fatal nothing can be computed here
 * @property {() => Palette | null} palette the colours of the moment; none while they are not known
 */

export class Demo {
  #channel;
  #view;
  #parts;
  #hooks;
  #surfaces;
  #targets;
  /** @type {Target} */ #target = 8;
  /** @type {Reading} */ reading = 'both';
  /** The key of the network in use. @type {string | null} */ #network = null;
  #isFatal = false;
  #hasLeft = false;
  #choosing = 0;
  #isArriving = false;
  #stopArrival = () => {};
  #unlisten;
  /** @type {Attacked | null} */ #shown = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #settling;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #lateness;
  /** @type {Map<Drawing, number>} */ #sampleLabels = new Map();

  /**
   * @param {Client} client
   * @param {string} channel its name at the engine
   * @param {Parts} parts
   * @param {Hooks} hooks
   */
  constructor(client, channel, parts, hooks) {
    /** The engine that this demo asks. */
    this.client = client;
    this.#channel = channel;
    this.#view = new View(client, channel);
    this.#parts = parts;
    this.#hooks = hooks;
    this.#surfaces = [parts.input, parts.change, parts.sum].map((canvas) => this.#view.surface(canvas));
    this.#targets = targetView(parts.target, (target) => {
      this.touch();
      this.target = target;
      hooks.chosen(target);
    });
    this.pad = new Pad(parts.pad, { onChange: () => this.#drawn(), onTouch: () => this.touch() });
    parts.undo.addEventListener(
      'click',
      this.touching(() => this.pad.undo()),
    );
    parts.clear.addEventListener(
      'click',
      this.touching(() => this.pad.clear()),
    );
    this.#unlisten = client.onFatal((why) => this.fail(why));
    this.target = this.#target;
    this.recolour();
  }

  get target() {
    return this.#target;
  }

  set target(target) {
    this.#target = target;
    this.#targets.choose(target);
    this.#parts.takenFor.textContent = target === 'any' ? 'any other' : String(target);
    this.ask();
  }

  get isFatal() {
    return this.#isFatal;
  }

  /** Whether there is a network. */
  get isReady() {
    return this.#network !== null;
  }

  /** The visitor reaches for the demo; what is still being drawn on arrival is completed. */
  touch() {
    this.#stopArrival();
    this.#hooks.touched();
  }

  /**
   * What the visitor does: they reach for the demo, and then that happens.
   * @template {any[]} A
   * @param {(...given: A) => void} does
   * @returns {(...given: A) => void}
   */
  touching(does) {
    return (...given) => {
      this.touch();
      does(...given);
    };
  }

  /** The colours are others. */
  recolour() {
    this.pad.paint();
    this.#view.recolour(this.#hooks.palette());
  }

  /** @param {Sample[]} samples */
  offer(samples) {
    for (const { label, drawing } of samples) this.#sampleLabels.set(drawing, label);
    const chosen = this.touching((/** @type {Sample} */ { drawing }) => this.pad.show(drawing, { remember: true }));
    samplesView(this.#parts.samples, samples, chosen);
  }

  /** Draws the sample of a label stroke by stroke; without one the pad is blank. @param {number | null} label */
  arrive(label) {
    this.#stopArrival();
    const sample = [...this.#sampleLabels].find(([, each]) => each === label)?.[0];
    if (!sample) return this.pad.clear();
    this.#isArriving = true;
    this.#stopArrival = drawSlowly(sample, (part) => {
      this.#isArriving = part !== sample;
      if (!this.#hasLeft) this.pad.show(part);
    });
  }

  /** Another drawing than the arriving one is wanted. */
  stopArrival() {
    this.#stopArrival();
  }

  /**
   * Attacks a network from now on. Rejects with a sentence if it cannot be had; the one before stays in use.
   * @param {string} key
   * @param {() => Promise<Uint8Array>} fetched
   * @returns {Promise<{ bytes: Uint8Array, widths: number[] } | null>} null if another was chosen meanwhile
   */
  async choose(key, fetched) {
    const turn = ++this.#choosing;
    const isStale = () => turn !== this.#choosing || this.#hasLeft;
    try {
      const bytes = await fetched();
      if (isStale()) return null;
      const { widths } = await this.client.load(key, bytes);
      if (isStale()) return null;
      this.#network = key;
      return { bytes, widths };
    } catch (error) {
      if (isStale()) return null;
      throw error;
    }
  }

  /** Without a network nothing is asked, and nothing shown. */
  forgetNetwork() {
    this.#network = null;
    this.show(null);
  }

  #drawn() {
    this.#parts.frame.classList.toggle('blank', isBlank(this.pad.drawing));
    this.ask(this.pad.inking || this.#isArriving);
  }

  /** Asks the engine about the state as it is. `follows`: the drawing has only grown. */
  ask(follows = false) {
    if (this.#network === null || this.#isFatal || this.#hasLeft) return;
    this.#rest();
    this.#hooks.say('');
    this.#lateness = setTimeout(() => this.show(null), LATE);
    const subject = { strokes: flatten(this.pad.drawing) };
    const asked = { network: this.#network, subject, target: this.#target, reading: this.reading, steps: false };
    const how = { failed: (/** @type {string} */ why) => this.#refused(why), follows };
    this.#view.ask(this.#channel, 'attack', asked, (answer, pictures) => this.#answered(answer, pictures), how);
  }

  /** @param {Attacked} answer @param {(Shown | null)[]} pictures */
  #answered(answer, pictures) {
    this.#rest();
    this.show(answer, pictures);
    this.#settling = setTimeout(() => this.#settle(answer), SETTLED);
    if (answer.state !== 'searching' && !this.pad.inking && !this.#isArriving) this.#hooks.ended(answer);
  }

  /** @param {string} why */
  #refused(why) {
    this.#rest();
    this.show(null);
    this.#hooks.refused(why);
  }

  #rest() {
    clearTimeout(this.#settling);
    clearTimeout(this.#lateness);
  }

  /** @param {Attacked} answer */
  #settle(answer) {
    if (this.#isArriving || this.#shown !== answer) return;
    if (this.pad.inking) this.#settling = setTimeout(() => this.#settle(answer), SETTLED);
    else this.#hooks.say(sentence(answer, this.#sampleLabels.get(this.pad.drawing) ?? null));
  }

  /** Numbers and pictures at once. @param {Attacked | null} answer @param {(Shown | null)[]} [pictures] of x, r and x + r */
  show(answer, pictures = []) {
    this.#shown = answer;
    for (const [k, surface] of this.#surfaces.entries()) surface.show(pictures[k]);
    this.#targets.mark(answer?.digit?.label ?? null);
    this.#hooks.shown(answer);
  }

  /** @param {string} why nothing can be computed */
  fail(why) {
    if (this.#hasLeft) return;
    this.#isFatal = true;
    this.#rest();
    this.show(null);
    this.#hooks.fatal(why);
  }

  leave() {
    this.#hasLeft = true;
    this.#unlisten();
    this.#stopArrival();
    this.#rest();
    this.client.cancel(this.#channel);
  }
}
