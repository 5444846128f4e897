// @ts-check
/** What several page tests share: drawings, and what the page says. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { IN_WEBKIT } from './harness.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/**
 * @typedef {import('./harness.mjs').Page} Page
 * @typedef {import('./harness.mjs').Point} Point
 */

/** A visitor who does not want motion: the sample of the arrival is there at once. */
export const STILL = /** @type {const} */ ({ context: { reducedMotion: 'reduce' } });

/**
 * A digit as somebody wrote it, from the fixtures of src/digit.rs.
 * @param {number} digit
 * @param {string} [hand]
 * @returns {Promise<Point[][]>}
 */
export async function written(digit, hand = 'schoolbook') {
  const file = new URL(`../fixtures/strokes/${hand}.json`, import.meta.url);
  const { side, drawings } = JSON.parse(await readFile(file, 'utf8'));
  const strokes = drawings.find((/** @type {{ digit: number }} */ each) => each.digit === digit).strokes;
  return strokes.map((/** @type {number[]} */ stroke) => {
    /** @type {Point[]} */ const points = [];
    // Every tenth point, and the last: the harness fills in between.
    for (let k = 0; k < stroke.length; k += 30) points.push([stroke[k] / side, stroke[k + 1] / side]);
    const [x, y] = stroke.slice(-3);
    points.push([x / side, y / side]);
    return points;
  });
}

/** @param {Page} page */
export const status = (page) => page.getByRole('status');

/**
 * The outcome in words, once the search has settled.
 * @param {Page} page
 * @param {RegExp} [expected]
 */
export async function settled(page, expected = /./) {
  await status(page).filter({ hasText: expected }).waitFor();
  return (await status(page).textContent()) ?? '';
}

/** @param {Page} page @param {string} name */
export const target = (page, name) => page.getByRole('radio', { name, exact: true });

/**
 * The picture's colours as the browser shows them, for comparison with each other.
 * @param {Page} page
 * @param {string} name
 */
export const colours = (page, name) => pixels(page.getByRole('img', { name, exact: true }));

/**
 * What a canvas holds.
 * @param {import('playwright-core').Locator} canvas
 * @returns {Promise<number[]>}
 */
export function pixels(canvas) {
  return canvas.evaluate((each) => {
    if (!(each instanceof HTMLCanvasElement)) throw new Error('no canvas');
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [each.width, each.height];
    const context = copy.getContext('2d');
    context?.drawImage(each, 0, 0);
    return [...(context?.getImageData(0, 0, copy.width, copy.height).data ?? [])];
  });
}

/**
 * A safetensors file.
 * @param {Record<string, { shape: number[], values: (k: number) => number }>} tensors
 */
export function safetensors(tensors) {
  /** @type {Record<string, object>} */ const header = { __metadata__: { activation: 'relu', name: 'Made up' } };
  const parts = [];
  let end = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => values(k));
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
    parts.push(Buffer.from(data.buffer));
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

/** A number in [−size, size) from each k, the same in every run. @param {number} size */
const scattered = (size) => (/** @type {number} */ k) => size * ((((k + 1) * 2654435761) % 4294967296) / 2147483648 - 1);

/** A network that predicts 3 of everything and 8 of nothing, after much work. @param {number} width */
export const stubborn = (width) =>
  safetensors({
    'fc1.weight': { shape: [width, 784], values: scattered(0.05) },
    'fc1.bias': { shape: [width], values: () => 0 },
    'fc2.weight': { shape: [10, width], values: scattered(0.01) },
    'fc2.bias': { shape: [10], values: (label) => (label === 3 ? 100 : label === 8 ? -1000 : 0) },
  });

/** Keeps hold of the Workers that a page starts, for {@link killWorkers}. @param {Page} page */
export const rememberWorkers = (page) =>
  page.addInitScript(() => {
    const workers = /** @type {Worker[]} */ ([]);
    const Original = window.Worker;
    const Remembered = class extends Original {
      /** @param {ConstructorParameters<typeof Worker>} given */
      constructor(...given) {
        super(...given);
        workers.push(this);
      }
    };
    Object.assign(window, { Worker: Remembered, startedWorkers: workers });
  });

/**
 * Ends the Workers that a page has started, as a browser short of memory does: without a word to the page.
 * @param {Page} page
 * @param {number} [from] the first that is ended
 * @returns {Promise<number>} how many there were to end
 */
export const killWorkers = (page, from = 0) =>
  page.evaluate((from) => {
    const workers = /** @type {Window & { startedWorkers?: Worker[] }} */ (window).startedWorkers?.slice(from) ?? [];
    for (const worker of workers) worker.terminate();
    return workers.length;
  }, from);

/** A page has so many Workers, as far as the browser tells: WebKit does not. @param {Page} page @param {number} count */
export const hasWorkers = (page, count) => IN_WEBKIT || page.workers().length === count;

/** A browser, or a page around this one, that starts no Worker. @param {Page} page */
export async function withoutWorkers(page) {
  await page.addInitScript(() => {
    Object.defineProperty(window, 'Worker', {
      value: class {
        constructor() {
          throw new DOMException('not here', 'SecurityError');
        }
      },
    });
  });
}

/** axe-core finds nothing wrong. @param {Page} page @param {string} state in words */
export async function inspect(page, state) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await readFile(AXE, 'utf8'));
  const violations = await page.evaluate(async () => {
    // @ts-expect-error axe is what has just been evaluated
    const found = await window.axe.run({ resultTypes: ['violations'] });
    return found.violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.map((/** @type {any} */ n) => n.html).join(' ')}`);
  });
  assert.deepEqual(violations, [], state);
}

/** Each of the controls is large enough to touch. @param {import('playwright-core').Locator} controls */
export async function touchable(controls) {
  const [count, small] = await controls.evaluateAll((all) => {
    const sizes = all.map((control) => ({ control, box: control.getBoundingClientRect() }));
    const small = sizes.filter(({ box }) => box.height < 40 || box.width < 40);
    return [all.length, small.map(({ control, box }) => `${control.outerHTML} is ${box.width} × ${box.height}`)];
  });
  assert(count > 0, 'there are some');
  assert.deepEqual(small, []);
}

/** Of all sections, as much as tells them apart. */
export const HEADINGS = [
  'nine disguises',
  'step by step',
  'chance',
  'Other networks',
  'Units or directions',
  'Why so little',
  'Feed it back',
  'Bring your own',
  'Keep it',
  'Were they right',
];

/**
 * Scrolls to a section, as a reader would.
 * @param {Page} page
 * @param {string} heading
 */
export async function section(page, heading) {
  const found = page.getByRole('region', { name: heading });
  await found.scrollIntoViewIfNeeded();
  await found.locator('.figure > *').filter({ visible: true }).first().waitFor();
  await found.scrollIntoViewIfNeeded();
  return found;
}
