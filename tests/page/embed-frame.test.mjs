// @ts-check
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { encode, fromPad } from '../../www/drawing.js';
import { draw, readout } from './harness.mjs';
import { written } from './helpers.mjs';
import { prepare } from './hosts.mjs';

const { site, host } = await prepare(after);

/** The snippet of docs/embedding.md, for our site and with another hash. @param {string} hash */
async function snippet(hash) {
  const docs = await readFile(new URL('../../docs/embedding.md', import.meta.url), 'utf8');
  const found = /```html\n(<iframe[\s\S]*?)```/.exec(docs);
  assert(found, 'docs/embedding.md has a snippet with an iframe');
  return found[1].replace(/https:\/\/[^"#]*\/embed\.html(#[^"]*)?/, `${site.url}embed.html${hash}`);
}

/** What is in the frame. @param {import('./harness.mjs').Page} page */
async function inside(page) {
  const inner = await (await page.locator('iframe').elementHandle())?.contentFrame();
  assert(inner);
  return inner;
}

/** @param {import('./harness.mjs').Page} page @param {RegExp} text */
async function says(page, text) {
  const frame = page.frameLocator('iframe');
  await frame.locator('.status').filter({ hasText: text }).waitFor();
  return inside(page);
}

/** The frame's height, once it is that of its contents. @param {import('./harness.mjs').Page} page @returns {Promise<number>} */
async function fits(page) {
  await page.waitForFunction(() => {
    const frame = document.querySelector('iframe');
    return frame && frame.getAttribute('height') !== '560' && frame.offsetHeight > 200;
  });
  const inner = await inside(page);
  const [scroll, client] = (await inner.evaluate(() => [document.documentElement.scrollHeight, innerHeight])) ?? [];
  assert(client && scroll === client, 'nothing is cut off');
  return client;
}

test('the snippet’s frame attacks a sample and what is drawn, and takes the height of its contents', async (t) => {
  const { page } = await host(t, `<h1>Host</h1><div style="width: 640px">${await snippet('#v1;target=8')}</div>`);
  const frame = await says(page, /sample 3 as 3.*makes it predict 8/);
  assert((await page.locator('iframe').getAttribute('title'))?.length);
  assert.equal(await page.locator('iframe').getAttribute('loading'), 'lazy');
  const tall = await fits(page);
  await page.locator('div').evaluate((each) => (each.style.width = '360px'));
  await page.waitForFunction((before) => (document.querySelector('iframe')?.offsetHeight ?? 0) > before + 100, tall);
  await fits(page);
  await draw(frame, await written(5));
  await says(page, /your digit as 5.*makes it predict 8/);
  assert.match(await readout(frame, 'Adversarial prediction').innerText(), /^8/);
});

test('in a sandboxed frame it works by itself, and nothing is refused', async (t) => {
  // host() fails on whatever the console says.
  const { page } = await host(
    t,
    `<iframe sandbox="allow-scripts" width="640" height="600" src="${site.url}embed.html#v1;target=8"></iframe>`,
  );
  await says(page, /makes it predict 8/);
  assert.equal(page.workers().length, 0);
});

test('the host’s script listens to no other window, origin or message', async (t) => {
  const { page } = await host(t, await snippet('#v1;target=8'));
  await says(page, /makes it predict 8/);
  const height = await fits(page);
  await page.evaluate((origin) => {
    const frame = document.querySelector('iframe');
    const say = (/** @type {object} */ init) => window.dispatchEvent(new MessageEvent('message', init));
    const data = { type: 'pockets:height', version: 1, height: 99 };
    say({ data, origin: 'https://example.org', source: frame?.contentWindow });
    say({ data, origin, source: window });
    say({ data: { type: 'height', height: 99 }, origin, source: frame?.contentWindow });
    say({ data: { type: 'pockets:height', height: 'tall' }, origin, source: frame?.contentWindow });
    say({ data: null, origin, source: frame?.contentWindow });
  }, new URL(site.url).origin);
  assert.equal(await page.locator('iframe').evaluate((each) => each instanceof HTMLElement && each.offsetHeight), height);
});

test('results reach the host’s origin as messages', async (t) => {
  const listen = `<script>window.heard = []; addEventListener('message', (e) => heard.push([e.origin, e.data]));</script>`;
  const { page } = await host(t, listen + (await snippet('#v1;target=2;sample=7')));
  await says(page, /makes it predict 2/);
  const heard = await page.evaluate(() => /** @type {any} */ (window).heard);
  const [origin, last] = heard.filter((/** @type {any} */ each) => each[1].type === 'pockets:result').at(-1);
  assert.equal(origin, new URL(site.url).origin);
  assert.deepEqual([last.version, last.label, last.target, last.adversarial, last.success], [1, 7, 2, 2, true]);
});

test('the address fixes network, target and theme, and hides controls; nonsense is named', async (t) => {
  const { page } = await host(t, await snippet('#v1;network=FC100-100-10;target=any;sample=0;theme=dark;hide=target,samples,tools,link'));
  const frame = await says(page, /as 0.*makes it predict \d/);
  assert.equal(await frame.getByRole('radio').count(), 0);
  assert.equal(await frame.getByRole('button').count(), 0);
  assert.equal(await frame.getByRole('link').count(), 0);
  assert.equal(await frame.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(19, 20, 22)');
  await frame.evaluate(() => location.assign('#v1;target=99;theme=light'));
  await frame
    .getByRole('alert')
    .filter({ hasText: /target="99"/ })
    .waitFor();
});

test('a link of the page works for the frame too, and the frame leads to the page with it', async (t) => {
  const digit = encode(
    fromPad(
      (await written(5)).map((stroke) => stroke.flatMap(([x, y]) => [x, y, 0])),
      1,
    ),
  );
  const { page } = await host(t, await snippet(`#v1;network=FC100-100-10;target=1;reading=weight;digit=${digit}`));
  const frame = await says(page, /your digit as 5.*makes it predict 1/);
  assert.match((await frame.getByRole('link').getAttribute('href')) ?? '', new RegExp(`^index\\.html#v1;.*digit=${digit}`));
});

test('the frame installs no service worker', async (t) => {
  const { page, context } = await host(t, await snippet('#v1;target=8'));
  await says(page, /makes it predict 8/);
  await page.waitForTimeout(500);
  assert.equal(context.serviceWorkers().length, 0);
  const script = await readFile(new URL('../../embed.html', import.meta.url), 'utf8');
  assert(!script.includes('offline.js'));
});
