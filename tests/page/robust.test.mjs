// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import {
  STILL,
  colours,
  hasWorkers,
  killWorkers,
  rememberWorkers,
  safetensors,
  settled,
  stubborn,
  target,
  withoutWorkers,
  written,
} from './helpers.mjs';

const none = () => 0;
/** Predicts 3 of everything, whatever the pixels. */
const INDIFFERENT = safetensors({
  'fc1.weight': { shape: [10, 784], values: none },
  'fc1.bias': { shape: [10], values: (label) => (label === 3 ? 2 : 0) },
});

/** @param {import('./harness.mjs').Page} page @param {Buffer} body */
const instead = async (page, body) => {
  await page.route('**/*.safetensors', (route) => route.fulfill({ body }));
};

/** Waits until a picture has ink and paper. @param {import('./harness.mjs').Page} page @param {string} name */
async function painted(page, name) {
  for (let k = 0; k < 100; k++) {
    if (new Set(await colours(page, name)).size > 4) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`${name} shows nothing`);
}

test('a worker that dies is replaced, and the drawing kept', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, before: rememberWorkers });
  await settled(page);
  await killWorkers(page);
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  assert.match(await readout('Adversarial prediction').innerText(), /^8/);
  await target(page, '4').check();
  await settled(page, /makes it predict 4/);
});

test('while no answer comes, nothing old is shown', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, before: rememberWorkers });
  await settled(page);
  await killWorkers(page);
  await draw((await written(1)).slice(0, 1));
  await readout('Norm').filter({ hasText: '–' }).waitFor({ timeout: 1500 });
  assert.equal(await readout('Adversarial prediction').innerText(), '–');
  assert.equal(await readout('Prediction').innerText(), '–');
  await settled(page, /your digit as 1/);
});

test('where no worker can start the page does the work itself', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, before: withoutWorkers });
  await draw(await written(3));
  await settled(page, /your digit as 3.*makes it predict 8/);
  assert.match(await readout('Adversarial prediction').innerText(), /^8/);
  assert(hasWorkers(page, 0));
  await painted(page, 'Adversarial digit');
});

test('a worker that cannot be loaded is done without', async (t) => {
  const { page, draw } = await open(t, { ...STILL, refuse: (path) => path.endsWith('/worker.js'), expected: [/404/, /worker\.js/] });
  await draw(await written(3));
  await settled(page, /your digit as 3.*makes it predict 8/);
});

test('a browser without WebAssembly SIMD is told so', async (t) => {
  const { page, readout } = await open(t, {
    before: async (page) => {
      await page.addInitScript(() => Object.assign(WebAssembly, { validate: () => false }));
    },
  });
  await settled(page, /WebAssembly has no SIMD/);
  assert.equal(await readout('Prediction').innerText(), '–');
});

test('a module that cannot be loaded is a sentence, and the drawing stays', async (t) => {
  const { page, draw } = await open(t, { ...STILL, refuse: (path) => path.endsWith('.wasm'), expected: [/404/, /WebAssembly/] });
  await settled(page, /cannot run in this browser.*Your drawing is kept/);
  await draw(await written(1));
  const ink = await page.getByLabel('Drawing pad').evaluate((pad) => {
    const context = pad instanceof HTMLCanvasElement ? pad.getContext('2d') : null;
    return context?.getImageData(0, 0, 250, 250).data.some((value) => value > 0);
  });
  assert(ink, 'the pad still draws');
});

test('a network that is not there is a sentence', async (t) => {
  const { page } = await open(t, { ...STILL, refuse: (path) => path.endsWith('.safetensors'), expected: [/404/] });
  await settled(page, /network FC100-100-10 \(pens\) could not be loaded \(404\)/);
});

test('a file that is no network is refused in words', async (t) => {
  const { page } = await open(t, { ...STILL, before: (page) => instead(page, Buffer.from('not a network')) });
  await settled(page, /not a whole safetensors file/);
});

test('a search that fails says so, shows no result, and keeps the drawing', async (t) => {
  const { page, readout } = await open(t, { ...STILL, before: (page) => instead(page, INDIFFERENT) });
  await settled(page, /as 3 .* found no change that makes it predict 8/);
  assert.match(await readout('Prediction').innerText(), /^3/);
  for (const name of ['Adversarial prediction', 'Norm', 'Distortion', 'c', 'Evaluations', 'Search time']) {
    assert.equal(await readout(name).innerText(), '–', name);
  }
  assert((await colours(page, 'Adversarial digit')).every((value) => value === 0));
  assert((await colours(page, 'Network input')).some((value) => value > 0));
});

test('a large network is given its time, and a newer drawing ends its search', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, before: (page) => instead(page, stubborn(8000)) });
  await settled(page, /as 3 .*(Still searching|found no change)/);
  await page.getByRole('button', { name: 'Clear' }).click();
  await settled(page, /nothing to attack/);
  await draw([
    [
      [0.5, 0.1],
      [0.5, 0.9],
    ],
  ]);
  await settled(page, /your digit as 3/);
  await settled(page, /found no change that makes it predict 8/);
  assert.equal(await readout('Adversarial prediction').innerText(), '–');
});
