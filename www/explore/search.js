// @ts-check
/** One search, evaluation by evaluation, and what the readings of c change. */
import { create } from '../dom.js';
import { NOTHING, significant } from '../numbers.js';
import { SIDE } from '../surface.js';
import { chart } from './chart.js';
import { empty, picture, show } from './picture.js';
import { weightView } from './weight.js';

/** @import { Client } from '../client.js' */
/** @import { Compared, Reading, Step, Target, Trace } from '../protocol.js' */
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
/** @type {[Reading, string, string][]} */
const READINGS = [
  ['weight', 'c as a weight', 'the search over c alone'],
  ['scale', 'c as a scale', 'one c, then r is shortened'],
  ['both', 'both', 'the search, then r is shortened'],
];

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, page }) {
  const player = playerView(client);
  const weight = weightView(client);
  const table = tableView(page);
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
      player.show(null, null);
      weight.about(null);
      table.show([]);
      return;
    }
    const image = digit.values;
    const found = answer?.outcome?.ending === 'success' ? answer.outcome : null;
    weight.about(found && { network, image, label: digit.label, target, c: found.c, norm: found.norm });
    client.ask('trace', 'trace', { network, reading, image, target }, (trace) => player.show(trace, image));
    client.ask('readings', 'readings', { network, image, targets: [towards, 'any'] }, (compared) => table.show(compared));
  };
}

