// @ts-check
/** The sections below the demo, each with the visitor's own digit. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { open } from './harness.mjs';
import {
  HEADINGS,
  STILL,
  colours,
  inspect,
  pixels,
  safetensors,
  section,
  settled,
  target,
  touchable,
  written,
  withoutWorkers,
} from './helpers.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

/** A network that predicts 2 of ink in the upper half, 6 in the lower half. */
const HALVES = {
  '0.weight': {
    shape: [10, 784],
    values: (/** @type {number} */ k) => ([2, 6].indexOf(Math.floor(k / 784)) === Math.floor((k % 784) / 392) ? 0.1 : 0),
  },
  '0.bias': { shape: [10], values: () => 0 },
};

/**
 * Waits until a picture is what it should be: it is painted when its turn comes.
 * @param {() => Promise<unknown>} picture
 * @param {unknown} expected
 * @param {string} what
 */
async function becomes(picture, expected, what) {
  const begun = Date.now();
  while (!isDeepStrictEqual(await picture(), expected)) assert(Date.now() - begun < 10_000, what);
}

/** @param {import('playwright-core').Locator} input a range, moved by keys from its lower end */
async function slide(input, /** @type {number} */ steps) {
  await input.focus();
  await input.press('Home');
  for (let k = 0; k < steps; k++) await input.press('ArrowRight');
}

test('nothing of the sections is loaded before they come on screen', async (t) => {
  const { page, requests } = await open(t, STILL);
  await settled(page);
  await page.waitForTimeout(300);
  // The proof under the norm belongs to the demo.
  assert.deepEqual(
    requests.filter((url) => url.includes('/explore/') && !/\/(engine|proof|worker)\.js$/.test(url)),
    [],
  );
  await section(page, 'One digit, nine disguises');
  assert(requests.some((url) => url.endsWith('/explore/nine.js')));
  assert(!requests.some((url) => /explore\/(keep|units)\.js$/.test(url)), 'only what is on screen');
});

test('nine examples with their norms; a click makes one the target; the way there and beyond', async (t) => {
  const { page, draw, readout } = await open(t, STILL);
  await draw(await written(3));
  await settled(page, /your digit as 3.*predict 8/);
  const norm = Number(await readout('Norm').innerText());
  const nine = await section(page, 'nine disguises');
  const strip = nine.getByRole('group', { name: 'nearest example' });
  const chosen = strip.getByRole('button', { pressed: true });
  await chosen.filter({ hasText: /\d\.\d/ }).waitFor();
  assert.equal(await strip.getByRole('button', { name: /Attack towards 8 ?: norm/, pressed: true }).count(), 1);
  assert(Math.abs(Number((await chosen.innerText()).match(/\d\.\d+/)?.[0]) - norm) < 0.006, 'the strip and the readout agree');
  assert.equal(await strip.getByRole('button', { name: /norm \d/ }).count(), 9);
  assert(await strip.getByRole('button', { name: 'towards 3' }).isDisabled(), 'the prediction is no target');

  const slider = nine.getByRole('slider', { name: 'How much of r' });
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^1\.00 times r, classified as 8/);
  await slide(slider, 3);
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^0\.03 times r, classified as 3/);
  await slider.press('End');
  await nine.getByText(/2\.00.*is classified as 8/).waitFor();
  const flip = Number(
    (await nine.getByRole('img', { name: /Probabilities on the way: classified as 3 until/ }).getAttribute('aria-label'))?.match(
      /t = (\d\.\d+), then as 8/,
    )?.[1],
  );
  assert(flip > 0.8 && flip <= 1.02, `the reading flips at the example, not at ${flip}`);

  await strip.getByRole('button', { name: 'towards 5' }).click();
  await settled(page, /makes it predict 5/);
  assert(await target(page, '5').isChecked());
  await strip.getByRole('button', { name: 'towards 5', pressed: true }).waitFor();
});

