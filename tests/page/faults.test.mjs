// @ts-check
/** What can go wrong around the page, made to: each ends in a sentence or is not noticed at all, and the drawing is kept. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DIST, IN_CHROMIUM, open } from './harness.mjs';
import { STILL, killWorkers, rememberWorkers, settled, status, stubborn, target, written } from './helpers.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

/** Whether there is ink on the pad. @param {Page} page */
const isDrawnOn = (page) =>
  page.getByLabel('Drawing pad', { exact: true }).evaluate((pad) => {
    const context = pad instanceof HTMLCanvasElement ? pad.getContext('2d') : null;
    const { width, height } = /** @type {HTMLCanvasElement} */ (pad);
    return context?.getImageData(0, 0, width, height).data.some((value, k) => k % 4 === 3 && value > 0) ?? false;
  });

/** The network's files are answered by `body`. @param {Page} page @param {Buffer} body */
const instead = (page, body) => page.route('**/*.safetensors', (route) => route.fulfill({ body }));

/** @param {Page} page */
async function nine(page) {
  const section = page.getByRole('region', { name: 'One digit, nine disguises' });
  await section.scrollIntoViewIfNeeded();
  return section;
}

test('a Worker that is killed in the middle of a search is replaced, and the search is made again', async (t) => {
  const before = async (/** @type {Page} */ page) => {
    await rememberWorkers(page);
    await instead(page, stubborn(8000));
  };
  const { page, draw, readout } = await open(t, { ...STILL, before });
  await draw(await written(1));
  // Known as soon as the search begins, which takes seconds.
  await readout('Prediction').filter({ hasText: /^3/ }).waitFor();
  assert((await killWorkers(page)) > 0);
  assert(await isDrawnOn(page));
  await settled(page, /found no change that makes it predict 8/);
});

test('the sections’ own Worker, killed, is replaced too', async (t) => {
  const { page } = await open(t, { ...STILL, before: rememberWorkers });
  await settled(page, /makes it predict 8/);
  const section = await nine(page);
  await section
    .getByRole('button', { name: /norm \d/ })
    .nth(8)
    .waitFor();
  assert.equal(await killWorkers(page, 1), 1, 'the second is theirs');
  await page.getByRole('button', { name: 'Sample digit 7', exact: true }).click();
  await settled(page, /sample 7 as 7/);
  await section.getByRole('button', { name: /towards 7 ?: the prediction/ }).waitFor();
});

for (const [what, spoil] of /** @type {[string, (whole: Buffer) => Buffer][]} */ ([
  ['cut in its header', (whole) => whole.subarray(0, 100)],
  ['cut in its weights', (whole) => whole.subarray(0, whole.length - 1000)],
  ['empty', () => Buffer.alloc(0)],
])) {
  test(`a network file that is ${what} is refused in words, the drawing kept, and another one taken`, async (t) => {
    const { page, draw } = await open(t, STILL);
    await draw(await written(1));
    await settled(page, /your digit as 1/);
    await page.route('**/FC200-200-10.safetensors', async (route) => {
      const whole = await (await route.fetch()).body();
      await route.fulfill({ body: spoil(whole) });
    });
    const network = page.getByRole('combobox', { name: 'Network' });
    await network.selectOption('FC200-200-10');
    await settled(page, /not a whole safetensors file.*your digit as 1/);
    assert.equal(await network.inputValue(), 'FC100-100-10 (pens)', 'the one before stays in use');
    await network.selectOption('FC10(1)');
    await settled(page, /your digit as \d/);
    assert.equal(await network.inputValue(), 'FC10(1)');
  });
}

test('a network that is slow to come does not hold up the drawing, and one that is chosen meanwhile counts', async (t) => {
  const { page, draw } = await open(t, STILL);
  await settled(page);
  /** @type {() => void} */ let letGo = () => {};
  const isLet = new Promise((done) => (letGo = () => done(true)));
  await page.route('**/FC200-200-10.safetensors', async (route) => {
    await isLet;
    await route.continue();
  });
  const network = page.getByRole('combobox', { name: 'Network' });
  await network.selectOption('FC200-200-10');
  await draw(await written(1));
  const first = await settled(page, /your digit as 1.*makes it predict 8/);
  await network.selectOption('FC10(1)');
  let said = first;
  while (said === first || said === '') said = (await status(page).textContent()) ?? '';
  letGo();
  await page.waitForTimeout(500);
  assert.equal(await network.inputValue(), 'FC10(1)');
  assert.equal(await settled(page), said, 'the one that came late is not used');
});

for (const [what, body] of /** @type {[string, Buffer][]} */ ([
  ['that is no module', Buffer.from('<html>sorry</html>')],
  ['that is cut', Buffer.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 200])],
])) {
  test(`WebAssembly ${what} is a sentence, and the pad still draws`, async (t) => {
    const before = (/** @type {Page} */ page) =>
      page.route('**/*.wasm', (route) => route.fulfill({ body, contentType: 'application/wasm' }));
    const { page, draw } = await open(t, { ...STILL, before, expected: [/WebAssembly|wasm/i] });
    await settled(page, /cannot run in this browser: .*Your drawing is kept/);
    await draw(await written(1));
    assert(await isDrawnOn(page));
  });
}

test('where a browser forbids all storage the page works, and says nothing of it', async (t) => {
  const before = (/** @type {Page} */ page) =>
    page.addInitScript(() => {
      const refuse = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      };
      for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches', 'cookieStore']) {
        Object.defineProperty(window, name, { get: refuse });
      }
      Object.defineProperty(Navigator.prototype, 'serviceWorker', { get: refuse });
    });
  const { page, draw } = await open(t, { ...STILL, before });
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  await nine(page);
  // Longer than the page waits before it would keep anything.
  await page.waitForTimeout(6500);
});