/** @param {Client} client */
function playerView(client) {
  const change = picture(client, 'step-r', 'The change at this evaluation');
  const sum = picture(client, 'step-sum', 'The digit at this evaluation');
  const heading = create('h3', {});
  const doing = create('p', {});
  const now = create('p', { class: 'now' });
  const back = create('button', { type: 'button' }, 'Step back');
  const play = create('button', { type: 'button', class: 'play' }, 'Play');
  const on = create('button', { type: 'button' }, 'Step on');
  const slider = create('input', { type: 'range', id: 'evaluation', min: '1', max: '1', value: '1' });
  const charts = {
    margin: chart({ name: 'Margin', height: 190 }),
    norm: chart({ name: 'Size of the change', height: 190 }),
    loss: chart({ name: 'Loss and objective', height: 190 }),
    c: chart({ name: 'Bracket on c', height: 190 }),
  };
  const element = create(
    'div',
    { class: 'columns search' },
    create('div', { class: 'narrow moment' }, create('div', { class: 'pair' }, change.element, sum.element), heading, doing, now),
    create(
      'div',
      { class: 'wide' },
      create(
        'div',
        { class: 'player' },
        play,
        back,
        on,
        create('label', { for: 'evaluation', class: 'visually-hidden' }, 'Evaluation'),
        slider,
      ),
      create('div', { class: 'charts' }, charts.margin.element, charts.norm.element, charts.c.element, charts.loss.element),
    ),
  );
  /** @type {Trace | null} */ let trace = null;
  /** @type {Float32Array | null} */ let image = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */ let playing;
  /** The first search plays by itself, so that the figure is seen to move; not where motion is unwanted. */
  let isFirst = !matchMedia('(prefers-reduced-motion: reduce)').matches;

  const at = () => Number(slider.value) - 1;
  const stop = () => {
    clearInterval(playing);
    playing = undefined;
    play.textContent = 'Play';
  };
  /** @param {number} k */
  const go = (k) => {
    slider.value = String(k + 1);
    refresh();
  };
  const start = () => {
    if (!trace) return;
    if (at() === trace.steps.length - 1) go(0);
    play.textContent = 'Pause';
    playing = setInterval(() => {
      if (!trace || at() >= trace.steps.length - 1) return stop();
      go(at() + 1);
    }, PACE);
  };
  play.addEventListener('click', () => (playing ? stop() : start()));
  /** @param {() => void} does */
  const byHand = (does) => () => {
    stop();
    does();
  };
  back.addEventListener(
    'click',
    byHand(() => go(at() - 1)),
  );
  on.addEventListener(
    'click',
    byHand(() => go(at() + 1)),
  );
  slider.addEventListener('input', byHand(refresh));

  function refresh() {
    const none = !trace || !image;
    for (const control of [play, back, on, slider]) control.disabled = none;
    element.classList.toggle('off', none);
    if (!trace || !image) {
      empty(client, change);
      empty(client, sum);
      heading.textContent = 'Nothing to search for';
      doing.textContent = 'Draw a digit, and choose a target that is not its prediction already.';
      now.textContent = '';
      const axis = { label: '', domain: /** @type {[number, number]} */ ([0, 1]), ticks: [] };
      for (const each of Object.values(charts)) each.draw({ x: axis, y: axis, lines: [] });
      return;
    }
    const { steps, changes, limit, outcome } = trace;
    const k = at();
    const step = steps[k];
    const r = changes.subarray(k * PIXELS, (k + 1) * PIXELS);
    show(client, change, { r, limit });
    show(client, sum, { image, r });
    const last = k === steps.length - 1;
    [heading.textContent, doing.textContent] = PHASES[last ? 'scale' : step.phase];
    if (last && outcome.ending !== 'success') [heading.textContent, doing.textContent] = ['No example', 'The search ended without one.'];
    else if (last && outcome.scale === 1) doing.textContent = 'The smallest change that was seen to work.';
    now.textContent = remark(steps, k);
    back.disabled = k === 0;
    on.disabled = last;
    slider.setAttribute(
      'aria-valuetext',
      `${k + 1} of ${steps.length}: ${heading.textContent}, margin ${step.margin.toFixed(2)}, norm ${step.norm.toFixed(2)}`,
    );
    paint(steps, k);
  }

  /** @param {Step[]} steps @param {number} k */
  function paint(steps, k) {
    const x = {
      label: 'evaluation',
      domain: /** @type {[number, number]} */ ([1, Math.max(steps.length, 2)]),
      ticks: wholes(steps.length),
    };
    const line = (/** @type {(step: Step) => number | null} */ of) =>
      /** @type {[number, number][]} */ (steps.map((step, i) => [i + 1, of(step) ?? NaN]));
    const marks = [{ x: k + 1, kind: 'cursor' }];
    const good = (/** @type {(step: Step) => number} */ of) => [
      { points: line((step) => (step.margin >= 0 ? NaN : of(step))) },
      { points: line((step) => (step.margin >= 0 ? of(step) : NaN)), kind: 'good' },
    ];
    const range = (/** @type {number[]} */ values, floor = Infinity) => {
      const sound = values.filter(Number.isFinite);
      const [low, high] = [Math.min(...sound, floor), Math.max(...sound, -Infinity)];
      const room = 0.06 * (high - low || 1);
      return /** @type {[number, number]} */ ([low === floor ? floor : low - room, high + room]);
    };
    const margins = steps.map(({ margin }) => margin);
    charts.margin.draw({
      x,
      marks,
      lines: [{ points: line((s) => s.margin) }],
      dots: good((s) => s.margin),
      y: { label: 'margin: logit of the goal less the best other', name: 'margin', domain: range([...margins, 0]) },
      levels: [{ y: 0, label: 'misclassified above', kind: 'zero' }],
    });
    charts.norm.draw({
      x,
      marks,
      lines: [{ points: line((s) => s.norm) }],
      dots: good((s) => s.norm),
      y: {
        label: 'size of the change, ‖r‖₂',
        name: '‖r‖₂',
        domain: range(
          steps.map(({ norm }) => norm),
          0,
        ),
      },
    });
    const cs = steps.flatMap(({ c, succeeds, fails }) => [c, succeeds ?? c, fails ?? c]);
    charts.c.draw({
      x,
      marks,
      dots: [{ points: line((s) => s.c) }],
      y: { label: 'c, log scale; dashed: the bracket that closes in', domain: [Math.min(...cs) * 0.8, Math.max(...cs) * 1.25], log: true },
      lines: [
        { points: line((s) => s.c), name: 'c' },
        { points: line((s) => s.fails), kind: 'fails', name: 'known to fail' },
        { points: line((s) => s.succeeds), kind: 'succeeds', name: 'to succeed' },
      ],
    });
    charts.loss.draw({
      x,
      marks,
      y: { label: 'objective c‖r‖² + loss, and the loss alone', domain: range(steps.flatMap(({ objective, loss }) => [objective, loss])) },
      lines: [
        { points: line((s) => s.objective), kind: 'objective', name: 'objective' },
        { points: line((s) => s.loss), name: 'loss' },
      ],
    });
    const { margin, norm, loss, objective, c, succeeds, fails } = steps[k];
    charts.margin.describe(
      `${margin.toFixed(2)} at evaluation ${k + 1}, from ${margins[0].toFixed(2)} to ${margins[margins.length - 1].toFixed(2)} in all`,
    );
    charts.norm.describe(`${norm.toFixed(2)} at evaluation ${k + 1}`);
    charts.loss.describe(`objective ${objective.toFixed(2)}, loss ${loss.toFixed(2)} at evaluation ${k + 1}`);
    charts.c.describe(
      `c ${significant(c)}, known to succeed ${succeeds ? significant(succeeds) : 'none'}, to fail ${fails ? significant(fails) : 'none'}`,
    );
  }
  return {
    element,
    /** @param {Trace | null} next @param {Float32Array | null} of */
    show(next, of) {
      stop();
      trace = next;
      image = of;
      slider.max = String(next?.steps.length ?? 1);
      slider.value = slider.max;
      refresh();
      if (next && isFirst) {
        isFirst = false;
        start();
      }
    },
  };
}