test('the search can be stepped, scrubbed and played, and the readings of the paper compared', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const search = await section(page, 'step by step');
  await search.getByRole('heading', { name: 'The result' }).waitFor();
  const slider = search.getByRole('slider', { name: 'Evaluation' });
  const count = Number(await slider.getAttribute('max'));
  assert.equal(count, Number(await readout('Evaluations').innerText()));
  const image = () => colours(page, 'The digit at this evaluation');
  const last = await image();
  await search.getByRole('button', { name: 'Step back' }).click();
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', new RegExp(`^${count - 1} of ${count}: .*margin`));
  await slider.press('Home');
  await search.getByText('At your digit itself').waitFor();
  assert(await search.getByRole('button', { name: 'Step back' }).isDisabled());
  await becomes(image, await colours(page, 'Network input'), 'the first evaluation is at x');
  await search.getByRole('button', { name: 'Play' }).click();
  await search.getByRole('button', { name: 'Pause' }).click();
  await search.getByRole('button', { name: 'Play' }).click();
  await search.getByRole('heading', { name: 'The result' }).waitFor();
  await becomes(image, last, 'the last evaluation is the result');
  await search.getByRole('button', { name: 'Play' }).waitFor();
  for (const name of ['Margin', 'Size of the change', 'Bracket on c', 'Loss and objective']) {
    assert.match((await search.getByRole('img', { name }).getAttribute('aria-label')) ?? '', /\d/, name);
  }

  const cells = search
    .getByRole('table')
    .getByRole('cell')
    .filter({ hasText: /evaluations/ });
  assert.equal(await cells.count(), 6, 'three readings, two losses');
  await search.getByRole('radio', { name: 'c as a weight' }).check();
  await settled(page, /makes it predict 8/);
  const shown = await search.locator('td.chosen b').innerText();
  assert(Math.abs(Number(shown) - Number(await readout('Norm').innerText())) < 0.006);
  assert.match(await page.evaluate(() => location.hash), /reading=weight/);
  await search.getByRole('radio', { name: 'away from the label' }).check();
  await settled(page, /makes it predict/);
  assert(await target(page, 'any').isChecked());
  // Where any label will do the search first looks at the digit itself, at the slope towards each.
  await search.getByRole('radio', { name: 'both' }).check();
  await settled(page, /makes it predict/);
  await slider.press('Home');
  for (const evaluation of [1, 2]) {
    await search.getByText(`Evaluation ${evaluation} of`).waitFor();
    assert.equal(await search.locator('.moment h3').innerText(), 'Towards each label');
    await becomes(image, await colours(page, 'Network input'), `evaluation ${evaluation} is at x`);
    await search.getByRole('button', { name: 'Step on' }).click();
  }
  await search.getByRole('radio', { name: 'towards the target' }).check();
  assert(await target(page, '8').isChecked(), 'the target before comes back');
});

test('changes that share no pixel are counted beside what a half-space has room for, and shown', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const pocket = await section(page, 'chance');
  const words = pocket.locator('.apart .words');
  const slider = pocket.getByRole('slider', { name: 'Size of each change' });
  const count = async () => Number(await words.locator('.count').textContent());
  await words.filter({ hasText: /3\.0 times as large as r.* predict 8.*room for 9/ }).waitFor();
  const found = await count();
  assert(found >= 3, `${found}`);
  assert.equal(await pocket.locator('.apart canvas:visible').count(), found);
  await slider.press('End');
  await words.filter({ hasText: /4\.0 times.*room for 16/ }).waitFor();
  assert((await count()) >= found);
  await slider.press('Home');
  await words.filter({ hasText: /^1 change, 1\.0 times.*room for 1\b/ }).waitFor();
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /1\.0 times r: 1 change/);
});

test('on the map the digit and its example lie in different regions; noise of the same size changes nothing, much larger noise does', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const pocket = await section(page, 'chance');
  const map = pocket.getByLabel('Map of predictions');
  const words = pocket.locator('#map-words');
  await words.filter({ hasText: /In view: .*classified as 3 \d+ %/ }).waitFor();
  assert.match((await words.textContent()) ?? '', /classified as 8/);

  const box = await map.boundingBox();
  assert(box);
  const whole = await words.textContent();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  await words.filter({ hasText: /classified as 3 (8|9|10)\d* %/ }).waitFor();
  await map.press('0');
  await words.filter({ hasText: whole ?? '' }).waitFor();
  for (let k = 0; k < 9; k++) await map.press('+');
  await map.press('ArrowLeft');
  await map.press('ArrowLeft');
  await map.press('ArrowLeft');
  await words.filter({ hasText: /classified as 3 100 %/ }).waitFor();
  await pocket.getByRole('button', { name: 'Whole' }).click();
  await words.filter({ hasText: whole ?? '' }).waitFor();
  // Another cut may well hold as much of each reading: the picture tells.
  const picture = () => pixels(pocket.locator('.raster:not(.empty)'));
  const before = await picture();
  await pocket.getByRole('button', { name: 'Another cut' }).click();
  const begun = Date.now();
  while (isDeepStrictEqual(await picture(), before)) assert(Date.now() - begun < 10_000, 'another cut is another picture');

  const slider = pocket.getByRole('slider', { name: 'Size of the noise' });
  const says = async (/** @type {RegExp} */ pattern) =>
    page.waitForFunction(
      (source) => new RegExp(source).test(document.querySelector('#noise')?.getAttribute('aria-valuetext') ?? ''),
      pattern.source,
    );
  await says(/^1\.0 times r, 0 of 1,000/);
  await slider.press('End');
  await says(/^16\.0 times r, [1-9]\d* of 1,000/);
});

