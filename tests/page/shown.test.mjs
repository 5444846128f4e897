// @ts-check
/**
 * What is shown, in pixels of screenshots: x, r and x + r are those of the question that the page asks, computed natively, in the colours of
 * the theme, and each of their 784 squares is flat to its edges. Nothing is black, blank, blurred, or of an older answer than the rest.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { decode, encode, flatten, fromPad } from '../../www/drawing.js';
import { DIST, SCREENSHOTS, draw, open, startBrowser, watch } from './harness.mjs';
import { STILL, killWorkers, rememberWorkers, settled, target, withoutWorkers, written } from './helpers.mjs';
import { prepare, script } from './hosts.mjs';
import { valuesOf } from './native.mjs';
import { THEMES, differences, expected, faults, picture } from './pictures.mjs';

/**
 * @import { Page } from './harness.mjs'
 * @typedef {import('playwright-core').Frame | Page} Place
 * @typedef {{ digit: string, target?: number | 'any', network?: string }} State as a link has it
 */

/** The three pictures, by their names. @type {['Network input' | 'Perturbation' | 'Adversarial digit', 'x' | 'r' | 'sum'][]} */
const PICTURES = [
  ['Network input', 'x'],
  ['Perturbation', 'r'],
  ['Adversarial digit', 'sum'],
];

/** Those of an embed, whose pad shows the digit itself. */
const EMBEDDED = PICTURES.slice(1);

/** What comes last, by its address. @type {[string, RegExp][]} */
const FILES = [
  ['the style sheet', /\.css$/],
  ['the page’s script', /\/(main|embed|element-view)\.js$/],
  ['the Worker’s script', /\/worker\.js$/],
  ['the WebAssembly module', /\.wasm$/],
  ['the network', /\.safetensors$/],
];
/** The network that every demo begins with. @type {string} */
const FIRST = JSON.parse(await readFile(new URL('../../www/networks/index.json', import.meta.url), 'utf8'))[0].name;

/** So many milliseconds later than all others. */
const LATE = 400;
/** Within so many milliseconds another theme's colours are there. */
const SOON = 2000;

/** What comes late from the site that hosts' pages embed. @type {RegExp | null} */
let latecomer = null;
const { site, element, host } = await prepare(after, { late: (path) => (latecomer?.test(path) ? LATE : 0) });

/** A sample, as links have drawings. @param {number} label */
async function sample(label) {
  const { side, digits } = JSON.parse(await readFile(new URL('../../www/digits/samples.json', import.meta.url), 'utf8'));
  return encode(fromPad(digits[label].strokes, side));
}

/** What pictures should be of a state. @param {State} state @param {'light' | 'dark'} theme */
async function colours({ digit, target = 8, network = FIRST }, theme) {
  const drawing = decode(digit);
  assert(drawing, 'the link has a drawing');
  const { points, starts } = flatten(drawing);
  const subject = { strokes: { points: [...points], starts } };
  const values = await valuesOf({ network, subject, target, reading: 'both', steps: false });
  return expected(values, THEMES[theme]);
}

/** The page's own state, from its address. @param {Page} page @returns {Promise<State>} */
async function state(page) {
  const hash = await page.evaluate(() => location.hash);
  const { network, target, digit } = Object.fromEntries(new URLSearchParams(hash.slice(1).replaceAll(';', '&')));
  return { digit, network, target: target === 'any' ? 'any' : Number(target) };
}

/** What Firefox says: of the style that Playwright lays on a page for its pictures, and of a Worker of another origin, which the element does without. */
const EXPECTED = { expected: [/blocked an inline style \(style-src-elem\)/, /may not load data from .*worker\.js/] };

/** A picture as it is on the screen; nothing while the page moves it. @param {import('playwright-core').Locator} found */
async function look(found) {
  await found.scrollIntoViewIfNeeded();
  const before = await found.boundingBox();
  const png = await found.screenshot();
  return JSON.stringify(before) === JSON.stringify(await found.boundingBox()) ? png : null;
}

/**
 * The pictures are those of a state, at once, or where the browser is told of other colours soon.
 * @param {Place} place
 * @param {State} state
 * @param {{ theme?: 'light' | 'dark', pictures?: typeof PICTURES, soon?: boolean }} [how]
 */
async function shows(place, state, { theme = 'light', pictures = PICTURES, soon = false } = {}) {
  const wanted = await colours(state, theme);
  for (const [name, key] of pictures) {
    for (const begun = performance.now(); ; ) {
      const png = await look(place.getByRole('img', { name, exact: true }));
      if (!png) continue;
      const wrong = differences(picture(png), wanted[key] ?? []);
      if (!wrong) break;
      if (soon && performance.now() - begun < SOON) continue;
      await mkdir(SCREENSHOTS, { recursive: true });
      await writeFile(join(SCREENSHOTS, `wrong-${key}.png`), png);
      assert.fail(`${name}: ${wrong}`);
    }
  }
}

