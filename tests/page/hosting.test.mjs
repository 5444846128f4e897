// @ts-check
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DIST, open, startBrowser, startServer, watch } from './harness.mjs';
import { STILL, settled } from './helpers.mjs';
import { VERSION } from './hosts.mjs';

const browser = await startBrowser();
after(() => browser.close());

test('below any path the page and the frame’s page work, and ask nobody else', async (t) => {
  // open() fails where another host is asked, the policy broken or a file missing.
  const { page, url } = await open(t, { ...STILL, below: '/some/where/' });
  await settled(page, /makes it predict 8/);
  await page.goto(`${url}embed.html`);
  await page
    .locator('.status')
    .filter({ hasText: /makes it predict 8/ })
    .waitFor();
});

for (const name of ['index.html', 'embed.html']) {
  test(`${name} has a strict policy and nothing inline`, async () => {
    const html = await readFile(join(DIST, name), 'utf8');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    const directives = new Map(policy.split(';').map((each) => /** @type {[string, string]} */ (each.trim().split(/ (.*)/s).slice(0, 2))));
    assert.equal(directives.get('default-src'), "'none'");
    assert.equal(directives.get('script-src'), "'self' 'wasm-unsafe-eval'");
    assert.equal(directives.get('style-src'), "'self'");
    assert(!/unsafe-inline|\*|https?:/.test(policy), policy);
    assert(!/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/.test(html), 'nothing is inline');
  });
}

test('those who link to the page are told its title, a picture, and a frame', async () => {
  const html = await readFile(join(DIST, 'index.html'), 'utf8');
  const picture = /property="og:image" content="([^"]*)"/.exec(html)?.[1] ?? '';
  assert.equal((await readFile(join(DIST, picture))).toString('latin1', 1, 4), 'PNG');
  const address = /type="application\/json\+oembed" href="([^"]*)"/.exec(html)?.[1] ?? '';
  const answer = JSON.parse(await readFile(join(DIST, address), 'utf8'));
  assert.equal(answer.type, 'rich');
  assert.match(answer.html, /<iframe src="embed\.html#v1;target=8"/);
});

test('the policy is in force: an inline script does not run', async (t) => {
  const { page } = await open(t, { ...STILL, expected: [/Content Security Policy/] });
  await settled(page, /makes it predict 8/);
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' })));
  assert.equal(await page.evaluate(() => 'ran' in window), false);
});

test('all that a page loads is in the version’s folder, the Worker and the module too', async (t) => {
  const { page, requests, url } = await open(t, STILL);
  await settled(page, /makes it predict 8/);
  const files = requests.filter((address) => address.startsWith(url)).map((address) => address.slice(url.length));
  assert(files.some((file) => file.endsWith('worker.js')) && files.some((file) => file.endsWith('.wasm')));
  assert.deepEqual(
    files.filter((file) => file !== '' && !file.startsWith(`${VERSION}/`)),
    [],
  );
});

for (const name of ['', 'embed.html']) {
  test(`the first attack of ${name || 'the page'} asks for everything at once: all of it is named in the page itself, and the module once`, async (t) => {
    const server = await startServer();
    const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1280, height: 900 }, serviceWorkers: 'block' });
    t.after(async () => {
      await context.close();
      await server.close();
    });
    const page = await context.newPage();
    await page.goto(server.url + name);
    await page
      .locator('.status')
      .filter({ hasText: /makes it predict 8/ })
      .waitFor();
    const html = await readFile(join(DIST, name || 'index.html'), 'utf8');
    // The sections and their engine come after the first attack.
    const files = server.served.filter((file) => file.startsWith('v-') && !/\/explore\/|\/sections(_bg)?\.|reproduction\.json$/.test(file));
    assert.deepEqual(
      files.filter((file) => !html.includes(`./${file}"`)),
      [],
    );
    assert(files.length > 6);
    const script = name ? 'frame.js' : 'page.js';
    for (const file of ['pockets_bg.wasm', 'FC100-100-10.safetensors', script]) {
      assert.equal(files.filter((each) => each.endsWith(file)).length, 1, file);
    }
    // The page has the lists in itself; the frame's element, which is on other pages too, asks for them.
    for (const file of ['samples.json', 'index.json']) {
      assert.equal(files.filter((each) => each.endsWith(file)).length, name ? 1 : 0, file);
    }
  });
}