test('link, picture, numbers and search can be kept, and the picture still fools the network', async (t) => {
  const { page, context, url, readout } = await open(t, STILL);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Sample digit 5' }).click();
  await settled(page, /sample 5.*predict 8/);
  const keep = await section(page, 'Keep it');
  const save = async (/** @type {string} */ name) => {
    const saved = page.waitForEvent('download');
    await keep.getByRole('button', { name, exact: true }).click();
    const file = await saved;
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
  };
  await keep.getByText(/white on black.*still classified as 8/).waitFor();

  const picture = await save('Picture (PNG)');
  assert.equal(picture.name, 'pockets-5-as-8.png');
  await settled(page, /Saved\. .*still classified as 8/);
  // The browser's own decoder reads the file; given to an engine of the page's own, what it shows is classified as the target.
  const seen = await page.evaluate(
    async (bytes) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext('2d');
      context?.drawImage(bitmap, 0, 0);
      const grey = [...(context?.getImageData(0, 0, 28, 28).data ?? [])].filter((_, k) => k % 4 === 0);
      const main = document.querySelector('script')?.src ?? '';
      const { Client } = await import(new URL('client.js', main).href);
      const client = new Client();
      const file = await fetch(new URL('networks/FC100-100-10_pens.safetensors', main));
      await client.load('network', new Uint8Array(await file.arrayBuffer()));
      const image = Float32Array.from(grey, (level) => level / 255);
      const { label } = await new Promise((done) => client.ask('picture', 'classify', { network: 'network', image }, done));
      client.close('done');
      return { width: bitmap.width, height: bitmap.height, label };
    },
    [...picture.bytes],
  );
  assert.deepEqual(seen, { width: 28, height: 28, label: 8 });
  const sum = await save('x + r (npy)');
  assert.equal(sum.bytes.subarray(1, 6).toString(), 'NUMPY');
  assert.equal(sum.bytes.length, 128 + 4 * 784);
  assert.match(sum.bytes.subarray(10, 128).toString(), /'<f4'.*\(28, 28\).*\n$/);
  const values = new Float32Array(sum.bytes.buffer.slice(sum.bytes.byteOffset + 128, sum.bytes.byteOffset + sum.bytes.length));
  const r = await save('r (npy)');
  const changes = new Float32Array(r.bytes.buffer.slice(r.bytes.byteOffset + 128, r.bytes.byteOffset + r.bytes.length));
  assert(Math.abs(Math.hypot(...changes) - Number(await readout('Norm').innerText())) < 0.006);
  assert(values.every((v) => v >= 0 && v <= 1));

  const search = (await save('Search (CSV)')).bytes.toString().trim().split('\n');
  assert.equal(search[0], 'evaluation,phase,c,loss,objective,norm,margin,c_succeeds,c_fails');
  assert.equal(search.length - 1, Number(await readout('Evaluations').innerText()));

  await keep.getByRole('button', { name: 'Copy link' }).click();
  await settled(page, /Copied/);
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert(link.startsWith(`${url}#v1;`));
  await page.goto('about:blank');
  await page.goto(link);
  await settled(page, /as 5.*makes it predict 8/);
});

