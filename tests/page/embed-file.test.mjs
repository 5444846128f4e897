// @ts-check
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DIST, IN_WEBKIT, draw, readout, startBrowser, watch } from './harness.mjs';
import { hasWorkers, settled, written } from './helpers.mjs';

const browser = await startBrowser();
/** As on a USB stick: nothing is beside the file. */
const stick = await mkdtemp(join(tmpdir(), 'pockets-stick-'));
await cp(join(DIST, 'pockets.html'), join(stick, 'pockets.html'));
after(async () => {
  await browser.close();
  await rm(stick, { recursive: true });
});

/**
 * @param {import('./harness.mjs').Test} t
 * @param {(page: import('./harness.mjs').Page) => Promise<unknown>} [before]
 * @param {'page' | 'frame'} [as]
 */
async function open(t, before, as = 'page') {
  const context = await browser.newContext({ offline: true, reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(20_000);
  const { faults, requests } = watch(context);
  const page = await context.newPage();
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
    assert.deepEqual(
      requests.filter((url) => !/^(file|blob|data):/.test(url)),
      [],
      'nobody is asked for anything',
    );
    assert.equal(requests.filter((url) => url.startsWith('file:')).length, as === 'page' ? 1 : 0, 'the file is all');
  });
  await before?.(page);
  if (as === 'page') await page.goto(pathToFileURL(join(stick, 'pockets.html')).href);
  else {
    const text = await readFile(join(stick, 'pockets.html'), 'utf8');
    await page.evaluate(
      (text) => document.body.append(Object.assign(document.createElement('iframe'), { width: 1200, height: 800, srcdoc: text })),
      text,
    );
  }
  return page;
}

test('the page in one file works from a file’s address without a network, in a Worker where the browser lets it', async (t) => {
  const page = await open(t);
  await settled(page, /sample 3 as 3.*makes it predict 8/);
  assert(IN_WEBKIT || page.workers().length > 0); // the sections may have started theirs too; in WebKit there is none
  await draw(page, await written(5));
  await settled(page, /your digit as 5.*makes it predict 8/);
  await page.getByRole('radio', { name: '2', exact: true }).check();
  await settled(page, /makes it predict 2/);
  assert.match(await readout(page, 'Adversarial prediction').innerText(), /^2/);
  assert.match(await page.evaluate(() => location.hash), /^#v1;.*target=2/);
});

test('as a frame’s srcdoc, which has no address of its own, it works and throws nothing', async (t) => {
  const page = await open(t, undefined, 'frame');
  const frame = page.frames()[1];
  await frame
    .getByRole('status')
    .filter({ hasText: /makes it predict 8/ })
    .waitFor();
  await frame.getByRole('button', { name: 'Sample digit 5' }).click();
  await frame
    .getByRole('status')
    .filter({ hasText: /sample 5 as 5.*makes it predict 8/ })
    .waitFor();
});

test('it works where no Worker can start', async (t) => {
  const page = await open(t, (page) => page.addInitScript(() => Reflect.deleteProperty(window, 'Worker')));
  await settled(page, /makes it predict 8/);
  assert(hasWorkers(page, 0));
});

test('its sections come from the file too', async (t) => {
  const page = await open(t);
  await settled(page, /makes it predict 8/);
  const place = page.locator('#nine .figure');
  await place.scrollIntoViewIfNeeded();
  await place.locator('canvas').first().waitFor();
  assert.equal(await place.evaluate((each) => getComputedStyle(each).display !== 'none'), true);
});
