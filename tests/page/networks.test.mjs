// @ts-check
/** Networks that are more than layers one after the other: one that is shipped, one from PyTorch, files that are neither. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { colours, killWorkers, rememberWorkers, section, settled, STILL, stubborn, withoutWorkers, written } from './helpers.mjs';

const NAME = 'CNN8-16-10';

/** @param {import('./harness.mjs').Page} page @param {string} [name] */
const choose = (page, name = NAME) => page.getByRole('combobox', { name: 'Network', exact: true }).selectOption(name);

test('the convolutional network is fetched when it is chosen, and attacked live', async (t) => {
  const { page, draw, readout, requests } = await open(t, STILL);
  await settled(page, /sample 3/);
  const isIts = (/** @type {string} */ url) => url.includes(NAME);
  assert(!requests.some(isIts), 'the first attack does without it');
  await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption(NAME);
  await settled(page, /as 3.*makes it predict 8/);
  assert.equal(requests.filter(isIts).length, 1);

  for (const [digit, target] of [
    [4, '9'],
    [7, '2'],
    [5, '3'],
    [4, 'any'],
  ]) {
    await page.getByRole('radio', { name: String(target), exact: true }).check({ force: true });
    await draw(await written(Number(digit)));
    await settled(page, new RegExp(`your digit as ${digit}.*makes it predict`));
    assert.match(await readout('Prediction').innerText(), new RegExp(`^${digit}`));
    if (target !== 'any') assert.match(await readout('Adversarial prediction').innerText(), new RegExp(`^${target}`));
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
  }
});

/** Waits until another norm is told than `before`, that of the same digit on another network. @param {import('./harness.mjs').Page} page @param {string} before */
const otherNorm = (page, before) =>
  page.waitForFunction(
    (before) => /\d/.test(document.querySelector('#norm')?.textContent ?? '') && document.querySelector('#norm')?.textContent !== before,
    before,
  );

test('the larger engine that it needs takes over with all that there is, and is replaced like any other', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, before: rememberWorkers });
  await draw(await written(4));
  await settled(page, /your digit as 4.*makes it predict 8/);
  const before = await readout('Norm').innerText();
  await choose(page);
  await otherNorm(page, before);
  await settled(page, /your digit as 4.*makes it predict 8/);
  const its = await readout('Norm').innerText();
  for (const name of ['Network input', 'Adversarial digit']) assert(new Set(await colours(page, name)).size > 4, name);
  await killWorkers(page);
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await draw(await written(4));
  await settled(page, /your digit as 4.*makes it predict 8/);
  assert.equal(await readout('Norm').innerText(), its, 'the successor has the network');
  await choose(page, 'FC100-100-10 (pens)');
  await otherNorm(page, its);
  await settled(page, /your digit as 4.*makes it predict 8/);
  assert.equal(await readout('Norm').innerText(), before, 'the same in either build');
});

test('where no worker can start the larger engine works on the page', async (t) => {
  const { page, draw, readout } = await open(t, { ...STILL, before: withoutWorkers });
  await draw(await written(4));
  await settled(page, /your digit as 4.*makes it predict 8/);
  const before = await readout('Norm').innerText();
  await choose(page);
  await otherNorm(page, before);
  await settled(page, /your digit as 4.*makes it predict 8/);
  assert.equal(page.workers().length, 0);
});

test('where the larger engine cannot be had the network is refused in a sentence, and taken later', async (t) => {
  let isAway = true;
  const refuse = (/** @type {string} */ path) => isAway && path.endsWith('sections_bg.wasm');
  const { page, draw, readout } = await open(t, { ...STILL, refuse, expected: [/404/, /WebAssembly/] });
  await settled(page, /as 3.*makes it predict 8/);
  await choose(page);
  await settled(page, /such files need could not be loaded/);
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await draw(await written(7));
  await settled(page, /your digit as 7.*makes it predict 8/);
  const before = await readout('Norm').innerText();
  isAway = false;
  await choose(page);
  await otherNorm(page, before);
  await settled(page, /your digit as 7.*makes it predict 8/);
});

test('what looks into layers says which networks it is for, and the other sections go on', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const network = page.getByRole('combobox', { name: 'Network', exact: true });
  await network.selectOption(NAME);
  await settled(page, /as 3.*makes it predict 8/);
  const nine = await section(page, 'One digit, nine disguises');
  await nine.getByRole('button').first().waitFor();
  for (const title of ['Units or directions', 'Why so little is enough']) {
    const each = await section(page, title);
    await each.getByText(/networks of fully connected layers alone/).waitFor();
  }
  const units = await section(page, 'Units or directions');
  assert(!(await units.getByRole('radiogroup', { name: 'Layer' }).isVisible()));
  await network.selectOption('FC100-100-10');
  await units.getByRole('radiogroup', { name: 'Layer' }).waitFor();
  await units
    .getByText(/have a larger projection than yours/)
    .first()
    .waitFor();
});

