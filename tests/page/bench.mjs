// @ts-check
/**
 * Measures the finished site in Chromium and prints one JSON object, on the last line. For `cargo xtask bench`.
 *
 * All figures are medians over the drawings of tests/fixtures/strokes (150 of them), each attacked with (label + 1) mod 10.
 * Evaluations and searches are timed in a Worker on the sections' module as shipped, `convolutional_ms` on CNN8-16-10; `stroke_to_paint_ms`
 * on the page itself, from the pointer event to the painted perturbation. Two figures are none of these medians: `frame_p95_ms`, of the time between two
 * frames of the page while a pen draws and the sections "nine" and "search" are on screen, and `longest_task_ms` of the page's
 * thread meanwhile, 0 where none took 50 ms.
 */

import { readFile, readdir } from 'node:fs/promises';
import { firstPaint } from './first-paint.mjs';
import { startBrowser, startServer } from './harness.mjs';

/** Whether it only has to be seen that it runs. */
const IS_BRIEF = process.argv.includes('--brief');
/** Pointer events to time on the page. */
const STROKE_EVENTS = IS_BRIEF ? 15 : 150;
/** Pointer events while frames are counted, 8 ms apart. */
const FRAME_EVENTS = IS_BRIEF ? 30 : 300;
/** Drawings that are attacked, and visits until the first painted perturbation. */
const [DRAWINGS, VISITS] = IS_BRIEF ? [6, 1] : [Infinity, 5];

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** @param {number[]} values @param {number} share */
const quantile = (values, share) => values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];

/** What runs in the Worker; `{base}` becomes the address of the module. */
const WORKER = `
import start, { Bench } from '{base}sections.js';
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
self.onmessage = async ({ data: drawings }) => {
  await start();
  const load = async (name) => new Bench(new Uint8Array(await (await fetch('{base}www/networks/' + name + '.safetensors')).arrayBuffer()));
  const bench = await load('FC100-100-10');
  const time = (work) => { const begun = performance.now(); work(); return performance.now() - begun; };
  const figures = { eval_us: [], roofline_us: [], search_ms: [], search_evaluations: [], nine_ms: [] };
  for (let round = -1; round < 3; round++) {
    for (const { points, starts } of drawings) {
      const image = bench.digit(points, starts);
      const prediction = bench.prediction(image);
      let search_evaluations;
      const search_ms = time(() => { search_evaluations = bench.search(image, (prediction + 1) % 10); });
      const adversarial = bench.adversarial;
      if (round < 0) { bench.evaluate(adversarial, 50); bench.roofline(50); continue; } // compiled and warm
      figures.search_ms.push(search_ms);
      figures.search_evaluations.push(search_evaluations);
      figures.eval_us.push(time(() => bench.evaluate(adversarial, 400)) * 2.5);
      figures.roofline_us.push(time(() => bench.roofline(400)) * 2.5);
      if (round === 0) figures.nine_ms.push(time(() => { for (let l = 0; l < 10; l++) if (l !== prediction) bench.search(image, l); }));
    }
  }
  const convolutional = await load('CNN8-16-10');
  figures.convolutional_ms = [];
  for (let round = -1; round < 1; round++) {
    for (const { points, starts } of drawings.slice(0, round < 0 ? 5 : drawings.length)) {
      const image = convolutional.digit(points, starts);
      const prediction = convolutional.prediction(image);
      const search_ms = time(() => convolutional.search(image, (prediction + 1) % 10));
      if (round >= 0) figures.convolutional_ms.push(search_ms);
    }
  }
  postMessage(Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, median(values)])));
};`;

/** @returns {Promise<{ digit: number, points: number[], starts: number[] }[]>} on a pad of side 1 */
async function drawings() {
  const folder = new URL('../fixtures/strokes/', import.meta.url);
  const all = [];
  for (const name of (await readdir(folder)).filter((name) => name.endsWith('.json'))) {
    const hand = JSON.parse(await readFile(new URL(name, folder), 'utf8'));
    for (const { digit, strokes } of hand.drawings) {
      const points = [];
      const starts = [];
      for (const stroke of strokes) {
        starts.push(points.length / 3);
        for (let k = 0; k < stroke.length; k += 3) points.push(stroke[k] / hand.side, stroke[k + 1] / hand.side, stroke[k + 2]);
      }
      all.push({ digit, points, starts });
    }
  }
  return all;
}

