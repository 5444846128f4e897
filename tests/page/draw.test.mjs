// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IN_CHROMIUM, open } from './harness.mjs';
import { STILL, colours, settled, status, target, written } from './helpers.mjs';

test('drawing a 3 and choosing 8 shows, without any other click, a perturbation whose sum is classified as 8', async (t) => {
  const { page, draw, readout } = await open(t);
  await draw(await written(3));
  await target(page, '8').check();
  const said = await settled(page, /classifies your digit as 3.*makes it predict 8/);
  assert.match(await readout('Prediction').innerText(), /^3/);
  assert.match(await readout('Adversarial prediction').innerText(), /^8/);
  const norm = Number(await readout('Norm').innerText());
  assert(norm > 0.1 && norm < 5, `the norm is ${norm}`);
  assert.match(said, new RegExp(`norm ${norm}`));
  assert(Math.abs(Number(await readout('Distortion').innerText()) - norm / 28) < 1e-3);
  assert(Number(await readout('Evaluations').innerText()) > 0);
  assert(Number(await readout('c').innerText()) > 0);
  assert.match(await readout('Search time').innerText(), /ms$/);
  assert.notDeepEqual(await colours(page, 'Adversarial digit'), await colours(page, 'Network input'));
});

test('the result follows the pen: it is there before the pen is lifted', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page);
  const box = await page.getByLabel('Drawing pad').boundingBox();
  assert(box);
  const at = (/** @type {[number, number]} */ [x, y]) => /** @type {const} */ ([box.x + x * box.width, box.y + y * box.height]);
  await target(page, '3').check();
  await page.mouse.move(...at([0.5, 0.15]));
  await page.mouse.down();
  await page.mouse.move(...at([0.48, 0.85]), { steps: 12 });
  await readout('Prediction').filter({ hasText: /^1/ }).waitFor();
  await readout('Adversarial prediction').filter({ hasText: /^3/ }).waitFor();
  assert.equal(await status(page).innerText(), '', 'nothing is announced while the pen is down');
  await page.waitForTimeout(900);
  assert.equal(await status(page).innerText(), '', 'nor while it rests');
  await page.mouse.up();
  await settled(page, /classifies your digit as 1/);
});

// Only Chromium lets a test put a finger on the screen.
test('a finger draws, and does not scroll the page', { skip: !IN_CHROMIUM }, async (t) => {
  const { page, context, readout } = await open(t, {
    context: { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true, reducedMotion: 'reduce' },
  });
  await settled(page);
  const box = await page.getByLabel('Drawing pad').boundingBox();
  assert(box);
  const finger = await context.newCDPSession(page);
  for (const stroke of await written(7)) {
    for (const [k, [x, y]] of stroke.entries()) {
      const touchPoints = [{ x: box.x + x * box.width, y: box.y + y * box.height }];
      await finger.send('Input.dispatchTouchEvent', { type: k === 0 ? 'touchStart' : 'touchMove', touchPoints });
    }
    await finger.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  }
  await settled(page, /classifies your digit as 7/);
  assert.match(await readout('Adversarial prediction').innerText(), /^8/);
  assert.equal(await page.evaluate(() => scrollY), 0);
});

test('the arrow keys move a pen that Space puts down and lifts', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page);
  await page.getByLabel('Drawing pad').focus();
  const press = async (/** @type {string} */ key, times = 1) => {
    for (let k = 0; k < times; k++) await page.keyboard.press(key);
  };
  // A 7: to the right along the top, and down.
  await press('ArrowLeft', 5);
  await press('ArrowUp', 3);
  await press('Space');
  await press('ArrowRight', 10);
  for (let k = 0; k < 14; k++) await press(k % 3 ? 'ArrowDown' : 'ArrowLeft');
  await press('ArrowDown', 6);
  assert.equal(await status(page).innerText(), '', 'nothing is announced before the pen is lifted');
  await press('Space');
  const first = await settled(page, /your digit as 7/);
  // Moving the lifted pen changes nothing.
  await press('ArrowLeft', 4);
  assert.equal(await status(page).innerText(), first);
  assert.match(await readout('Adversarial prediction').innerText(), /^8/);
  // Held down, Space inks until it is let go.
  await page.keyboard.down('Space');
  await press('ArrowDown', 3);
  await page.keyboard.up('Space');
  const second = await settled(page);
  assert.notEqual(second, first);
  await press('ArrowUp', 3);
  await page.waitForTimeout(600);
  assert.equal(await status(page).innerText(), second);
  await press('Control+z');
  assert.equal(await settled(page), first);
});

