// @ts-check
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import axe from 'axe-core';
import { draw, readout } from './harness.mjs';
import { hasWorkers, pixels, touchable, written } from './helpers.mjs';
import { prepare, script } from './hosts.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

const { element, host, site } = await prepare(after);

/** @param {Page | import('playwright-core').Locator} place @param {RegExp} text */
const says = (place, text) => place.locator('.status').filter({ hasText: text }).waitFor();

/** @param {import('playwright-core').Locator} place @param {RegExp} text */
const notes = (place, text) => place.locator('.notice').filter({ hasText: text }).waitFor();

/** @param {import('playwright-core').Locator} canvas */
const hasInk = async (canvas) => {
  const data = await pixels(canvas);
  return new Set(Array.from({ length: data.length / 4 }, (_, k) => data.slice(4 * k, 4 * k + 3).join())).size > 1;
};

/** Keeps the results in the host page. @type {string} */
const LISTEN = `<script>window.results = []; addEventListener('pockets-result', (e) => results.push(e.detail));</script>`;

/** @param {Page} page @returns {Promise<any[]>} */
const results = (page) => page.evaluate(() => /** @type {any} */ (window).results);

test('on another origin the element attacks its sample in a Worker, and what is drawn next', async (t) => {
  const { page } = await host(t, `${LISTEN}<pockets-demo target="8"></pockets-demo>${script(element)}`);
  const demo = page.locator('pockets-demo');
  await says(demo, /sample 3 as 3.*makes it predict 8/);
  assert(hasWorkers(page, 1));
  assert(await hasInk(demo.getByRole('img', { name: 'Perturbation' })));
  assert(await hasInk(demo.getByRole('img', { name: 'Adversarial digit' })));

  await draw(page, await written(5));
  await says(demo, /your digit as 5.*makes it predict 8/);
  assert.match(await readout(page, 'Adversarial prediction').innerText(), /^8/);
  const last = (await results(page)).at(-1);
  assert.deepEqual([last.label, last.target, last.adversarial, last.success], [5, 8, 8, true]);
  assert.equal(last.norm.toPrecision(3), await readout(page, 'Norm').innerText());
  assert(Math.abs(last.distortion - last.norm / 28) < 1e-7);
});

test('three elements share one Worker and one module, each with its own target', async (t) => {
  const demos = [2, 5, 'any'].map((target) => `<pockets-demo target="${target}" sample="${target === 'any' ? 1 : 7}"></pockets-demo>`);
  const { page, requests } = await host(t, `${demos.join('')}${script(element)}`, { context: { viewport: { width: 1280, height: 1900 } } });
  await says(page.locator('pockets-demo').nth(0), /as 7.*makes it predict 2/);
  await says(page.locator('pockets-demo').nth(1), /as 7.*makes it predict 5/);
  await says(page.locator('pockets-demo').nth(2), /as 1.*makes it predict \d/);
  assert(hasWorkers(page, 1));
  for (const file of ['.wasm', '.safetensors', 'samples.json', 'index.json']) {
    assert.equal(requests.filter((url) => url.endsWith(file)).length, 1, file);
  }

  const second = page.locator('pockets-demo').nth(1);
  await second.getByRole('radio', { name: '0', exact: true }).check();
  await says(second, /makes it predict 0/);
  assert.equal(await second.getAttribute('target'), '0', 'the choice is reflected');
  assert.equal(await page.locator('pockets-demo').nth(0).getAttribute('target'), '2');
});

test('attributes and properties are followed, in both directions', async (t) => {
  const { page } = await host(t, `<pockets-demo></pockets-demo>${script(element)}`);
  const demo = page.locator('pockets-demo');
  await says(demo, /sample 3 .*makes it predict 8/);
  await demo.evaluate((each) => Object.assign(each, { target: 4, sample: 6 }));
  await says(demo, /sample 6 .*makes it predict 4/);
  assert.deepEqual(await demo.evaluate((each) => [each.getAttribute('target'), each.getAttribute('sample')]), ['4', '6']);
  await demo.evaluate((each) => each.setAttribute('sample', 'none'));
  await says(demo, /blank/);
  await demo.evaluate((each) => each.remove());
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('pockets-demo'), { target: 'any', sample: 2 })));
  await says(page.locator('pockets-demo'), /sample 2 .*makes it predict \d/);
});