test('a network of one’s own is attacked, one that is none is refused in words, and neither leaves the browser', async (t) => {
  const { page, requests, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const own = await section(page, 'Bring your own');
  const file = own.locator('input[type=file]');
  await file.setInputFiles({ name: 'broken.safetensors', mimeType: '', buffer: Buffer.from('not a network') });
  await settled(page, /broken\.safetensors was not taken: .*safetensors file is not whole/);
  await own.getByText(/broken\.safetensors was not taken/).waitFor();
  assert.match(await readout('Adversarial prediction').innerText(), /^8/, 'the network before is still attacked');

  const before = requests.length;
  await file.setInputFiles({ name: 'mine.safetensors', mimeType: '', buffer: safetensors(HALVES) });
  await own.getByText('Made up is now attacked').waitFor();
  await settled(page, /makes it predict/);
  assert.match(await readout('Prediction').innerText(), /^[26]/);
  const network = page.getByRole('combobox', { name: 'Network', exact: true });
  assert.equal(await network.inputValue(), 'Made up');
  const asked = requests.slice(before).filter((url) => !url.endsWith('/icon.svg'));
  assert.deepEqual(asked, [], 'nothing was asked of anyone');
  await network.selectOption('FC100-100-10');
  await settled(page, /as 3.*makes it predict 8/);
  await network.selectOption('Made up');
  await readout('Prediction').filter({ hasText: /^[26]/ }).waitFor();
});

test('a file that is dropped is taken, wherever on the page it falls, and the drawing stays', async (t) => {
  const { page, draw, readout } = await open(t, STILL);
  await draw(await written(4));
  await settled(page, /your digit as 4/);
  const own = await section(page, 'Bring your own');
  const folder = await mkdtemp(join(tmpdir(), 'pockets-'));
  t.after(() => rm(folder, { recursive: true }));
  const devtools = await page.context().newCDPSession(page);
  /** Drags a file in from outside the browser, as a file manager does. */
  const drop = async (/** @type {string} */ name, /** @type {Buffer} */ bytes, /** @type {{ x: number, y: number }} */ place) => {
    await writeFile(join(folder, name), bytes);
    const data = { items: [], files: [join(folder, name)], dragOperationsMask: 1 };
    for (const type of /** @type {const} */ (['dragEnter', 'dragOver', 'drop']))
      await devtools.send('Input.dispatchDragEvent', { type, ...place, data });
  };
  const zone = await own.locator('.drop').boundingBox();
  assert(zone);
  await drop('broken.safetensors', Buffer.from('not a network'), { x: zone.x + zone.width / 2, y: zone.y + zone.height / 2 });
  await own.getByText('broken.safetensors was not taken').waitFor();
  assert.equal(
    await readout('Prediction')
      .innerText()
      .then((text) => text[0]),
    '4',
  );
  await drop('mine.safetensors', safetensors(HALVES), { x: 5, y: 300 });
  await own.getByText('Made up is now attacked').waitFor();
  await settled(page, /your digit as [26].*makes it predict/);
  assert.equal(await own.locator('.drop.over').count(), 0);
});

test('the example is shown to every network, as it is and amplified, and another can be attacked from there', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const own = await section(page, 'Bring your own');
  await own.locator('input[type=file]').setInputFiles({ name: 'mine.safetensors', mimeType: '', buffer: safetensors(HALVES) });
  await own.getByText('Made up is now attacked').waitFor();
  await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption('FC100-100-10');
  await settled(page, /as 3.*makes it predict 8/);

  const transfer = await section(page, 'Other networks');
  const row = (/** @type {string} */ name) => transfer.getByRole('row').filter({ has: page.getByRole('button', { name, exact: true }) });
  await row('Made up').waitFor();
  const texts = await row('FC100-100-10').getByRole('cell').allInnerTexts();
  assert.match(texts[0], /^3 /, 'your digit');
  assert.match(texts[1], /^8 /, 'the example');
  assert.match(texts[2], /^8 /, 'amplified');
  assert.match(texts[3], /\d\.\d\d/, 'its own norm');
  for (const text of (await row('Made up').getByRole('cell').allInnerTexts()).slice(0, 3))
    assert.match(text, /^[26] /, 'whatever it is, it has ink above or below');
  const select = transfer.getByRole('combobox', { name: 'Compare with' });
  assert(!(await select.locator('option').allInnerTexts()).includes('FC100-100-10'), 'not with itself');
  await select.selectOption('Made up');
  const pair = transfer.locator('.comparison .words');
  // Its example takes FC100-100-10 across the boundary at t = 1, by the definition of r.
  await pair.filter({ hasText: /FC100-100-10 predicts 8 from t\s=\s(0\.9\d|1\.0\d) on, Made up (predicts|holds out)/ }).waitFor();
  assert.match(
    (await transfer.getByRole('img', { name: /Probabilities of two networks: FC100-100-10 predicts 8/ }).getAttribute('aria-label')) ?? '',
    /Made up/,
  );
  await select.selectOption('FC200-200-10');
  await pair.filter({ hasText: /FC200-200-10 predicts 8 from/ }).waitFor();
  const cosine = Number((await pair.innerText()).match(/cosine (-?\d\.\d\d)/)?.[1]);
  assert(cosine > 0.3 && cosine < 1, `two networks that learnt the same digits have related blind spots: ${cosine}`);
  const table = transfer.getByRole('group', { name: /On the whole test set/ });
  const ours = table
    .getByRole('row', { name: /^FC100-100-10/ })
    .getByRole('cell')
    .nth(3);
  assert.match(await ours.innerText(), /^100\.0\s%\s+100\s%/, 'its own examples, ours and the paper’s');
  await row('Made up').getByRole('button').click();
  await settled(page, /as [26]/);
  assert.equal(await page.getByRole('combobox', { name: 'Network', exact: true }).inputValue(), 'Made up');
});

