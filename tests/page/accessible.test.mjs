// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { STILL, colours, inspect, settled, target, touchable, written } from './helpers.mjs';

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  test(`axe finds nothing wrong in any state, in the ${colorScheme} theme`, async (t) => {
    const { page, draw } = await open(t, { context: { reducedMotion: 'reduce', colorScheme } });
    await settled(page);
    await inspect(page, 'on arrival');
    await draw(await written(3));
    await settled(page, /your digit as 3/);
    await inspect(page, 'drawn');
    await target(page, '3').check();
    await settled(page, /choose another target/);
    await inspect(page, 'already classified as the target');
    await page.getByRole('button', { name: 'Clear' }).click();
    await settled(page, /nothing to attack/);
    await inspect(page, 'blank');
    await page.setViewportSize({ width: 375, height: 812 });
    await inspect(page, 'blank and narrow');
    await page.getByRole('button', { name: 'Sample digit 5', exact: true }).click();
    await settled(page, /sample 5/);
    await inspect(page, 'narrow');
  });
}

test('roles and names are what assistive technology relies on', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page);
  const one = async (/** @type {import('playwright-core').Locator} */ locator, what = '') => assert.equal(await locator.count(), 1, what);
  await one(page.getByLabel('Drawing pad', { exact: true }), 'pad');
  for (const name of ['Clear', 'Undo']) await one(page.getByRole('button', { name, exact: true }), name);
  const samples = page.getByRole('group', { name: 'Sample digits', exact: true });
  for (let k = 0; k < 10; k++) await one(samples.getByRole('button', { name: `Sample digit ${k}`, exact: true }), `sample ${k}`);
  const targets = page.getByRole('radiogroup', { name: 'Target', exact: true });
  for (const name of [...'0123456789', 'any']) await one(targets.getByRole('radio', { name, exact: true }), `target ${name}`);
  await one(page.getByRole('combobox', { name: 'Network', exact: true }), 'network');
  for (const name of ['Network input', 'Perturbation', 'Adversarial digit']) await one(page.getByRole('img', { name, exact: true }), name);
  for (const name of ['Prediction', 'Adversarial prediction', 'Norm', 'Distortion', 'c', 'Evaluations', 'Search time']) {
    await one(readout(name), name);
    assert(/\d/.test(await readout(name).innerText()), `${name} has a value`);
  }
  await one(page.getByRole('status'), 'status');
  await one(page.getByRole('status').and(page.locator(':visible')));
  assert.equal(await page.locator('output, [role=alert], [role=log]').count(), 0, 'no other live region');
  assert.equal(await page.locator('[aria-live]').count(), 0, 'no other live region');
});

test('every control is reached by Tab, in the order of reading, and shows its focus', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page);
  const reached = [];
  for (let k = 0; k < 16; k++) {
    await page.keyboard.press('Tab');
    const { name, outline } = await page.evaluate(() => {
      const focused = /** @type {HTMLElement} */ (document.activeElement);
      const name = focused.getAttribute('aria-label') || focused.id || focused.getAttribute('value') || focused.textContent;
      return { name, outline: getComputedStyle(focused).outlineStyle };
    });
    if (name?.trim()) assert.notEqual(outline, 'none', `${name} shows its focus`);
    reached.push(name);
  }
  assert.deepEqual(reached.slice(0, 6), ['network', '8', 'Drawing pad', 'undo', 'clear', 'Sample digit 0']);
  assert.equal(reached[14], 'Sample digit 9');
});

test('the target is chosen by the arrow keys', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page);
  await target(page, '8').focus();
  await page.keyboard.press('ArrowRight');
  await settled(page, /makes it predict 9/);
});

test('from 1280 pixels to 320 nothing scrolls sideways, and controls are large enough to touch', async (t) => {
  const { page, readout, screenshot } = await open(t, STILL);
  await settled(page);
  for (const [width, height] of [
    [1280, 800],
    [1024, 768],
    [768, 1024],
    [375, 812],
    [320, 568],
  ]) {
    await page.setViewportSize({ width, height });
    assert((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `at ${width}`);
    await touchable(page.locator('button, select, input'));
    if (width === 375) {
      const result = await readout('Adversarial prediction').boundingBox();
      assert(result && result.y + result.height <= height, 'pad and result are on the first screen');
    }
    await screenshot(`page-${width}`);
  }
});

test('the theme can be set by the page that embeds it, against the browser’s', async (t) => {
  const { page } = await open(t, { context: { colorScheme: 'light', reducedMotion: 'reduce' } });
  const said = await settled(page);
  const corner = async () => (await colours(page, 'Network input')).slice(0, 4);
  assert.deepEqual(await corner(), [255, 255, 255, 255]);
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'));
  const begun = Date.now();
  while ((await corner())[0] >= 32) assert(Date.now() - begun < 5000, 'the paper is dark');
  assert.equal(await page.getByRole('status').innerText(), said, 'it was only painted anew, not searched for');
});