test('properties that were set before the element was known are taken over, and later ones count', async (t) => {
  const early = '<script>Object.assign(document.querySelector("pockets-demo"), { target: 5, sample: 2 })</script>';
  const { page } = await host(t, `<pockets-demo></pockets-demo>${early}${script(element)}`);
  const demo = page.locator('pockets-demo');
  await says(demo, /sample 2 .*makes it predict 5/);
  await demo.evaluate((each) => Object.assign(each, { target: 7 }));
  await says(demo, /makes it predict 7/);
});

test('an element that is moved in its document keeps its drawing, and one that comes back has it again', async (t) => {
  const { page } = await host(t, `<div id="a"><pockets-demo></pockets-demo></div><div id="b"></div>${script(element)}`);
  const demo = page.locator('pockets-demo');
  await says(demo, /sample 3/);
  await draw(page, await written(5));
  await says(demo, /your digit as 5/);
  const workers = page.workers?.().length;
  await demo.evaluate((each) => document.querySelector('#b')?.append(each));
  await says(demo, /your digit as 5/);
  assert.equal(page.workers?.().length, workers);
  await demo.evaluate(async (each) => {
    each.remove();
    await new Promise((done) => setTimeout(done, 50));
    document.querySelector('#a')?.append(each);
  });
  await says(demo, /digit as 5|as 5/);
});

test('flags may be written as frameworks write them', async (t) => {
  const { page } = await host(
    t,
    `<pockets-demo facade="true"></pockets-demo><pockets-demo facade="false"></pockets-demo>${script(element)}`,
  );
  const [first, second] = [page.locator('pockets-demo').nth(0), page.locator('pockets-demo').nth(1)];
  await says(second, /makes it predict 8/);
  assert.equal(await second.locator('.notice').innerText(), '');
  await first.getByRole('button', { name: 'Draw a digit and fool the network' }).waitFor();
});

test('in a page that is written from the right to the left the equation still goes from the left', async (t) => {
  const { page } = await host(t, `<div dir="rtl"><pockets-demo></pockets-demo></div>${script(element)}`);
  const demo = page.locator('pockets-demo');
  await says(demo, /makes it predict 8/);
  const lefts = [];
  for (const part of ['.drawing', '.change', '.result']) lefts.push((await demo.locator(part).boundingBox())?.x ?? NaN);
  assert(lefts[0] < lefts[1] && lefts[1] < lefts[2], String(lefts));
});

test('a server can import the element’s module', async () => {
  const { PocketsDemo } = await import(new URL('../../www/element.js', import.meta.url).href);
  assert.equal(typeof PocketsDemo, 'function');
});

test('every control can be hidden, and a hidden pad shows the digit instead', async (t) => {
  const hide = 'target network pad tools samples readings numbers sentence';
  const { page } = await host(t, `<pockets-demo hide="${hide}" target="9" sample="4"></pockets-demo>${script(element)}`);
  const demo = page.locator('pockets-demo');
  await demo.getByRole('img', { name: 'Network input' }).waitFor();
  await page.waitForFunction(() => {
    const sum = document.querySelector('pockets-demo')?.shadowRoot?.querySelector('[aria-label="Adversarial digit"]');
    return sum && !sum.classList.contains('empty');
  });
  for (const role of /** @type {const} */ (['button', 'radio', 'combobox', 'application', 'definition'])) {
    assert.equal(await demo.getByRole(role).count(), 0, role);
  }
});

test('a facade loads nothing before its click', async (t) => {
  const { page, requests } = await host(t, `<pockets-demo facade></pockets-demo>${script(element)}`);
  const button = page.getByRole('button', { name: /fool the network/ });
  await button.waitFor();
  await page.waitForTimeout(500);
  assert(hasWorkers(page, 0));
  assert(!requests.some((url) => /\.wasm|\.safetensors|element-view/.test(url)), requests.join('\n'));
  await button.click();
  await says(page.locator('pockets-demo'), /makes it predict 8/);
});

test('nothing is loaded for an element far below the screen', async (t) => {
  const { page, requests } = await host(t, `<div style="height: 3000px"></div><pockets-demo></pockets-demo>${script(element)}`);
  await page.waitForTimeout(500);
  assert(!requests.some((url) => url.endsWith('.wasm')));
  await page.locator('pockets-demo').scrollIntoViewIfNeeded();
  await says(page.locator('pockets-demo'), /makes it predict 8/);
});

