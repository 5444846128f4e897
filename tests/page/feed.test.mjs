// @ts-check
/** The section that trains: candle in a Worker of its own, hardening a network while it is attacked. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { STILL, inspect, settled, touchable, written } from './helpers.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

/** Opens the section with a drawn 3. @param {import('./harness.mjs').Test} t @param {object} [options] */
async function opened(t, options = {}) {
  const opened = await open(t, { ...STILL, ...options });
  const { page, draw } = opened;
  await draw(await written(3));
  await settled(page, /your digit as 3.*predict 8/);
  const section = page.getByRole('region', { name: 'Feed it back' });
  await section.scrollIntoViewIfNeeded();
  await section.getByRole('button', { name: 'Harden FC100-100-10 (pens)' }).waitFor();
  await section.scrollIntoViewIfNeeded();
  return { ...opened, section };
}

/** @typedef {import('playwright-core').Locator} Locator */

/** Waits until training has come so far. @param {Locator} section @param {number} least */
async function step(section, least) {
  const bar = section.getByRole('progressbar', { name: 'Training' });
  await bar.waitFor();
  const page = section.page();
  await page.waitForFunction(
    ([bar, least]) => /** @type {any} */ (bar).value >= /** @type {number} */ (least),
    [await bar.elementHandle(), least],
    {
      timeout: 60_000,
    },
  );
  return bar.evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value);
}

/** @param {Page} page */
const trainers = (page) => page.workers().filter((worker) => worker.url().endsWith('/trainer-worker.js'));

/** Both norms of the visitor's digit. @param {Locator} section @returns {Promise<number[]>} */
const norms = async (section) => (await section.locator('.pair b').allInnerTexts()).map(Number);

test('a network is hardened before the visitor’s eyes; it pauses, is attacked above, downloaded, and reset', async (t) => {
  const { page, section, requests } = await opened(t);
  const early = requests.filter((url) => /feed_bg|train-10000/.test(url));
  assert.deepEqual(early, [], 'nothing of it is loaded before it is asked for');
  await section.getByRole('button', { name: 'Harden FC100-100-10 (pens)' }).click();
  await step(section, 250);
  const pause = section.getByRole('button', { name: 'Pause' });
  await pause.click();
  await section.getByText(/^Paused: step/).waitFor();
  const rest = await step(section, 250);
  await page.waitForTimeout(400);
  assert.equal(await step(section, 0), rest, 'it rests');

  await section.getByText('or train a new one from scratch').click();
  await inspect(page, 'while it rests');
  await touchable(section.locator('button, select'));

  // Where it rests, the digit has been attacked on both.
  await section.locator('.pair b').last().filter({ hasText: /^\d/ }).waitFor();
  const [before, now] = await norms(section);
  assert(now > before, `${now} is more than ${before}`);
  assert.match(await section.locator('.moment .note').innerText(), /It takes 1\.\d\d times the change\./);
  const curve = section.getByRole('img', { name: /^minimal distortion, on held-out digits: 0\.0\d\d at step/ });
  await curve.waitFor();
  assert((await section.locator('.tops figcaption').allInnerTexts()).every((words) => /^\d → \d, (\d\.\d\d|as it is)$/.test(words)));

  // The demo above takes it up, under a name of its own, and needs the same change.
  await section.getByRole('button', { name: 'Attack it above' }).click();
  await section.getByText('FC100-100-10 (pens) hardened here is now attacked above.').waitFor();
  await settled(page, /your digit as 3.*makes it predict 8/);
  const norm = Number(await page.locator('#norm').innerText());
  assert(Math.abs(norm - now) < 0.02, `${norm} above, ${now} below`);

  const saved = page.waitForEvent('download');
  await section.getByRole('button', { name: 'Download it' }).click();
  const file = await saved;
  assert.match(file.suggestedFilename(), /^FC100-100-10-pens-hardened-here-step-\d+\.safetensors$/);
  const bytes = await readFile(await file.path());
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
  assert.deepEqual(header['fc1.weight'].shape, [100, 784]);
  assert.equal(header.__metadata__.activation, 'sigmoid');
  // It loads again where networks of one's own do.
  const own = page.getByRole('region', { name: 'Bring your own network' });
  await own.scrollIntoViewIfNeeded();
  await own.locator('input[type=file]').setInputFiles({ name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer: bytes });
  await own.getByText(/is now attacked/).waitFor();

  await section.scrollIntoViewIfNeeded();
  await section.getByRole('button', { name: 'Go on' }).click();
  await step(section, rest + 1);
  await section.getByRole('button', { name: 'Stop' }).click();
  await section.getByText(/^Stopped: step/).waitFor();
  await section.getByRole('button', { name: 'Reset' }).click();
  await section.getByText(/^Not begun: step 0 of/).waitFor();
  await section.getByText(/It takes 1\.00 times the change/).waitFor();
});

test('a network learns from nothing, and is attacked meanwhile', async (t) => {
  const { section } = await opened(t);
  await section.getByText('or train a new one from scratch').click();
  await section.getByLabel('First layer').selectOption('30');
  await section.getByLabel('Second layer').selectOption('none');
  await section.getByLabel('Activation').selectOption('tanh');
  await section.getByRole('button', { name: 'Train it' }).click();
  await step(section, 300);
  await section.getByText(/The error went from \d\d\.\d\d\s% to \d\.\d\d\s%/).waitFor({ timeout: 60_000 });
  await section.locator('.pair b').last().filter({ hasText: /^\d/ }).waitFor();
});

test('a trainer that dies is replaced, and goes on from its last good weights; the demo goes on unharmed', async (t) => {
  const { page, section, draw } = await opened(t, { expected: [/the end of it/] });
  await section.getByRole('button', { name: 'Harden FC100-100-10 (pens)' }).click();
  await section.getByRole('img', { name: /^minimal distortion.*at step [1-9]/ }).waitFor({ timeout: 60_000 });
  const [trainer] = trainers(page);
  await trainer.evaluate(
    () =>
      void setTimeout(() => {
        throw new Error('the end of it');
      }),
  );
  await section.getByText(/ended unexpectedly.*another one goes on from step [1-9]/).waitFor();
  const steps = await section.getByRole('progressbar').evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value);
  await step(section, steps + 1);
  assert.equal(trainers(page).length, 1);
  await draw(await written(1));
  await settled(page, /your digit as/);
});

for (const [what, file, expected] of /** @type {const} */ ([
  ['the digits are not there', 'train-10000.bin', /The training digits could not be loaded: train-10000\.bin is not there \(404\)\./],
  ['the module is not there', 'feed_bg.wasm', /The trainer cannot run in this browser|could not be loaded/],
  ['its Worker is not there', 'trainer-worker.js', /Training ended: It could not be loaded\. The network above is as it was\./],
])) {
  test(`where ${what} the page says so, and the demo goes on`, async (t) => {
    const { page, section, draw } = await opened(t, {
      refuse: (/** @type {string} */ path) => path.endsWith(file),
      expected: [/404/, /feed_bg|trainer/],
    });
    await section.getByRole('button', { name: 'Harden FC100-100-10 (pens)' }).click();
    await section.locator('.training > .words').filter({ hasText: expected }).waitFor();
    assert(await section.getByRole('button', { name: 'Harden FC100-100-10 (pens)' }).isEnabled(), 'it can be tried again');
    assert.equal(trainers(page).length, 0);
    await draw(await written(1));
    await settled(page, /your digit as/);
  });
}