test('a blank pad says that there is nothing to attack, and Undo brings the drawing back', async (t) => {
  const { page, draw, readout } = await open(t, STILL);
  await draw(await written(3));
  const before = await settled(page, /your digit as 3/);
  await page.getByRole('button', { name: 'Clear' }).click();
  await settled(page, /nothing to attack/);
  for (const name of ['Prediction', 'Adversarial prediction', 'Norm', 'Distortion', 'c', 'Evaluations', 'Search time']) {
    assert.equal(await readout(name).innerText(), '–', name);
  }
  for (const name of ['Network input', 'Perturbation', 'Adversarial digit']) {
    assert(
      (await colours(page, name)).every((value) => value === 0),
      `${name} is empty`,
    );
  }
  await page.getByRole('button', { name: 'Undo' }).click();
  assert.equal(await settled(page, /as 3/), before);
});

test('Undo takes back one stroke', async (t) => {
  const { page, draw, readout } = await open(t, STILL);
  const [first, second] = await written(4);
  assert(second, 'this 4 has two strokes');
  await draw([first]);
  await settled(page, /your digit/);
  const alone = await readout('Prediction').innerText();
  await draw([second]);
  await settled(page, /your digit as 4/);
  await page.getByRole('button', { name: 'Undo' }).click();
  await settled(page, /your digit/);
  assert.equal(await readout('Prediction').innerText(), alone);
});

test('each sample digit is classified as what it is, and attacked', async (t) => {
  const { page, readout } = await open(t, STILL);
  await target(page, 'any').check();
  const samples = page.getByRole('group', { name: 'Sample digits' });
  for (let label = 0; label < 10; label++) {
    await samples.getByRole('button', { name: `Sample digit ${label}`, exact: true }).click();
    await settled(page, new RegExp(`this sample ${label} as ${label} .* makes it predict`));
    assert.match(await readout('Adversarial prediction').innerText(), new RegExp(`^[^${label}]`));
  }
});

test('the first stroke replaces a sample, the next adds to it', async (t) => {
  const { page, draw } = await open(t, STILL);
  await page.getByRole('button', { name: 'Sample digit 0', exact: true }).click();
  await settled(page, /this sample 0/);
  const [first, second] = await written(4);
  await draw([first]);
  await draw([second]);
  await settled(page, /your digit as 4/);
});

test('a target that is the prediction already is no attack, and said so gently', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page);
  await target(page, '3').check();
  await settled(page, /already classifies this sample 3 as 3; choose another target/);
  assert.match(await readout('Prediction').innerText(), /^3/);
  assert.equal(await readout('Adversarial prediction').innerText(), '–');
  assert.equal(await readout('Norm').innerText(), '–');
  assert((await colours(page, 'Adversarial digit')).every((value) => value === 0));
});

test('on arrival a sample is drawn stroke by stroke and attacked meanwhile, and a touch of the pad takes over', async (t) => {
  const { page, draw, readout } = await open(t);
  await readout('Prediction').filter({ hasText: /^\d/ }).waitFor();
  const part = await colours(page, 'Network input');
  await page.waitForTimeout(300);
  assert.notDeepEqual(await colours(page, 'Network input'), part, 'the drawing grows');
  await draw(await written(1));
  await settled(page, /your digit as 1/);
  assert.match(await readout('Adversarial prediction').innerText(), /^8/);
});

test('where motion is not wanted the sample is there at once', async (t) => {
  const { page, readout } = await open(t, STILL);
  await readout('Prediction').filter({ hasText: /^\d/ }).waitFor();
  const first = await colours(page, 'Network input');
  await settled(page, /this sample 3 as 3.*makes it predict 8/);
  assert.deepEqual(await colours(page, 'Network input'), first);
});