test('no layer amplifies the change beyond its bound, and the searched change more than a random one', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const layers = await section(page, 'Why so little');
  await layers.getByText(/All layers together/).waitFor();
  const rows = await layers
    .getByRole('row')
    .filter({ has: page.getByRole('cell') })
    .all();
  assert.equal(rows.length, 3);
  for (const row of rows) {
    const [bound, searched, random] = (await row.getByRole('cell').allInnerTexts()).map((text) => Number(text));
    assert(searched > 0 && searched <= bound && random > 0 && random <= bound, await row.innerText());
  }
  const [found, chance] = ((await layers.getByText(/All layers together/).innerText()).match(/[\d.]+(?= times)/g) ?? []).map(Number);
  assert(found > 2 * chance, `${found} against ${chance}`);
});

test('the digits that a unit and a random direction pick out, anew at each click, and where the visitor’s own falls', async (t) => {
  const { page, requests } = await open(t, STILL);
  await settled(page, /sample 3/);
  assert(!requests.some((url) => url.includes('test-1000')), 'the test digits are loaded only here');
  const units = await section(page, 'Units or directions');
  const words = units.getByText(/test digits have a larger projection than yours/);
  await words.first().waitFor();
  assert.equal(await words.count(), 2);
  const rank = Number(((await words.first().innerText()).match(/^[\d,]+/)?.[0] ?? '').replace(',', ''));
  assert(rank >= 0 && rank <= 1000);
  const shown = (/** @type {number} */ row) =>
    units
      .locator('.tops')
      .nth(row)
      .evaluate((tops) => [...tops.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join());
  const [unit, direction] = [await shown(0), await shown(1)];
  assert.notEqual(unit, direction);
  assert.equal(new Set(unit.split('data:')).size, 11, 'ten different digits');
  await units.getByRole('button', { name: 'Another direction' }).click();
  await page.waitForFunction(
    (before) => [...document.querySelectorAll('.tops')[1].querySelectorAll('canvas')].map((c) => c.toDataURL()).join() !== before,
    direction,
  );
  assert.equal(await shown(0), unit, 'the unit stays');
  await units.getByRole('radio', { name: 'hidden layer 2' }).check();
  await page.waitForFunction(
    (before) => [...document.querySelectorAll('.tops')[0].querySelectorAll('canvas')].map((c) => c.toDataURL()).join() !== before,
    unit,
  );
});

test('each claim of the paper has a verdict, a source, and the numbers of the reproduction where it has some', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const right = await section(page, 'Were they right');
  const claims = right.getByRole('listitem');
  assert.equal(await claims.count(), 8);
  for (const claim of await claims.all()) {
    assert.match(await claim.locator('.verdict').innerText(), /stands|contested|refuted|too linear/);
    assert.match((await claim.getByRole('link').first().getAttribute('href')) ?? '', /^https:\/\/arxiv\.org\/abs\/\d{4}\.\d{4,5}$/);
  }
  const data = JSON.parse(await readFile(new URL('../../www/reproduction.json', import.meta.url), 'utf8'));
  const main = data.networks.find((/** @type {{ name: string }} */ { name }) => name === 'FC100-100-10');
  await claims
    .first()
    .getByText(`mean distortion is ${main.distortion.toFixed(3)}`)
    .waitFor();
  const same = data.sampling.steps.find((/** @type {{ multiple: number }} */ { multiple }) => multiple === 1).counts;
  await right.getByText(`${((100 * same.changed) / same.tried).toFixed(1)}\u00a0% change the prediction`).waitFor();
  await right.getByText('named after the refuted word').waitFor();
});

