// @ts-check
/** A network learns from its own adversarial examples, while the visitor watches the change grow that their digit needs. */
import { create, download } from '../dom.js';
import { percent } from '../numbers.js';
import { chart } from './chart.js';
import { empty, picture, show } from './picture.js';
import { Trainer } from './trainer.js';

/** @import { Client } from '../client.js' */
/** @import { Attacked, Digit, Measures, Progress } from './trainer.js' */
/** @import { Scene, Tools, Update } from './stage.js' */

/** The visitor's digit is attacked again so often, in milliseconds. */
const PACE = 1000;
/** Pictures in the gallery. */
const GALLERY = 12;
/** What can be chosen for a network from scratch. */
const WIDTHS = [30, 100, 200];
const ACTIVATIONS = ['sigmoid', 'relu', 'tanh'];
const DECAYS = [0, 1e-4, 1e-3];

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, page }) {
  /** @type {Scene | null} */ let scene = null;
  /** The name of what is trained. */
  let trained = '';
  let asked = 0;
  const words = create('p', { class: 'words', id: 'feed-words' });
  const curves = curvesView();
  const pair = pairView(client);
  const gallery = galleryView(client);
  const trainer = new Trainer({
    progress: (progress) => controls.show(progress),
    measured: (measures) => curves.add(measures),
    gallery: (digits) => gallery.show(digits),
    attacked: (attacked) => attacked.id === asked && pair.show(attacked),
    failed: (sentence) => controls.note(sentence),
  });
  const begin = (/** @type {string} */ name, /** @type {object} */ request) => {
    trained = name;
    curves.clear();
    pair.clear();
    controls.wait();
    trainer.begin(request);
  };
  const controls = controlsView({
    harden: () => scene && begin(`${scene.network} (hardened here)`, { harden: { network: scene.bytes, options: null } }),
    scratch: (hidden, activation, decay) => begin(`784-${hidden.join('-')}-10 (trained here)`, scratch(hidden, activation, decay)),
    say: (what) => trainer.say(what),
    use: async () => {
      const name = await page.addNetwork(await trainer.snapshot(), `${trained}.safetensors`);
      controls.note(`${name} is now attacked above.`);
    },
    download: async () => {
      const { name, network } = await trainer.download();
      download(name, network, 'application/octet-stream');
    },
  });
  figure.append(controls.element, words, create('div', { class: 'columns feed' }, pair.element, curves.element), gallery.element);

  setInterval(() => {
    const digit = scene?.answer?.digit;
    if (!digit || !controls.isRunning || document.hidden) return;
    asked++;
    trainer.attack(asked, digit.values, scene?.target === 'any' ? null : (scene?.target ?? null));
  }, PACE);
  return (next) => {
    scene = next;
    controls.name(next.network);
  };
}

/** @param {number[]} hidden @param {string} activation @param {number} decay */
const scratch = (hidden, activation, decay) => ({ scratch: { hidden, activation, decay, options: null } });

/**
 * @param {object} does
 * @param {() => void} does.harden
 * @param {(hidden: number[], activation: string, decay: number) => void} does.scratch
 * @param {(what: 'pause' | 'resume' | 'cancel' | 'reset') => void} does.say
 * @param {() => Promise<void>} does.use
 * @param {() => Promise<void>} does.download
 */