test('a host’s colours reach the controls and the pictures, and its own styles stay outside', async (t) => {
  const style = `<style>pockets-demo { --pockets-ink: rgb(0 100 0); --pockets-accent: rgb(100 0 100); }
    pockets-demo::part(button) { border-radius: 20px; } button { display: none; } p { color: red !important; }</style>`;
  const { page } = await host(t, `<pockets-demo sample="1"></pockets-demo>${script(element)}`, { head: style });
  const demo = page.locator('pockets-demo');
  await says(demo, /makes it predict 8/);
  const clear = demo.getByRole('button', { name: 'Clear' });
  assert.equal(await clear.evaluate((each) => getComputedStyle(each).borderRadius), '20px');
  assert.equal(await demo.locator('.status').evaluate((each) => getComputedStyle(each).color), 'rgb(29, 29, 31)');
  const data = await pixels(demo.getByRole('img', { name: 'Adversarial digit' }));
  let darkest = [255, 255, 255];
  for (let k = 0; k < data.length; k += 4) if (data[k] < darkest[0]) darkest = data.slice(k, k + 3);
  assert(darkest[0] < 30 && Math.abs(darkest[1] - 100) < 30, `the ink is ${darkest}`);
});

test('the theme follows the host, and the attribute when it is given', async (t) => {
  const body = `<pockets-demo></pockets-demo><pockets-demo theme="dark"></pockets-demo>${script(element)}`;
  const { page } = await host(t, body, { context: { colorScheme: 'dark', viewport: { width: 1280, height: 1500 } } });
  const ink = (/** @type {number} */ k) =>
    page
      .locator('pockets-demo')
      .nth(k)
      .locator('.ask')
      .evaluate((each) => getComputedStyle(each).color);
  await says(page.locator('pockets-demo').nth(1), /makes it predict 8/);
  assert.equal(await ink(0), 'rgb(29, 29, 31)', 'a page that declares no dark theme is light');
  assert.equal(await ink(1), 'rgb(236, 234, 228)');
  await page.evaluate(() => (document.documentElement.style.colorScheme = 'light dark'));
  assert.equal(await ink(0), 'rgb(236, 234, 228)');
});

test('values that mean nothing are named in the element, which goes on with the defaults', async (t) => {
  const attributes = 'target="11" sample="x" theme="pink" hide="tools everything" reading="loud" digit="!"';
  const { page } = await host(t, `<pockets-demo ${attributes}></pockets-demo>${script(element)}`);
  const demo = page.locator('pockets-demo');
  await says(demo, /sample 3 .*makes it predict 8/);
  const notice = await demo.getByRole('alert').innerText();
  for (const word of ['target="11"', 'sample="x"', 'theme="pink"', 'hide="tools everything"', 'reading="loud"', 'digit="!"']) {
    assert(notice.includes(word), `${notice} does not name ${word}`);
  }
  assert.equal(await demo.getByRole('button', { name: 'Clear' }).count(), 0, 'the words of hide that mean something count');
  await demo.evaluate((each) => {
    for (const name of ['target', 'sample', 'theme', 'hide', 'reading', 'digit']) each.removeAttribute(name);
  });
  await demo.getByRole('alert').waitFor({ state: 'detached' });
});

test('a network that is not there is a sentence, and another one can be chosen', async (t) => {
  const body = `<pockets-demo network="FC7"></pockets-demo><p id="after">after</p>${script(element)}`;
  const { page } = await host(t, body, { expected: [/404/] });
  const demo = page.locator('pockets-demo');
  await notes(demo, /no network called FC7 here; there is .*FC100-100-10/);
  await demo.evaluate((each) => each.setAttribute('network', './nothing.safetensors'));
  await notes(demo, /nothing\.safetensors could not be loaded \(404\)/);
  await demo.evaluate((each) => each.setAttribute('network', 'host.html'));
  await notes(demo, /host\.html could not be used: .*not a whole safetensors file/);
  await demo.evaluate((each) => each.setAttribute('network', 'FC100-100-10'));
  await says(demo, /makes it predict 8/);
  assert.equal(await page.locator('#after').innerText(), 'after');
});

