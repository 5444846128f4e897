// @ts-check
/**
 * What starts, stops and steers training.
 *
 * @import { Progress } from './trainer.js'
 * @import { Activation } from '../training.js'
 */
import { create } from '../dom.js';

/** What can be chosen for a new network. */
const WIDTHS = [10, 30, 100, 200];
/** @type {Activation[]} */ const ACTIVATIONS = ['sigmoid', 'tanh', 'relu'];
const DECAYS = ['0', '1e-4', '1e-3', '1e-2'];
/** @type {Record<Progress['state'], string>} */
const STATES = { idle: 'Not begun', running: 'Training', paused: 'Paused', stopped: 'Stopped', done: 'Done' };
const FIRST = 'Loads 2.1 MB first: candle, the library that trains, and 20,000 digits. All of it runs on your computer.';

/**
 * @param {object} does
 * @param {() => void} does.harden
 * @param {(hidden: number[], activation: Activation, decay: number) => void} does.scratch
 * @param {(what: 'pause' | 'resume' | 'cancel' | 'reset') => void} does.say
 * @param {() => void} does.use
 * @param {() => void} does.save
 */
export function controlsView(does) {
  /** @type {Progress['state']} */ let state = 'idle';
  let network = 'this network';
  let isWaiting = false;
  const harden = button('', does.harden);
  const pause = button('Pause', () => does.say(state === 'paused' ? 'resume' : 'pause'));
  const stop = button('Stop', () => does.say('cancel'));
  const reset = button('Reset', () => does.say('reset'));
  const use = button('Attack it above', does.use);
  const save = button('Download it', does.save);
  const scratch = scratchView(does.scratch);
  const bar = create('progress', { max: '1', value: '0', 'aria-label': 'Training' });
  const words = create('p', { class: 'note' });
  const note = create('p', { class: 'words' });
  const steering = create('div', { class: 'steering' }, bar, words, create('div', { class: 'player' }, pause, stop, reset, use, save));
  const element = create('div', { class: 'training' }, create('div', { class: 'player' }, harden, scratch.element), steering, note);

  const refresh = () => {
    const isActive = state === 'running' || state === 'paused';
    harden.textContent = `Harden ${network}`;
    harden.disabled = isWaiting || isActive;
    scratch.disable(isWaiting || isActive);
    pause.textContent = state === 'paused' ? 'Go on' : 'Pause';
    pause.disabled = stop.disabled = !isActive;
  };
  const end = (/** @type {string} */ sentence) => {
    isWaiting = false;
    state = 'idle';
    steering.hidden = true;
    note.textContent = sentence;
    refresh();
  };
  end(FIRST);
  note.classList.add('first');
  return {
    element,
    end,
    /** The network above, which can be hardened. @param {string} name */
    name(name) {
      network = name;
      refresh();
    },
    /** Something is being loaded. */
    wait() {
      isWaiting = true;
      note.classList.remove('first');
      note.textContent = 'Loading candle and the digits …';
      refresh();
    },
    /** @param {Progress} progress */
    show(progress) {
      if (isWaiting) note.textContent = '';
      isWaiting = false;
      state = progress.state;
      steering.hidden = false;
      bar.max = progress.steps;
      bar.value = progress.step;
      words.textContent = stand(progress);
      refresh();
    },
    /** @param {string} sentence */
    note(sentence) {
      note.textContent = sentence;
    },
  };
}

/** @param {string} name @param {() => void} clicked */
function button(name, clicked) {
  const made = create('button', { type: 'button' }, name);
  made.addEventListener('click', clicked);
  return made;
}

/** A network from nothing. @param {(hidden: number[], activation: Activation, decay: number) => void} begin */
function scratchView(begin) {
  const first = choice('First layer', WIDTHS.map(String), '100');
  const second = choice('Second layer', [...WIDTHS.map(String), 'none'], '100');
  const activation = choice('Activation', ACTIVATIONS, 'sigmoid');
  const decay = choice('Weight decay', DECAYS, '1e-4');
  const start = button('Train it', () => {
    const hidden = [first, second].map(({ select }) => Number(select.value)).filter((width) => width > 0);
    begin(hidden, /** @type {Activation} */ (activation.select.value), Number(decay.select.value));
  });
  const choices = create('div', { class: 'player' }, first.label, second.label, activation.label, decay.label, start);
  const element = create('details', { class: 'scratch' }, create('summary', {}, 'or train a new one from scratch'), choices);
  return {
    element,
    /** @param {boolean} isOff */
    disable(isOff) {
      start.disabled = isOff;
    },
  };
}

/** @param {string} name @param {string[]} all @param {string} chosen */
function choice(name, all, chosen) {
  const select = create('select', {}, ...all.map((each) => create('option', each === chosen ? { selected: '' } : {}, each)));
  return { select, label: create('label', {}, `${name} `, select) };
}

/** @param {Progress} progress */
function stand({ state, step, steps, remaining, speed }) {
  const place = `${STATES[state]}: step ${step.toLocaleString('en')} of ${steps.toLocaleString('en')}`;
  if (state !== 'running' || remaining === null || speed <= 0) return `${place}.`;
  return `${place}, ${time(remaining)} to go, ${round(speed).toLocaleString('en')} images a second.`;
}

/** @param {number} milliseconds */
function time(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** To two digits, so that it does not flicker. @param {number} value */
const round = (value) => Number(value.toPrecision(2));