function controlsView(does) {
  const button = (/** @type {string} */ name, /** @type {() => void} */ clicked) => {
    const made = create('button', { type: 'button' }, name);
    made.addEventListener('click', clicked);
    return made;
  };
  const choice = (/** @type {string} */ name, /** @type {(string | number)[]} */ all, /** @type {string | number} */ chosen) => {
    const options = all.map((each) =>
      create('option', { value: String(each), ...(each === chosen ? { selected: '' } : {}) }, String(each)),
    );
    const select = create('select', {}, ...options);
    return { select, label: create('label', {}, `${name} `, select) };
  };
  /** @type {Progress['state']} */ let state = 'idle';
  const harden = button('Harden this network', does.harden);
  const [width, activation, decay] = [
    choice('Units', WIDTHS, 100),
    choice('Activation', ACTIVATIONS, 'sigmoid'),
    choice('Weight decay', DECAYS, 1e-4),
  ];
  const scratch = button('Train a new one', () => {
    const units = Number(width.select.value);
    does.scratch([units, units], activation.select.value, Number(decay.select.value));
  });
  const pause = button('Pause', () => does.say(state === 'paused' ? 'resume' : 'pause'));
  const stop = button('Stop', () => does.say('cancel'));
  const reset = button('Reset', () => does.say('reset'));
  const use = button('Attack it above', does.use);
  const save = button('Download', does.download);
  const bar = create('progress', { max: '1', value: '0', 'aria-label': 'Training' });
  const words = create('p', { class: 'words' });
  const note = create('p', { class: 'note' });
  const element = create(
    'div',
    { class: 'training' },
    create('div', { class: 'player' }, harden, scratch, width.label, activation.label, decay.label),
    create('div', { class: 'player' }, pause, stop, reset, use, save),
    bar,
    words,
    note,
  );
  const refresh = () => {
    const isActive = state === 'running' || state === 'paused';
    pause.textContent = state === 'paused' ? 'Resume' : 'Pause';
    for (const each of [pause, stop]) each.disabled = !isActive;
    for (const each of [reset, use, save]) each.disabled = state === 'idle';
  };
  refresh();
  return {
    element,
    get isRunning() {
      return state !== 'idle';
    },
    /** @param {string} network */
    name(network) {
      harden.textContent = `Harden ${network}`;
    },
    wait() {
      words.textContent = 'Fetching the trainer and 10,000 digits …';
      note.textContent = '';
    },
    /** @param {Progress} progress */
    show({ state: next, step, steps, speed, remaining }) {
      state = next;
      bar.value = steps > 0 ? step / steps : 0;
      const time = remaining === null || state !== 'running' ? '' : `, ${minutes(remaining)} to go`;
      const pace = speed > 0 && state === 'running' ? `, ${Math.round(speed).toLocaleString('en')} images a second` : '';
      words.textContent =
        state === 'idle' ? '' : `${STATES[state]}: step ${step.toLocaleString('en')} of ${steps.toLocaleString('en')}${time}${pace}.`;
      refresh();
    },
    /** @param {string} sentence */
    note(sentence) {
      note.textContent = sentence;
    },
  };
}

/** @type {Record<Progress['state'], string>} */
const STATES = { idle: 'Idle', running: 'Training', paused: 'Paused', stopped: 'Stopped', done: 'Done' };

