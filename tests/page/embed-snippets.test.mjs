// @ts-check
/** What the page offers for pasting is pasted, and works. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import axe from 'axe-core';
import { DIST, draw } from './harness.mjs';
import { settled, written } from './helpers.mjs';
import { prepare } from './hosts.mjs';

const { browser, host, site } = await prepare(after);

/** The page with a drawn 5 that is to become a 2, and the disclosure open. @param {import('./harness.mjs').Test} t @param {number} [width] */
async function opened(t, width = 1280) {
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    viewport: { width, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(20_000);
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(site.url);
  await draw(page, await written(5));
  await page.getByRole('radiogroup', { name: 'Target' }).getByRole('radio', { name: '2', exact: true }).check();
  await settled(page, /your digit as 5.*makes it predict 2/);
  await page.getByText('Embed this in your page').click();
  await page.getByRole('heading', { name: 'One file' }).waitFor();
  return page;
}

test('the snippets, pasted elsewhere, show the drawing and target of the moment', async (t) => {
  const page = await opened(t);
  const [frame, element] = await page.locator('.snippet').allInnerTexts();
  await page.getByRole('button', { name: 'Copy: Element' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), element);

  const framed = await host(t, frame);
  await framed.page
    .frameLocator('iframe')
    .locator('.status')
    .filter({ hasText: /your digit as 5.*makes it predict 2/ })
    .waitFor();
  const within = await host(t, element);
  await within.page
    .locator('.status')
    .filter({ hasText: /your digit as 5.*makes it predict 2/ })
    .waitFor();
});

test('the one file is there to be saved', async (t) => {
  const page = await opened(t);
  const link = page.getByRole('link', { name: 'pockets.html' });
  assert.equal(await link.evaluate((each) => each instanceof HTMLAnchorElement && each.href), `${site.url}pockets.html`);
  assert((await stat(join(DIST, 'pockets.html'))).size > 300_000);
});

test('no barrier is found by axe-core in the open disclosure, wide and narrow', async (t) => {
  for (const width of [1280, 375]) {
    const page = await opened(t, width);
    await page.evaluate(axe.source);
    const found = await page.evaluate(async () =>
      (await /** @type {any} */ (window).axe.run('footer')).violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes[0].html}`),
    );
    assert.deepEqual(found, []);
    assert(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out');
  }
});
