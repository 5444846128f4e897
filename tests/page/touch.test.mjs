// @ts-check
/** What can be turned, pointed at and read by keys in the sections: c, two steps of L-BFGS, hidden units, noise, every chart and map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { STILL, settled, target } from './helpers.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

/** @param {Page} page @param {string} heading */
async function section(page, heading) {
  const found = page.getByRole('region', { name: heading });
  await found.scrollIntoViewIfNeeded();
  await found.locator('.figure > *').first().waitFor();
  await found.scrollIntoViewIfNeeded();
  return found;
}

/** What a slider says, once it says this. @param {Locator} slider @param {RegExp} expected */
function says(slider, expected) {
  return slider.evaluate(async (slider, expected) => {
    const begun = Date.now();
    for (;;) {
      const words = slider.getAttribute('aria-valuetext') ?? '';
      if (expected.test(words)) return words;
      if (Date.now() - begun > 20_000) throw Error(`${words} is not ${expected}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }, expected);
}

/** The first number after some words. @param {string} text @param {string} words */
function after(text, words) {
  const at = text.indexOf(words);
  assert(at >= 0, `${text} has no ${words}`);
  const number = text.slice(at + words.length).match(/[+−-]?\d+(\.\d+)?/)?.[0] ?? '';
  return Number(number.replace('−', '-'));
}

/** Φ, by Simpson's rule on the density. @param {number} z */
function normal(z) {
  const [from, count] = [-12, 4000];
  const step = (z - from) / count;
  let sum = 0;
  for (let k = 0; k <= count; k++) sum += (k % count === 0 ? 1 : k % 2 ? 4 : 2) * Math.exp(-((from + k * step) ** 2) / 2);
  return (sum * step) / 3 / Math.sqrt(2 * Math.PI);
}

test('every chart tells its values under the pointer and by keys, in figures that the readouts confirm', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const search = await section(page, 'step by step');
  await search.getByRole('heading', { name: 'The result' }).waitFor();
  const size = search.getByRole('slider', { name: 'Size of the change: values' }).first();
  await size.focus();
  await size.press('End');
  const count = Number(await readout('Evaluations').innerText());
  const last = await says(size, new RegExp(`^evaluation ${count}:`));
  assert(Math.abs(after(last, '‖r‖₂ ') - Number(await readout('Norm').innerText())) < 0.006);
  await size.press('Home');
  assert.equal(await says(size, /^evaluation 1:/), 'evaluation 1: ‖r‖₂ 0', 'the search begins at x');
  await size.press('ArrowRight');
  await says(size, /^evaluation 2:/);
  const tip = size.locator('xpath=following-sibling::p');
  assert.equal(await tip.innerText(), await size.getAttribute('aria-valuetext'), 'what is spoken is seen');

  // The pointer, at the right end: the last evaluation; and gone, nothing.
  const c = search.getByRole('slider', { name: 'Bracket on c: values' });
  await c.scrollIntoViewIfNeeded();
  const box = await c.boundingBox();
  assert(box);
  await page.mouse.move(box.x + box.width - 20, box.y + box.height / 2);
  const shown = await says(c, new RegExp(`^evaluation ${count}:`));
  assert(Math.abs(after(shown, ': c ') / Number(await readout('c').innerText()) - 1) < 0.01);
  const seen = c.locator('xpath=following-sibling::p');
  assert(await seen.isVisible());
  const where = await seen.boundingBox();
  assert(where && where.x >= box.x - 1 && where.x + where.width <= box.x + box.width + 1, 'the words stay on the chart');
  await page.mouse.move(5, 5);
  await seen.waitFor({ state: 'hidden' });

  for (const [heading, names] of /** @type {[string, string[]][]} */ ([
    ['nine disguises', ['Probabilities on the way']],
    ['Other networks', ['Probabilities of two networks']],
    ['Units or directions', ['One unit: all test digits and yours', 'A random direction: all test digits and yours']],
    ['Why so little', ['The difference after each layer']],
  ])) {
    const place = await section(page, heading);
    for (const name of names) {
      const chart = place.getByRole('slider', { name: `${name}: values` });
      await chart.focus();
      const before = await says(chart, /: .*\d/);
      await chart.press('End');
      await chart.press('ArrowLeft');
      assert.notEqual(await says(chart, /: .*\d/), before, name);
    }
  }
  const bins = (await section(page, 'Units or directions')).getByRole('slider', { name: 'One unit: all test digits' });
  let digits = 0;
  await bins.press('Home');
  for (let k = 0; k < 40; k++) {
    digits += after((await bins.getAttribute('aria-valuetext')) ?? '', ': ');
    await bins.press('ArrowRight');
  }
  assert.equal(digits, 1000, 'the bars hold every test digit once');
});

test('the map tells what is predicted under the pointer, and with the keyboard in its middle', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const pocket = await section(page, 'chance');
  const words = pocket.locator('#map-words');
  await words.filter({ hasText: /In view: / }).waitFor();
  const map = pocket.getByLabel('Map of predictions');
  await map.scrollIntoViewIfNeeded();
  const box = await map.boundingBox();
  assert(box);
  const norm = Number(await readout('Norm').innerText());
  // The view is 12 norms wide about the middle between x and x′.
  const at = async (/** @type {number} */ norms) => {
    await page.mouse.move(box.x + box.width * (0.5 + (norms - 0.5) / 12), box.y + box.height / 2);
    const tip = await pocket.locator('.map .tip').innerText();
    assert(Math.abs(after(tip, ', ') - norms * norm) < 0.05, `${tip} at ${norms} norms`);
    return after(tip, 'classified as ');
  };
  while ((await pocket.locator('.raster:not(.empty)').count()) === 0) await page.waitForTimeout(50);
  await page.waitForTimeout(300);
  assert.equal(await at(0), 3, 'x');
  assert.equal(await at(3), 8, 'well beyond x′');
  await page.mouse.move(5, 5);
  await map.focus();
  await map.press('ArrowLeft');
  await words.filter({ hasText: /^In the middle: 3\./ }).waitFor();
  await pocket
    .locator('.map .tip')
    .filter({ hasText: /^classified as 3/ })
    .waitFor();
  assert(await pocket.locator('.map .cross').isVisible());
});

test('noise is clipped or not as the visitor chooses, and beside its rate stands what the distance lets expect', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const pocket = await section(page, 'chance');
  const slider = pocket.getByRole('slider', { name: 'Size of the noise' });
  await slider.press('End');
  // Until the engine has counted, what was counted before is shown.
  const free = after(await says(slider, /^16\.0 times r, [1-9]\d* of 1,000 .*, not clipped$/), 'r, ');
  await pocket.getByText(/One of them, not clipped\./).waitFor();
  await pocket.getByRole('radio', { name: /^clipped/ }).check();
  await pocket.getByText(/One of them, clipped\./).waitFor();
  const clipped = after(await says(slider, new RegExp(`^16\\.0 times r, (?!${free} )[1-9]\\d* of 1,000 .*, clipped$`)), 'r, ');
  assert(clipped > 2 * free, `clipping leaves grey: ${clipped} of 1,000 beside ${free}`);

  const text = await pocket.getByText(/how often noise of deviation/).innerText();
  const distance = after(text, ' = ');
  assert(distance > 0.8 * Number(await readout('Norm').innerText()) && distance < 1.02 * Number(await readout('Norm').innerText()));
  const chart = pocket.getByRole('slider', { name: 'How often noise changes the prediction: values' });
  await chart.focus();
  await chart.press('Home');
  const rates = [];
  for (let k = 0; k < 15; k++) {
    const words = await says(chart, /by Φ/);
    const [deviation, found, expected] = [after(words, 'σ '), after(words, ': '), after(words, ' here, ')];
    rates.push(found);
    // σ is told to three digits, the distance too, and the share to one place: together up to a quarter of a point.
    if (!words.includes('<')) assert(Math.abs(expected - 100 * normal(-distance / deviation)) < 0.25, words);
    await page.keyboard.press('ArrowRight');
  }
  assert(rates[14] > 10 && rates[14] > rates[0], 'more noise changes more answers');
});

test('c can be turned as a weight and as a scale, and each stops working where it says', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const search = await section(page, 'step by step');
  const weight = search.getByRole('slider', { name: 'Weight c', exact: true });
  const scale = search.getByRole('slider', { name: 'Scale s', exact: true });
  const first = await says(weight, /works, norm .* classified as 8/);
  await says(scale, /classified as 8/);
  const norm = after(first, 'norm ');

  // As a scale it is the same r: half of it has half its norm.
  await scale.press('Home');
  for (let k = 0; k < 50; k++) await page.keyboard.press('ArrowRight');
  const half = await says(scale, /^s 0\.50 /);
  assert(Math.abs(after(half, 'norm ') - norm / 2) < 0.011, `${half}, of ${norm}`);
  assert.match(half, /does not work.*classified as 3/);

  // As a weight each c has its own r, smaller for a larger c, until it does not work any more.
  const largest = Number(await readout('c').innerText());
  await weight.focus();
  let [before, works] = [norm, true];
  let turned = 0;
  while (works) {
    await page.keyboard.press('ArrowRight');
    const words = await says(weight, /^c /);
    const found = after(words, 'norm ');
    assert(found <= before, `${words}, before ${before}`);
    works = !words.includes('does not work');
    if (works) turned = after(words, 'c ');
    before = found;
  }
  // The readout's c was found with boundary steps; by the weight alone it is the same within a few steps of the slider.
  assert(turned > 0.7 * largest && turned < 1.3 * largest, `works up to ${turned}, the search found ${largest}`);
  const values = search.getByRole('slider', { name: 'c as a weight: norm: values' });
  await values.focus();
  const all = await says(values, /^c .*: ‖r‖₂ /);
  await values.press('End');
  assert(after(await says(values, /^c .*, 3$/), '‖r‖₂ ') < after(all, '‖r‖₂ '), 'at the highest c r is smallest, and does not work');
});

test('where any label will do, c is turned towards the nearest', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  await target(page, 'any').check();
  await settled(page, /makes it predict \d/);
  const nearest = await readout('Adversarial prediction').innerText();
  const search = await section(page, 'step by step');
  await search.getByText(`towards ${nearest[0]}, the nearest label`).waitFor();
  const weight = search.getByRole('slider', { name: 'Weight c', exact: true });
  const words = await says(weight, new RegExp(`works, norm .* classified as ${nearest[0]}`));
  assert(after(words, 'norm ') >= Number(await readout('Norm').innerText()) - 0.01, words);
});

test('the steps of L-BFGS go on from each other on the plane, and their curvature is told beside the true one', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const search = await section(page, 'step by step');
  const step = search.getByRole('slider', { name: 'Step', exact: true });
  const plane = search.getByRole('img', { name: 'The plane of two steps' });
  await says(step, /^Step 3 of \d+/);
  const heights = async () => {
    const words = (await plane.getAttribute('aria-label')) ?? '';
    return [after(words, 'objective '), after(words, 'B, ')];
  };
  const [, lower] = await heights();
  await step.press('ArrowRight');
  await says(step, /^Step 4 of/);
  const [from, to] = await heights();
  assert(Math.abs(from - lower) < 0.011 * lower && to < from, `${lower}, then ${from} and ${to}`);
  const told = await search.getByText(/Curvature along the new direction/).innerText();
  assert(after(told, 'learnt ') > 0 && after(told, 'true at B ') > 0, told);
  // Place by place: the lowest on the plane is no lower than by little, and no higher than C.
  const values = search.getByRole('slider', { name: 'The plane of two steps: values' });
  await values.focus();
  const at = after(await says(values, /^objective/), 'objective ');
  await values.press('ArrowDown');
  await values.press('ArrowRight');
  assert.notEqual(after(await says(values, /^objective/), 'objective '), at);
  const line = search.getByRole('slider', { name: 'The objective along the direction: values' });
  await line.focus();
  await line.press('Home');
  assert(Math.abs(after(await says(line, /^t 0: /), ' objective ') - from) < 0.011 * from, 'the cut begins at B');
});

test('hidden units are sorted by their shares, which sum to the change of the lead; pointing at one shows its digits', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const layers = await section(page, 'Why so little');
  const caption = await layers.getByText(/r lifts the lead of 8 over 3/).innerText();
  const gained = after(caption, ' to ') - after(caption, ' from ');
  assert(gained > 1);
  for (const layer of [1, 2]) {
    const grid = layers.getByRole('slider', { name: `Units of hidden layer ${layer}` });
    await grid.focus();
    await grid.press('Home');
    await says(grid, /adds/);
    const words = await grid.evaluate((grid) =>
      Array.from({ length: 100 }, () => {
        const words = grid.getAttribute('aria-valuetext') ?? '';
        grid.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }));
        return words;
      }),
    );
    assert.equal(new Set(words).size, 100, 'each has its own words');
    const shares = words.map((words) => after(words, 'adds '));
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => b - a),
      'the largest first',
    );
    const sum = shares.reduce((a, b) => a + b);
    assert(Math.abs(sum - gained) < 0.5 + 0.01 * gained, `${sum} of ${gained}, each rounded to 0.01`);
  }
  const pictures = () =>
    layers.locator('.panel .tops').evaluate((tops) => [...tops.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join());
  const keyed = await pictures();
  const canvas = layers.locator('.units-grid').nth(0);
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  assert(box);
  await page.mouse.move(box.x + box.width * 0.35, box.y + box.height * 0.05);
  const tip = layers.locator('.three').first().locator('.tip').first();
  await tip.waitFor();
  const unit = after(await tip.innerText(), 'unit ');
  await layers.locator('.panel').getByText(`Unit ${unit} of hidden layer 1`).waitFor();
  await page.waitForFunction(
    (before) =>
      [...document.querySelectorAll('.panel .tops canvas')].map((c) => /** @type {HTMLCanvasElement} */ (c).toDataURL()).join() !== before,
    keyed,
  );
  assert.equal(new Set((await pictures()).split('data:')).size, 11, 'ten different digits');
  assert.equal(await page.getByRole('status').count(), 1, 'one live region');
  // A network without hidden layers has nothing to follow.
  await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption({ index: await linear(page) });
  await layers.getByRole('heading', { name: 'Follow r inside' }).waitFor({ state: 'hidden' });
});

/** Which choice of network is the softmax alone. @param {Page} page */
const linear = (page) =>
  page
    .getByRole('combobox', { name: 'Network', exact: true })
    .evaluate((select) => [.../** @type {HTMLSelectElement} */ (select).options].findIndex(({ value }) => value.startsWith('FC10(')));