/** @param {number} milliseconds */
function minutes(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** What held-out digits say, as training goes on. */
function curvesView() {
  const error = chart({ name: 'Error on held-out digits', height: 150 });
  const distortion = chart({ name: 'Mean minimal distortion', height: 150 });
  const loss = chart({ name: 'Loss on held-out digits', height: 150 });
  /** @type {Measures[]} */ let all = [];
  const draw = () => {
    const x = { label: 'step', domain: /** @type {[number, number]} */ ([0, Math.max(all.at(-1)?.step ?? 0, 1)]) };
    const line = (
      /** @type {ReturnType<typeof chart>} */ of,
      /** @type {string} */ label,
      /** @type {(measures: Measures) => number} */ value,
    ) => {
      const points = all.map((each) => /** @type {[number, number]} */ ([each.step, value(each)]));
      const most = Math.max(...points.map(([, y]) => y), 1e-3);
      of.draw({ x, y: { label, domain: [0, 1.1 * most] }, lines: [{ points, kind: 'to' }] });
    };
    line(distortion, 'mean minimal distortion, nearest label', (each) => each.distortion);
    line(error, 'error on held-out digits, %', (each) => 100 * each.error);
    line(loss, 'loss on held-out digits', (each) => each.loss);
    const [first, last] = [all[0], all.at(-1)];
    if (!first || !last) return;
    const times = first.distortion > 0 ? `, ${(last.distortion / first.distortion).toFixed(2)} times what it was` : '';
    distortion.describe(`${last.distortion.toFixed(3)}${times}`);
    error.describe(`${percent(last.error)}, ${percent(first.error)} at first`);
    loss.describe(last.loss.toFixed(3));
  };
  draw();
  return {
    element: create('div', {}, distortion.element, error.element, loss.element),
    clear() {
      all = [];
      draw();
    },
    /** @param {Measures} measures */
    add(measures) {
      all = [...all.filter(({ step }) => step < measures.step), measures];
      draw();
    },
  };
}

/** The visitor's digit, attacked on the network before and on the network now. @param {Client} client */
function pairView(client) {
  const [before, after] = [
    picture(client, 'feed-before', 'The change that the network before needs'),
    picture(client, 'feed-after', 'The change that the network now needs'),
  ];
  const [beforeWords, afterWords] = [create('p', {}), create('p', {})];
  const words = create('p', { class: 'words' });
  const element = create(
    'div',
    {},
    create('div', { class: 'pair' }, create('div', {}, before.element, beforeWords), create('div', {}, after.element, afterWords)),
    words,
  );
  const clear = () => {
    for (const each of [before, after]) empty(client, each);
    beforeWords.textContent = 'before';
    afterWords.textContent = 'now';
    words.textContent = 'The same digit, both networks, one scale of colours: what r looks like before and after.';
  };
  clear();
  return {
    element,
    clear,
    /** @param {Attacked} attacked */
    show({ before: old, after: now }) {
      const both = [old, now].filter(({ outcome }) => outcome?.success);
      const limit = Math.max(...both.flatMap(({ r }) => [...r].map(Math.abs)), 1e-3);
      for (const { side, surface, place, name } of [
        { side: old, surface: before, place: beforeWords, name: 'before' },
        { side: now, surface: after, place: afterWords, name: 'now' },
      ]) {
        if (side.outcome?.success) show(client, surface, { r: side.r, limit });
        else empty(client, surface);
        place.textContent = side.outcome?.success
          ? `${name}: ${side.outcome.norm.toFixed(2)}`
          : `${name}: ${side.outcome ? 'none found' : `predicts ${side.prediction} as it is`}`;
      }
      const [a, b] = [old.outcome, now.outcome];
      if (!a?.success || !b?.success) {
        words.textContent = '';
        return;
      }
      const fooled = old.transfer !== now.prediction ? `fools the new one too: it predicts ${old.transfer}` : `does not fool the new one`;
      words.textContent = `It takes ${(b.norm / a.norm).toFixed(2)} times the change. The example made for the old network ${fooled}.`;
    },
  };
}

/** The digits that are let go for the least. @param {Client} client */
function galleryView(client) {
  const cells = Array.from({ length: GALLERY }, (_, k) => {
    const small = picture(client, `feed-${k}`);
    const words = create('figcaption', {});
    return { small, words, element: create('figure', {}, small.element, words) };
  });
  const element = create(
    'div',
    { class: 'hardest' },
    create('p', { class: 'caption' }, 'Hard negatives: the training digits that the network of the moment lets go for the least change'),
    create(
      'div',
      { class: 'tops', role: 'group', 'aria-label': 'The digits that are let go for the least change' },
      ...cells.map((cell) => cell.element),
    ),
  );
  element.hidden = true;
  return {
    element,
    /** @param {Digit[]} digits */
    show(digits) {
      element.hidden = digits.length === 0;
      for (const [k, { small, words }] of cells.entries()) {
        const digit = digits[k];
        if (digit) show(client, small, { image: digit.adversarial, r: new Float32Array(digit.adversarial.length) });
        else empty(client, small);
        words.textContent = digit ? `${digit.label} → ${digit.to}, ${digit.norm.toFixed(2)}` : '';
      }
    },
  };
}