test('a network of the host’s own is fetched from its address', async (t) => {
  const network = `${site.url}elsewhere.safetensors`;
  const trained = await readFile(new URL('../../networks/FC100-100-10.safetensors', import.meta.url));
  const { page } = await host(t, `<pockets-demo network="${network}"></pockets-demo>${script(element)}`, {
    before: (page) =>
      page.route('**/elsewhere.safetensors', (route) => route.fulfill({ body: trained, headers: { 'Access-Control-Allow-Origin': '*' } })),
  });
  await says(page.locator('pockets-demo'), /makes it predict 8/);
});

test('under the strict policy that docs/embedding.md names, the element works in a Worker', async (t) => {
  const { origin } = new URL(element);
  const docs = await readFile(new URL('../../docs/embedding.md', import.meta.url), 'utf8');
  const named = [...docs.matchAll(/`((?:script|connect|worker)-src [^`]*)`/g)].map(([, directive]) =>
    directive.replaceAll('https://YOUR-SITE', origin),
  );
  assert.equal(named.length, 3);
  const { page } = await host(t, `<pockets-demo theme="dark"></pockets-demo>${script(element)}`, {
    head: `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; ${named.join('; ')}">`,
  });
  await says(page.locator('pockets-demo'), /makes it predict 8/);
  assert(hasWorkers(page, 1));
  assert.equal(
    await page.locator('pockets-demo .ask').evaluate((each) => getComputedStyle(each).color),
    'rgb(236, 234, 228)',
    'it is styled',
  );
});

test('where the host forbids Workers the element does the work itself', async (t) => {
  const policy = `script-src 'unsafe-inline' 'wasm-unsafe-eval' ${new URL(element).origin}; worker-src 'none'`;
  const { page } = await host(t, `<pockets-demo></pockets-demo>${script(element)}`, {
    head: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    expected: [/worker/i],
  });
  await says(page.locator('pockets-demo'), /makes it predict 8/);
  assert(hasWorkers(page, 0));
});

test('where the host forbids WebAssembly the element says what would allow it, and the host goes on', async (t) => {
  const policy = `script-src 'unsafe-inline' ${new URL(element).origin}; worker-src blob: ${new URL(element).origin}`;
  const { page } = await host(
    t,
    `<pockets-demo></pockets-demo><button onclick="this.textContent = 'clicked'">mine</button>${script(element)}`,
    {
      head: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
      expected: [/WebAssembly|wasm|eval/i],
    },
  );
  await notes(page.locator('pockets-demo'), /Content-Security-Policy forbids WebAssembly.*wasm-unsafe-eval/);
  await draw(page, await written(1));
  await page.getByRole('button', { name: 'mine' }).click();
  assert.equal(await page.getByRole('button', { name: 'clicked' }).count(), 1);
});

test('a module that cannot be loaded is a sentence, and the host goes on', async (t) => {
  const { page } = await host(t, `<pockets-demo></pockets-demo><p id="after">after</p>${script(element)}`, {
    before: (page) => page.context().route('**/*.wasm', (route) => route.abort()),
    expected: [/wasm|ERR_FAILED|WebAssembly/],
  });
  await notes(page.locator('pockets-demo'), /cannot run/);
  assert.equal(await page.locator('#after').innerText(), 'after');
});

test('a demo whose own script is not there is a sentence', async (t) => {
  const { page } = await host(t, `<pockets-demo></pockets-demo>${script(element)}`, {
    before: (page) => page.route('**/element-view.js', (route) => route.abort()),
    expected: [/element-view|ERR_FAILED/],
  });
  await page
    .locator('pockets-demo .waiting')
    .filter({ hasText: /could not be loaded/ })
    .waitFor();
});

test('no barrier is found by axe-core, wide and narrow, and no control is small', async (t) => {
  for (const width of [1280, 375]) {
    const { page } = await host(t, `<main><h1>Host</h1><pockets-demo></pockets-demo></main>${script(element)}`, {
      context: { viewport: { width, height: 900 } },
    });
    await says(page.locator('pockets-demo'), /makes it predict 8/);
    await page.evaluate(axe.source);
    const found = await page.evaluate(async () =>
      (await /** @type {any} */ (window).axe.run()).violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes[0].html}`),
    );
    assert.deepEqual(found, []);
    assert(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out');
    await touchable(page.locator('pockets-demo').getByRole('button'));
  }
});