const html = await readFile(
  new URL('index.html', `file://${process.env.POCKETS_DIST ?? new URL('../../dist', import.meta.url).pathname}/`),
  'utf8',
);
const base = `/${/(?:src|href)="(?:\.\/)?([^"]*)www\//.exec(html)?.[1] ?? ''}`;
const server = await startServer({
  extra: { '/bench.js': WORKER.replaceAll('{base}', base), '/bench.html': '<!doctype html><title>bench</title>' },
});
const browser = await startBrowser();
try {
  const page = await browser.newPage();
  await page.goto(`${server.url}bench.html`);
  const figures = await page.evaluate(
    async (drawings) => {
      const worker = new Worker('/bench.js', { type: 'module' });
      const typed = drawings.map(({ digit, points, starts }) => ({
        digit,
        points: new Float32Array(points),
        starts: new Uint32Array(starts),
      }));
      return new Promise((done, refuse) => {
        worker.onmessage = ({ data }) => done(data);
        worker.onerror = ({ message }) => refuse(new Error(message));
        worker.postMessage(typed);
      });
    },
    (await drawings()).slice(0, DRAWINGS),
  );

  const demo = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  await demo.goto(server.url);
  await demo.getByRole('status').filter({ hasText: /./ }).waitFor();
  await demo.getByRole('button', { name: 'Clear', exact: true }).click();
  await demo.evaluate(() => {
    /** @type {number[]} */ const delays = [];
    Object.assign(window, { delays });
    let last = 0;
    document.addEventListener(
      'pointermove',
      (event) => {
        if (event.buttons) last = event.timeStamp;
      },
      { capture: true },
    );
    // Pictures and numbers come in one message: the norm is set in the task that puts the perturbation on screen.
    const norm = document.querySelector('#norm');
    const text = Object.getOwnPropertyDescriptor(Node.prototype, 'textContent');
    if (!norm || !text) throw new Error('The page has no norm.');
    Object.defineProperty(norm, 'textContent', {
      /** @param {string} words */
      set(words) {
        if (last && /\d/.test(words)) {
          delays.push(performance.now() - last);
          last = 0;
        }
        text.set?.call(norm, words);
      },
    });
  });
  // A slow spiral: every event gets an answer of its own.
  const box = await demo.getByLabel('Drawing pad', { exact: true }).boundingBox();
  if (!box) throw new Error('The page has no drawing pad.');
  const at = (/** @type {number} */ k) => [
    box.x + box.width * (0.5 + 0.002 * k * Math.cos(k / 12)),
    box.y + box.height * (0.5 + 0.0025 * k * Math.sin(k / 12)),
  ];
  await demo.mouse.move(at(10)[0], at(10)[1]);
  await demo.mouse.down();
  for (let k = 10; k < 10 + STROKE_EVENTS; k++) {
    await demo.mouse.move(at(k)[0], at(k)[1]);
    await demo.waitForTimeout(30);
  }
  await demo.mouse.up();
  const delays = await demo.evaluate(() => /** @type {any} */ (window).delays);
  if (delays.length < (2 / 3) * STROKE_EVENTS)
    throw new Error(`Only ${delays.length} of ${STROKE_EVENTS} pointer events led to a painted perturbation.`);

  // Every section has been seen once, and two of them are in sight below the demo.
  for (const section of await demo.locator('#explore > section').all()) {
    await section.scrollIntoViewIfNeeded();
    await section.locator('.figure > *').first().waitFor();
  }
  await demo.setViewportSize({ width: 1280, height: 1500 });
  await demo.evaluate(() => {
    scrollTo(0, 0);
    const [intervals, tasks] = [/** @type {number[]} */ ([]), [0]];
    Object.assign(window, { intervals, tasks });
    let last = NaN;
    requestAnimationFrame(function frame(now) {
      if (now > last) intervals.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    });
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  });
  await demo.mouse.move(at(10)[0], at(10)[1]);
  await demo.mouse.down();
  for (let k = 10; k < 10 + FRAME_EVENTS; k++) {
    await demo.mouse.move(at(k % 150)[0], at(k % 150)[1]);
    await demo.waitForTimeout(8);
  }
  await demo.mouse.up();
  const { intervals, tasks } = await demo.evaluate(() => {
    const { intervals, tasks } = /** @type {any} */ (window);
    return { intervals, tasks };
  });

  Object.assign(figures, {
    stroke_to_paint_ms: median(delays),
    frame_p95_ms: quantile(intervals, 0.95),
    longest_task_ms: Math.max(...tasks),
    first_paint_ms: await firstPaint(VISITS),
  });
  const rounded = Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Number(Number(value).toFixed(3))]));
  process.stdout.write(`${JSON.stringify(rounded)}\n`);
} finally {
  await browser.close();
  await server.close();
}
