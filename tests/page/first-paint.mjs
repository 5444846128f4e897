// @ts-check
/**
 * How long a first visitor waits, through a line of 150 ms and 1.6 Mbit/s: from the navigation to the first painted perturbation.
 */
import { startBrowser, startServer } from './harness.mjs';

const LINE = { latency: 150, bytesPerSecond: 1.6e6 / 8 };

/**
 * @param {number} [visits]
 * @returns {Promise<number>} the median of some first visits, in milliseconds
 */
export async function firstPaint(visits = 5) {
  const server = await startServer({ line: LINE });
  const browser = await startBrowser();
  const times = [];
  try {
    for (let visit = 0; visit < visits; visit++) {
      const context = await browser.newContext({
        reducedMotion: 'reduce',
        viewport: { width: 1280, height: 900 },
        serviceWorkers: 'block',
      });
      const page = await context.newPage();
      await page.addInitScript(() => {
        addEventListener('DOMContentLoaded', () => {
          const norm = /** @type {HTMLElement} */ (document.querySelector('#norm'));
          new MutationObserver((_, observer) => {
            if (!/\d/.test(norm.textContent ?? '')) return;
            observer.disconnect();
            requestAnimationFrame(() => Object.assign(window, { firstPaint: performance.now() }));
          }).observe(norm, { childList: true, characterData: true, subtree: true });
        });
      });
      await page.goto(server.url);
      const time = await page.waitForFunction(() => /** @type {any} */ (window).firstPaint, undefined, { timeout: 60_000 });
      times.push(Number(await time.jsonValue()));
      await context.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.stdout.write(`${await firstPaint()}\n`);