/** Whole numbers for an axis. @param {number} last */
function wholes(last) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((s) => last / s <= 6) ?? 1000;
  return [1, ...Array.from({ length: Math.floor(last / step) }, (_, k) => (k + 1) * step).filter((k) => k > 1)];
}

/** What happened at one evaluation, in words. @param {Step[]} steps @param {number} k */
function remark(steps, k) {
  const step = steps[k];
  const where = `Evaluation ${k + 1} of ${steps.length}. `;
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

/** Readings of c down, losses across; the choice and what it comes to in one. @param {import('./stage.js').Page} page */
function tableView(page) {
  /** @type {Target} */ let towards = 8;
  const radio = (/** @type {string} */ name, /** @type {string} */ value, /** @type {() => void} */ chosen) => {
    const input = create('input', { type: 'radio', name, value });
    input.addEventListener('change', chosen);
    return input;
  };
  const losses = {
    towards: radio('loss', 'towards', () => page.chooseTarget(towards)),
    away: radio('loss', 'away', () => page.chooseTarget('any')),
  };
  const readings = new Map(READINGS.map(([reading]) => [reading, radio('reading', reading, () => page.chooseReading(reading))]));
  const cells = new Map(
    READINGS.flatMap(([reading]) => ['towards', 'away'].map((loss) => [`${reading} ${loss}`, create('td', {}, NOTHING)])),
  );
  const option = (/** @type {HTMLInputElement} */ input, /** @type {string} */ name, /** @type {string} */ more) =>
    create('label', { class: 'option' }, input, create('span', {}, name, create('small', {}, more)));
  const body = READINGS.map(([reading, name, more]) =>
    create(
      'tr',
      {},
      create('th', { scope: 'row' }, option(/** @type {HTMLInputElement} */ (readings.get(reading)), name, more)),
      ...['towards', 'away'].map((loss) => /** @type {Node} */ (cells.get(`${reading} ${loss}`))),
    ),
  );
  const table = create(
    'table',
    { class: 'readings' },
    create('caption', {}, 'The paper leaves two things open. What each reading of it costs, for this digit:'),
    create(
      'thead',
      {},
      create(
        'tr',
        {},
        create('td', {}),
        create('th', { scope: 'col' }, option(losses.towards, 'towards the target', 'its loss falls')),
        create('th', { scope: 'col' }, option(losses.away, 'away from the label', 'its loss rises, any target')),
      ),
    ),
    create('tbody', {}, ...body),
  );
  return {
    element: table,
    /** @param {Reading} reading @param {Target} target @param {Target} next */
    choose(reading, target, next) {
      towards = next;
      const loss = target === 'any' ? 'away' : 'towards';
      losses[loss].checked = true;
      const chosen = readings.get(reading);
      if (chosen) chosen.checked = true;
      for (const [key, cell] of cells) cell.classList.toggle('chosen', key === `${reading} ${loss}`);
    },
    /** @param {Compared[]} compared */
    show(compared) {
      for (const cell of cells.values()) cell.textContent = NOTHING;
      for (const { reading, target, outcome } of compared) {
        const cell = cells.get(`${reading} ${target === 'any' ? 'away' : 'towards'}`);
        if (!cell || !outcome) continue;
        if (outcome.ending !== 'success') cell.textContent = 'no example';
        else
          cell.replaceChildren(
            create('b', {}, outcome.norm.toFixed(3)),
            ` ${outcome.evaluations} evaluations`,
            ...(target === 'any' ? [`, classified as ${outcome.label}`] : []),
          );
      }
    },
  };
}
