// @ts-check
/**
 * Prints the files, relative to the site, that a visitor's browser asks for until the first attack has settled: one a line.
 * For `cargo xtask size`; its argument is the page, the site's own by default.
 */

import assert from 'node:assert/strict';
import { readout, startBrowser, startServer, watch } from './harness.mjs';

/** What comes this soon after the first attack, in milliseconds, still counts. */
const AFTERWARDS = 2_000;

const server = await startServer();
const browser = await startBrowser();
try {
  // The service worker comes after the first attack, and mostly copies what is here already.
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const { faults } = watch(context);
  const page = await context.newPage();
  await page.goto(server.url + (process.argv[2] ?? ''));
  // The page draws and attacks a sample by itself; then the norm is a number.
  await readout(page, 'Norm').filter({ hasText: /\d/ }).waitFor({ timeout: 60_000 });
  await page.waitForTimeout(AFTERWARDS);
  assert.deepEqual(faults, []);

  process.stdout.write([...new Set(server.served)].map((file) => `${file}\n`).join(''));
} finally {
  await browser.close();
  await server.close();
}
