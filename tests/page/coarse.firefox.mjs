// @ts-check
/** A Firefox that lets scripts know less (`privacy.resistFingerprinting`): its clock goes in steps, and canvases can't be read back. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { firefox } from 'playwright-core';
import { draw, readout, startServer } from './harness.mjs';
import { settled, written } from './helpers.mjs';

const server = await startServer();
const browser = await firefox.launch({
  channel: 'moz-firefox',
  executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
  firefoxUserPrefs: { 'privacy.resistFingerprinting': true, 'ui.prefersReducedMotion': 1 },
});
after(async () => {
  await browser.close();
  await server.close();
});

test('with a clock that goes in coarse steps digits are attacked, and no Worker is taken for dead', async () => {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(server.url);
  await settled(page, /makes it predict 8/);
  const step = await page.evaluate(() => {
    const begun = performance.now();
    let next = begun;
    while (next === begun) next = performance.now();
    return next - begun;
  });
  assert(step > 5, `the clock goes in steps of ${step} ms`);
  await draw(page, await written(5));
  await settled(page, /your digit as 5.*makes it predict 8/);
  assert.match(await readout(page, 'Adversarial prediction').innerText(), /^8/);
  assert.match(await readout(page, 'Search time').innerText(), /\d/);
  assert.equal(page.workers().length > 0, true);
});
