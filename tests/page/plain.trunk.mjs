// @ts-check
/** The page as Trunk makes it, without anything that `cargo xtask build` does to it: for `cargo xtask test trunk`. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { closeBrowsers, draw, open, readout, startBrowser, watch } from './harness.mjs';
import { STILL, section, settled, written } from './helpers.mjs';

/** Where `trunk serve` serves. */
const SERVED = process.env.POCKETS_TRUNK ?? 'http://127.0.0.1:8080/';
/** A file that the page has: it is written again as it is. */
const ICON = new URL('../../www/icon.svg', import.meta.url);
/** Milliseconds within which a change is built and shown. */
const PATIENCE = 120_000;

after(closeBrowsers);

test('what `trunk build` leaves attacks a drawing, its sections work, and so does its trainer', async (t) => {
  const { page } = await open(t, STILL);
  await attacks(page);
  const nine = await section(page, 'nine disguises');
  await nine.getByRole('button', { name: /towards 5/ }).waitFor();
  const feed = await section(page, 'Feed it back');
  await feed.getByRole('button', { name: 'Harden FC100-100-10' }).click();
  await feed
    .getByText(/step \d/i)
    .first()
    .waitFor();
});

test('so does its page for frames', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, path: 'embed.html#v1;target=8' });
  await readout('Norm').filter({ hasText: /\d/ }).waitFor();
  await draw(await written(5));
  await readout('Prediction').filter({ hasText: /^5/ }).waitFor();
  await readout('Adversarial prediction').filter({ hasText: /^8/ }).waitFor();
  assert.equal(await page.locator('pockets-demo').count(), 1);
});

test('`trunk serve` serves the same under as strict a policy, and a change reloads it', async (t) => {
  const browser = await startBrowser();
  t.after(() => browser.close());
  const context = await browser.newContext({ ...STILL.context, viewport: { width: 1280, height: 800 } });
  const { faults } = watch(context);
  const page = await context.newPage();
  const response = await page.goto(SERVED);
  assert.match(response?.headers()['content-security-policy'] ?? '', /script-src 'self' 'wasm-unsafe-eval' 'nonce-[^']+'/);
  await attacks(page);
  await page.evaluate(() => Object.assign(window, { isOld: true }));
  await writeFile(ICON, await readFile(ICON));
  await page.waitForFunction(() => !('isOld' in window), undefined, { timeout: PATIENCE });
  await attacks(page);
  const frame = await context.newPage();
  await frame.goto(`${SERVED}embed.html#v1;target=8`);
  await readout(frame, 'Adversarial prediction').filter({ hasText: /^8/ }).waitFor();
  assert.deepEqual(faults, []);
});

/** A drawn 3 is taken for an 8. @param {import('./harness.mjs').Page} page */
async function attacks(page) {
  await settled(page);
  await draw(page, await written(3));
  await settled(page, /your digit as 3.*predict 8/);
  assert.match(await readout(page, 'Adversarial prediction').innerText(), /^8/);
}