test('a network that PyTorch wrote is attacked, and one that cannot be is refused in a sentence that names the line', async (t) => {
  const { page, readout } = await open(t, STILL);
  await settled(page, /sample 3/);
  const own = await section(page, 'Bring your own');
  const python = await readFile(new URL('../../tools/export.py', import.meta.url), 'utf8');
  const shown = (await own.locator('pre code').textContent()) ?? '';
  assert(shown.startsWith(python.slice(python.indexOf('from safetensors')).trimEnd()), 'what is shown is what is tested');

  const file = own.locator('input[type=file]');
  const bytes = await readFile(new URL('../fixtures/pytorch/strides.safetensors', import.meta.url));
  const take = (/** @type {string} */ name, /** @type {Buffer} */ buffer) => file.setInputFiles({ name, mimeType: '', buffer });
  const changed = Buffer.from(bytes.toString('latin1').replace('gelu', 'golu'), 'latin1');
  await take('golu.safetensors', changed);
  await own.getByText(/golu\.safetensors was not taken: .*golu.* is not known here; known are .*gelu/).waitFor();
  await take('strides.safetensors', bytes);
  await own.getByText('PyTorch’s strides is now attacked'.replace('’', "'")).waitFor();
  await settled(page, /makes it predict|no change|predicts/);
  assert.match(await readout('Prediction').innerText(), /^\d/);
});

test('a network of the visitor’s own is there on the next visit, by its link too, until it is forgotten', async (t) => {
  const { page, draw, url } = await open(t, STILL);
  await draw(await written(3));
  await settled(page, /your digit as 3/);
  const own = await section(page, 'Bring your own network');
  await own
    .locator('input[type=file]')
    .setInputFiles({ name: 'made-up.safetensors', mimeType: 'application/octet-stream', buffer: stubborn(20) });
  await own.getByText('Made up is now attacked').waitFor();
  await page.waitForFunction(() => location.hash.includes('network=Made%20up'));
  const link = await page.evaluate(() => location.href);
  await page.goto('about:blank');
  await page.goto(link);
  await settled(page);
  assert.equal(await page.getByRole('combobox', { name: 'Network', exact: true }).inputValue(), 'Made up');
  const again = await section(page, 'Bring your own network');
  await again.getByRole('button', { name: 'Forget Made up' }).click();
  await again.getByText('Made up is forgotten').waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Network', exact: true }).inputValue(), 'FC100-100-10 (pens)');
  await page.goto(url);
  await page.goto(link);
  await settled(page, /There is no network called Made up on this page/);
});

test('a map without a proof speaks of no ring', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page);
  await choose(page);
  await settled(page, /as 3.*makes it predict 8/);
  const pocket = await section(page, 'Why chance misses the pocket');
  await pocket.getByText('On the dashed ring lies x′').waitFor();
  assert.equal(await pocket.getByText('solid ring').count(), 0);
});

/** @param {string} name of a file that a library has written */
const imported = async (name) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: await readFile(new URL(`../fixtures/imports/${name}`, import.meta.url)),
});

for (const [names, says] of /** @type {[string[], RegExp][]} */ ([
  [['functional.h5'], /Keras file \(HDF5\)/],
  [['functional.keras'], /Keras file/],
  [['plain.pth'], /PyTorch file/],
  [['last.onnx', 'last.onnx.data'], /ONNX file/],
  [['small.tflite'], /TensorFlow Lite file/],
])) {
  test(`${names.join(' with ')} is read and attacked`, async (t) => {
    const { page, requests } = await open(t, STILL);
    await settled(page, /sample 3/);
    const own = await section(page, 'Bring your own network');
    assert(!requests.some((url) => url.includes('import_bg.wasm')), 'nobody has dropped anything yet');
    await own.locator('input[type=file]').setInputFiles(await Promise.all(names.map(imported)));
    await own.getByText('is now attacked').waitFor();
    await own.getByText(says).waitFor();
    await page.waitForFunction(() => !location.hash.includes('(pens)'));
    assert.match(await settled(page), /./);
  });
}

test('what a file does not say can be changed, and a file that is none is refused in a sentence', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page, /sample 3/);
  const own = await section(page, 'Bring your own network');
  const input = own.locator('input[type=file]');
  await input.setInputFiles([await imported('plain.pth')]);
  const activation = own.getByRole('combobox', { name: 'Activation of hidden layers' });
  await activation.waitFor();
  await own.getByText('is now attacked').waitFor();
  const other = await activation.locator('option').nth(1).getAttribute('value');
  await activation.selectOption(other);
  await page.waitForFunction(
    (other) =>
      [...document.querySelectorAll('#own select')].some(
        (each) => each instanceof HTMLSelectElement && each.selectedOptions[0].value === other,
      ),
    other,
  );
  await own.getByText('is now attacked').waitFor();
  await input.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
  await own.getByText(/notes\.txt was not taken: .*begins with “hello”/).waitFor();
});