test('a line that is lost after loading costs what was not loaded yet, in words, and nothing once it is back', async (t) => {
  const { page, draw, context } = await open(t, { ...STILL, expected: [/ERR_INTERNET_DISCONNECTED|NS_ERROR_OFFLINE|NS_ERROR/] });
  await settled(page);
  await page.route('**/networks/*', (route) => route.abort('internetdisconnected'));
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  const network = page.getByRole('combobox', { name: 'Network' });
  await network.selectOption('FC200-200-10');
  await settled(page, /The network FC200-200-10 could not be loaded .*your digit as 1/);
  await page.unroute('**/networks/*');
  await network.selectOption('FC200-200-10');
  await settled(page, /^(?!.*could not).*your digit as 1/);
  assert.equal(await network.inputValue(), 'FC200-200-10');
  assert.equal(context.pages().length, 1);
});

// Only Chromium lets a test freeze a page.
test('a tab that was hidden and frozen goes on where it was', { skip: !IN_CHROMIUM }, async (t) => {
  const { page, context, draw } = await open(t, { ...STILL, before: (page) => instead(page, stubborn(3000)) });
  const session = await context.newCDPSession(page);
  await settled(page, /as 3 .*(Still searching|found no change)/);
  await draw(await written(1));
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  await new Promise((done) => setTimeout(done, 3000));
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await settled(page, /your digit as 3.*found no change that makes it predict 8/);
  await draw(await written(7));
  await settled(page, /your digit as 3/);
});

// What browsers call it when a module's file is answered with a 404's page; the last is Firefox's.
const NOT_A_MODULE = /dynamically imported|Failed to fetch|MIME|NS_ERROR_CORRUPTED_CONTENT/;

/** The site as another version of it would be: other contents of no consequence, at another address. */
async function anotherVersion() {
  const folder = await mkdtemp(join(tmpdir(), 'pockets-version-'));
  await cp(DIST, folder, { recursive: true });
  const version = (await readdir(folder)).find((name) => name.startsWith('v-')) ?? '';
  const other = 'v-ffffffffffff';
  await rename(join(folder, version), join(folder, other));
  for (const name of ['index.html', 'embed.html', 'sw.js', 'element.js']) {
    const text = await readFile(join(folder, name), 'utf8');
    await writeFile(join(folder, name), text.replaceAll(version, other));
  }
  return { folder, version: other, remove: () => rm(folder, { recursive: true }) };
}

test('a version that is published while the page is open: what is loaded works on, what is not is named, and a reload brings the new one', async (t) => {
  const other = await anotherVersion();
  const { page, draw, deploy, url } = await open(t, {
    ...STILL,
    before: rememberWorkers,
    expected: [/404/, /stage\.js|worker\.js|FC200/, NOT_A_MODULE],
  });
  t.after(other.remove); // after the page is gone
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  deploy(other.folder);
  await target(page, '4').check();
  await settled(page, /makes it predict 4/);
  await page.getByRole('combobox', { name: 'Network' }).selectOption('FC200-200-10');
  await settled(page, /The network FC200-200-10 could not be loaded \(404\).*your digit as 1/);
  await page.getByRole('region', { name: 'One digit, nine disguises' }).scrollIntoViewIfNeeded();
  await page.getByText(/The rest of this page could not be loaded/).waitFor();
  assert(await isDrawnOn(page));
  const link = await page.evaluate(() => location.hash);
  await page.goto('about:blank');
  await page.goto(url + link);
  await settled(page, /your digit as 1.*makes it predict 4/);
  assert((await page.content()).includes(other.version));
});

test('a Worker that dies when its script is not there any more ends in a sentence, not in asking for ever', async (t) => {
  const other = await anotherVersion();
  const { page, draw, deploy, requests } = await open(t, {
    ...STILL,
    before: rememberWorkers,
    expected: [/404/, /worker\.js|(pockets|sections)\.js/, NOT_A_MODULE],
  });
  t.after(other.remove); // after the page is gone
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  deploy(other.folder);
  await killWorkers(page);
  const before = requests.length;
  await target(page, '4').check();
  await settled(page, /(cannot run|ended unexpectedly|makes it predict 4)/);
  await page.waitForTimeout(1500);
  const asked = requests.slice(before).filter((url) => url.endsWith('/www/worker.js') && !url.includes(other.version));
  assert(asked.length <= 8, `it was asked for ${asked.length} times`);
  assert(await isDrawnOn(page));
});

test('two versions in two tabs share a service worker, and each goes on with its own files', async (t) => {
  const other = await anotherVersion();
  const { page, context, deploy, url, draw } = await open(t, STILL);
  t.after(other.remove); // after the page is gone
  await settled(page, /makes it predict 8/);
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('sw.js');
    const { active } = await navigator.serviceWorker.ready;
    while (active?.state !== 'activated') await new Promise((done) => setTimeout(done, 20));
  });
  await page.reload();
  await settled(page, /makes it predict 8/);
  deploy(other.folder);

  const second = await context.newPage();
  await second.goto(url);
  await settled(second, /makes it predict 8/);
  assert((await second.content()).includes(other.version), 'the new page is of the new version');
  await second.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    while (!registration.waiting && registration.installing) await new Promise((done) => setTimeout(done, 20));
  });
  // The first lives on files that no server has any more.
  await page.bringToFront();
  await draw(await written(1));
  await settled(page, /your digit as 1.*makes it predict 8/);
  const section = await nine(page);
  await section
    .getByRole('button', { name: /norm \d/ })
    .nth(8)
    .waitFor();
  await target(second, '5').check();
  await settled(second, /makes it predict 5/);
  await second.close();
});
