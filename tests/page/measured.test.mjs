// @ts-check
/** What is measured, as ratios: these tests run by themselves, after the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { HEADINGS, STILL, section, settled, written } from './helpers.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

/**
 * How many times as long as on FC100-100-10 a search may take, by the quicker quarter of some, which other work disturbs least: 17 to 26
 * times when this was written.
 */
const TIMES = 75;

/** The share of the time that a page does not answer, its long tasks beyond 50 ms each, while something is done. @param {Page} page @param {() => Promise<void>} does */
async function blockedShare(page, does) {
  await page.evaluate(() => {
    const tasks = /** @type {number[]} */ ([]);
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
    observer.observe({ type: 'longtask' });
    Object.assign(document, { tasks, observer, begun: performance.now() });
  });
  await does();
  return page.evaluate(() => {
    const { tasks, observer, begun } = /** @type {any} */ (document);
    tasks.push(...observer.takeRecords().map((/** @type {PerformanceEntry} */ { duration }) => duration));
    return tasks.reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each - 50, 0) / (performance.now() - begun);
  });
}

test('the sections follow the pen, and their work never makes the page wait', async (t) => {
  const { page, draw } = await open(t, STILL);
  await settled(page);
  for (const heading of HEADINGS) await section(page, heading);
  const share = await blockedShare(page, async () => {
    await draw(await written(5), { slowly: true });
    await settled(page, /your digit as 5/);
    const nine = await section(page, 'nine disguises');
    await nine.getByRole('button', { name: /towards 5 ?: the prediction/ }).waitFor();
    for (const heading of HEADINGS) await section(page, heading);
    await page.getByText(/white on black/).waitFor();
  });
  t.diagnostic(`blocked for ${(100 * share).toFixed(1)} % of the time`);
  assert(share < 0.1, 'whatever the machine, work beside the page takes none of its time');
});

test('a search on the convolutional network takes no longer than it should beside one on FC100-100-10', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const quick = async (/** @type {string} */ name) => {
    await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption(name);
    await settled(page, /as 3.*makes it predict/);
    /** @type {number[]} */ const times = [];
    for (const digit of [0, 1, 5, 7, 3]) {
      const before = (await readout('Norm').innerText()).trim();
      await page.getByRole('button', { name: `Sample digit ${digit}`, exact: true }).click();
      // The time is there with the norm; that the search has come to rest is said half a second later.
      await readout('Norm').filter({ hasText: /\d/, hasNotText: before }).waitFor();
      assert.match(await readout('Prediction').innerText(), new RegExp(`^${digit}`));
      assert.match(await readout('Adversarial prediction').innerText(), /^8/);
      times.push(Number.parseFloat(await readout('Search time').innerText()));
    }
    times.sort((a, b) => a - b);
    t.diagnostic(`${name}: ${times.join(', ')} ms`);
    return times[times.length >> 2];
  };
  const plain = await quick('FC100-100-10');
  const convolutional = await quick('CNN8-16-10');
  assert(convolutional < TIMES * plain, `${convolutional} ms against ${plain} ms`);
});