test('the scripts that a page begins with are one file, and what is loaded later meets those and no others', async (t) => {
  // A service worker asks for everything when it finds the time.
  const { page, requests } = await open(t, { context: { ...STILL.context, serviceWorkers: 'block' } });
  await settled(page, /makes it predict 8/);
  for (const id of ['nine', 'feed', 'own']) {
    await page.locator(`#${id}`).scrollIntoViewIfNeeded();
    await page.locator(`#${id}`).locator('button, input').first().waitFor();
  }
  const scripts = requests.map((url) => /\/www\/([^?#]+\.js)$/.exec(url)?.[1] ?? '').filter((name) => name !== '');
  assert(scripts.includes('explore/stage.js') && scripts.includes('explore/feed.js'));
  const beside = new Set(scripts.filter((name) => !name.startsWith('explore/')));
  assert.deepEqual([...beside].sort(), ['offline.js', 'page.js', 'serve.js', 'worker.js']);
});

test('after the first visit the page works without a network', async (t) => {
  const server = await startServer({ below: '/pockets/' });
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(30_000);
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(server.url);
  await settled(page, /makes it predict 8/);
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    if (registration.active?.state !== 'activated') {
      await new Promise((done) => registration.active?.addEventListener('statechange', done, { once: true }));
    }
  });
  await server.close();

  const { requests } = watch(context);
  await page.goto(`${server.url}?again`);
  await settled(page, /makes it predict 8/);
  await page.getByRole('radio', { name: '2', exact: true }).check();
  await settled(page, /makes it predict 2/);
  assert(requests.length > 5);
  const keeper = await readFile(join(DIST, 'sw.js'), 'utf8');
  for (const name of ['page.js', 'worker.js', 'serve.js', 'explore/stage.js']) assert(keeper.includes(`/www/${name}"`), name);
  for (const name of ['frame.js', 'element.js', 'client.js']) assert(!keeper.includes(`/www/${name}"`), `${name} is for other pages`);
});

test('a server in trouble is as good as none to a visitor who was here before', async (t) => {
  let isInTrouble = false;
  const site = await startServer();
  const troubled = createServer(async (request, response) => {
    if (isInTrouble) return response.writeHead(503, { 'Content-Type': 'text/plain' }).end('Service unavailable');
    const answer = await fetch(new URL(request.url ?? '/', site.url));
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  troubled.listen(0, '127.0.0.1');
  await once(troubled, 'listening');
  const address = troubled.address();
  assert(address && typeof address === 'object');
  const url = `http://127.0.0.1:${address.port}/`;
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(30_000);
  t.after(async () => {
    await context.close();
    troubled.closeAllConnections();
    troubled.close();
    await site.close();
  });
  const page = await context.newPage();
  await page.goto(url);
  await settled(page, /makes it predict 8/);
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('sw.js');
    const { active } = await navigator.serviceWorker.ready;
    while (active?.state !== 'activated') await new Promise((done) => setTimeout(done, 20));
  });
  isInTrouble = true;
  await page.goto(`${url}?again`);
  await settled(page, /makes it predict 8/);
  // Whatever the page had shown on its first visit is there, the section that trains too, and the verdicts' figures.
  for (const name of ['Feed it back', 'Were they right?']) {
    const section = page.getByRole('region', { name });
    await section.scrollIntoViewIfNeeded();
    await section.locator('.figure > *').first().waitFor();
    assert.equal(await section.getByText('could not be loaded').count(), 0, name);
  }
});

test('a new version replaces the old one’s cache', async (t) => {
  const server = await startServer();
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  t.after(async () => {
    await context.close();
    await server.close();
  });
  const page = await context.newPage();
  await page.goto(`${server.url}embed.html`);
  const names = await page.evaluate(async () => {
    const prefix = `pockets ${new URL('./', location.href).href} `;
    await (await caches.open(`${prefix}v-000000000000`)).put('./', new Response('old'));
    await (await caches.open('somebody else’s')).put('./', new Response('theirs'));
    await navigator.serviceWorker.register('sw.js');
    const { active } = await navigator.serviceWorker.ready;
    while (active?.state !== 'activated') await new Promise((done) => setTimeout(done, 20));
    return caches.keys();
  });
  assert.deepEqual(names.map((name) => name.split(' ').at(-1)).sort(), [VERSION, 'else’s'].sort());
});