/**
 * Until the search has settled, each picture is on paper and crisp, whatever is known by then; at last it is what it should be.
 * @param {Place} place
 * @param {State} state
 * @param {typeof PICTURES} [pictures]
 */
async function comesTo(place, state, pictures = PICTURES) {
  const status = place.locator('.status').filter({ hasText: /makes it predict 8/ });
  /** What was wrong at the look before: one may fall between two layouts of the page. @type {Map<string, string>} */
  const before = new Map();
  for (let isSettled = false; !isSettled; ) {
    isSettled = (await status.count()) === 1;
    for (const [name] of pictures) {
      const found = place.getByRole('img', { name, exact: true });
      const png = (await found.count()) === 1 ? await look(found) : null;
      if (!png) continue;
      const wrong = faults(picture(png), THEMES.light.paper);
      assert(!wrong || !before.get(name), `${name}: ${before.get(name)}, then ${wrong}`);
      before.set(name, wrong);
    }
  }
  await shows(place, state, { pictures });
}

test('the page shows what is drawn, and what another target, network and theme make of it', async (t) => {
  const { page, draw } = await open(t, { ...STILL, ...EXPECTED });
  await draw(await written(5));
  await settled(page, /your digit as 5.*makes it predict 8/);
  await shows(page, await state(page));
  await target(page, '3').check();
  await settled(page, /makes it predict 3/);
  await shows(page, await state(page));
  await page.getByRole('combobox', { name: 'Network' }).selectOption('FC200-200-10');
  await page.waitForFunction(() => location.hash.includes('network=FC200-200-10'));
  await settled(page, /makes it predict 3/);
  const now = await state(page);
  assert.deepEqual([now.target, now.network], [3, 'FC200-200-10']);
  await shows(page, now);
  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await page.evaluate((theme) => document.documentElement.setAttribute('data-theme', theme), theme);
    await shows(page, now, { theme, soon: true });
  }
});

test('a dark page is dark from the first picture on', async (t) => {
  const { page } = await open(t, { ...EXPECTED, context: { ...STILL.context, colorScheme: 'dark' } });
  await settled(page, /makes it predict 8/);
  await shows(page, { digit: await sample(3) }, { theme: 'dark' });
});

test('on a telephone’s width the pictures are as crisp', async (t) => {
  const { page } = await open(t, { ...EXPECTED, context: { ...STILL.context, viewport: { width: 375, height: 812 } } });
  await settled(page, /makes it predict 8/);
  await shows(page, { digit: await sample(3) });
});

test('after a Worker has died its successor’s pictures are shown', async (t) => {
  const { page, draw } = await open(t, { ...STILL, ...EXPECTED, before: rememberWorkers });
  await settled(page, /makes it predict 8/);
  assert((await killWorkers(page)) > 0);
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  await shows(page, await state(page));
});

test('pictures that the page’s own thread has computed are shown', async (t) => {
  const { page, draw } = await open(t, { ...STILL, ...EXPECTED, before: withoutWorkers });
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  await shows(page, await state(page));
});

test('the page in one file shows the same', async (t) => {
  const stick = await mkdtemp(join(tmpdir(), 'pockets-shown-'));
  const browser = await startBrowser();
  await cp(join(DIST, 'pockets.html'), join(stick, 'pockets.html'));
  const context = await browser.newContext({ ...STILL.context, viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(20_000);
  const { faults } = watch(context);
  const page = await context.newPage();
  t.after(async () => {
    await context.close();
    await browser.close();
    await rm(stick, { recursive: true });
    assert.deepEqual(faults, []);
  });
  await page.goto(pathToFileURL(join(stick, 'pockets.html')).href);
  await settled(page, /makes it predict 8/);
  await shows(page, { digit: await sample(3) });
  await draw(page, await written(5));
  await settled(page, /your digit as 5/);
  await shows(page, await state(page));
});

for (const [what, file] of FILES) {
  test(`when ${what} comes last, the page’s pictures are blank, and then right`, async (t) => {
    const { page } = await open(t, { ...STILL, ...EXPECTED, late: (path) => (file.test(path) ? LATE : 0) });
    await comesTo(page, { digit: await sample(3) });
  });

  test(`when ${what} comes last, so are the frame’s and the element’s`, async (t) => {
    latecomer = file;
    t.after(() => {
      latecomer = null;
    });
    const framed = await host(t, `<iframe src="${site.url}embed.html#v1;target=8" width="700" height="800"></iframe>`, EXPECTED);
    const frame = await (await framed.page.locator('iframe').elementHandle())?.contentFrame();
    assert(frame);
    await comesTo(frame, { digit: await sample(3) }, EMBEDDED);
    const embedding = await host(t, `<pockets-demo target="8"></pockets-demo>${script(element)}`, EXPECTED);
    await comesTo(embedding.page, { digit: await sample(3) }, EMBEDDED);
  });
}
