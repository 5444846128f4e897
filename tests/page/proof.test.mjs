// @ts-check
/** What is proved of the norm: on the page under it, and as a ring on the map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { STILL, settled, target, written } from './helpers.mjs';

/** @param {import('./harness.mjs').Page} page @param {RegExp} [expected] @returns {Promise<number>} the bound */
async function bound(page, expected = /^Proved: no r below [\d.]+ can do it\.$/) {
  const proof = page.locator('#proof');
  await proof.filter({ hasText: expected }).waitFor();
  return Number(/[\d.]*\d/.exec(await proof.innerText())?.[0]);
}

test('under the norm stands what no change can be below; it tightens, and goes with the digit that it is of', async (t) => {
  const { page, draw, readout } = await open(t, STILL);
  await draw(await written(3));
  await settled(page, /your digit as 3.*predict 8/);
  const norm = Number(await readout('Norm').innerText());
  const first = await bound(page);
  assert(first > 0.3 * norm && first <= norm, `${first} of ${norm}`);
  await page.waitForTimeout(2500);
  const later = await bound(page);
  assert(later >= first && later > 0.6 * norm && later <= norm, `${first}, then ${later} of ${norm}`);

  await draw((await written(1)).slice(0, 1));
  await page.locator('#proof').filter({ hasText: /^$/ }).waitFor();
  await settled(page);
  await page.getByRole('button', { name: 'Clear' }).click();
  await settled(page, /nothing to attack/);
  await page.waitForTimeout(600);
  assert.equal(await page.locator('#proof').innerText(), '');
});

test('nothing is proved where nobody sees it', async (t) => {
  const { page, draw } = await open(t, { context: { reducedMotion: 'reduce', viewport: { width: 375, height: 600 } } });
  await draw(await written(3));
  await settled(page, /your digit as 3.*predict 8/);
  const proof = page.locator('#proof');
  assert((await proof.evaluate((place) => place.getBoundingClientRect().top)) > 600, 'it is further down');
  // By then its engine is there, and would have proved something.
  await page.waitForTimeout(4500);
  assert.equal(await proof.innerText(), '');
  await proof.scrollIntoViewIfNeeded();
  await bound(page);
});

test('where the network is convex the smallest change is proved to be the smallest', async (t) => {
  const { page, draw } = await open(t, STILL);
  await draw(await written(3));
  await settled(page);
  await page.getByRole('combobox', { name: 'Network' }).selectOption('FC10(1e-4)');
  await target(page, '8').check();
  await settled(page, /your digit as 3.*predict 8/);
  await bound(page, /^Proved: no smaller r can do it\.$/);
});

test('the map says what its rings are', async (t) => {
  const { page, draw } = await open(t, STILL);
  await draw(await written(3));
  await settled(page, /your digit as 3/);
  await bound(page);
  const pocket = page.getByRole('region', { name: /chance/ });
  await pocket.scrollIntoViewIfNeeded();
  await pocket.getByText('Nothing within the solid ring changes the prediction: that is proved.').waitFor();
});
