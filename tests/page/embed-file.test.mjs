// @ts-check
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DIST, draw, readout, startBrowser, watch } from './harness.mjs';
import { hasWorkers, settled, written } from './helpers.mjs';

const browser = await startBrowser();
/** As on a USB stick: nothing is beside the file. */
const stick = await mkdtemp(join(tmpdir(), 'pockets-stick-'));
await cp(join(DIST, 'pockets.html'), join(stick, 'pockets.html'));
after(async () => {
  await browser.close();
  await rm(stick, { recursive: true });
});

/** @param {import('./harness.mjs').Test} t @param {(page: import('./harness.mjs').Page) => Promise<unknown>} [before] */
async function open(t, before) {
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
    assert.equal(requests.filter((url) => url.startsWith('file:')).length, 1, 'the file is all');
  });
  await before?.(page);
  await page.goto(pathToFileURL(join(stick, 'pockets.html')).href);
  return page;
}

test('the page in one file works from a file’s address without a network, in a Worker', async (t) => {
  const page = await open(t);
  await settled(page, /sample 3 as 3.*makes it predict 8/);
  assert(page.workers().length > 0); // the sections may have started theirs too
  await draw(page, await written(5));
  await settled(page, /your digit as 5.*makes it predict 8/);
  await page.getByRole('radio', { name: '2', exact: true }).check();
  await settled(page, /makes it predict 2/);
  assert.match(await readout(page, 'Adversarial prediction').innerText(), /^2/);
  assert.match(await page.evaluate(() => location.hash), /^#v1;.*target=2/);
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