for (const [colorScheme, width] of /** @type {const} */ ([
  ['light', 1280],
  ['dark', 375],
])) {
  test(`axe finds nothing wrong in the sections, with a digit and without, in the ${colorScheme} theme at ${width} pixels`, async (t) => {
    const context = /** @type {const} */ ({ reducedMotion: 'reduce', colorScheme, viewport: { width, height: 800 } });
    const { page, screenshot } = await open(t, { ...STILL, context });
    await settled(page);
    for (const heading of HEADINGS) await section(page, heading);
    await page.getByText(/white on black/).waitFor();
    await inspect(page, 'with a digit');
    assert.equal(await page.getByRole('status').count(), 1, 'one live region');
    assert.equal(await page.locator('output, [aria-live], [role=alert], [role=log]').count(), 0, 'and no other');
    await touchable(page.locator('button, select, input').filter({ visible: true }));
    assert((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, 'nothing scrolls sideways');
    await screenshot(`explore-${width}`);
    await page.getByRole('button', { name: 'Clear' }).click();
    await settled(page, /nothing to attack/);
    for (const heading of HEADINGS) await section(page, heading);
    await inspect(page, 'without');
  });
}

test('where no worker can start the sections are computed by the page itself', async (t) => {
  const { page } = await open(t, { ...STILL, before: withoutWorkers });
  await settled(page, /makes it predict 8/);
  const nine = await section(page, 'nine disguises');
  await nine
    .getByRole('button', { name: /norm \d/ })
    .nth(8)
    .waitFor();
  const pocket = await section(page, 'chance');
  await pocket
    .locator('#map-words')
    .filter({ hasText: /classified as 3/ })
    .waitFor();
});

test('the first search plays by itself where motion is welcome, and can be paused', async (t) => {
  const { page } = await open(t);
  await settled(page, /sample 3/);
  const search = await section(page, 'step by step');
  const pause = search.getByRole('button', { name: 'Pause' });
  await pause.click();
  const slider = search.getByRole('slider', { name: 'Evaluation' });
  const paused = await slider.inputValue();
  await page.waitForTimeout(700);
  assert.equal(await slider.inputValue(), paused);
});

test('a finger moves the map sideways and zooms it with a second one', async (t) => {
  const context = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true, reducedMotion: /** @type {const} */ ('reduce') };
  const { page, context: browser } = await open(t, { ...STILL, context });
  await settled(page, /sample 3/);
  const pocket = await section(page, 'chance');
  const map = pocket.getByLabel('Map of predictions');
  const words = pocket.locator('#map-words');
  await words.filter({ hasText: /classified as 3/ }).waitFor();
  await map.scrollIntoViewIfNeeded();
  const box = await map.boundingBox();
  assert(box);
  const fingers = await browser.newCDPSession(page);
  const touch = (/** @type {'touchStart' | 'touchMove' | 'touchEnd'} */ type, /** @type {[number, number][]} */ ...points) =>
    fingers.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: points.map(([x, y], id) => ({ x: box.x + x * box.width, y: box.y + y * box.height, id })),
    });
  const share = async () => Number((await words.textContent())?.match(/classified as 3 (\d+) %/)?.[1]);
  const before = await share();
  await touch('touchStart', [0.2, 0.5]);
  for (let x = 0.25; x < 0.7; x += 0.05) await touch('touchMove', [x, 0.5]);
  await touch('touchEnd');
  await page.waitForFunction(
    (least) => Number(document.querySelector('#map-words')?.textContent?.match(/classified as 3 (\d+) %/)?.[1]) > least,
    before + 20,
  );
  assert.equal(await page.evaluate(() => scrollX), 0);
  const moved = await share();
  await touch('touchStart', [0.5, 0.45], [0.5, 0.55]);
  for (let d = 0.08; d < 0.4; d += 0.04) await touch('touchMove', [0.5, 0.5 - d], [0.5, 0.5 + d]);
  await touch('touchEnd');
  await page.waitForFunction(
    (other) => Number(document.querySelector('#map-words')?.textContent?.match(/classified as 3 (\d+) %/)?.[1]) !== other,
    moved,
  );
});
