// @ts-check
/**
 * What tests of the embeds stand on: host pages on an origin of their own, the finished site on another, one browser for a whole
 * file of tests.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { DIST, startBrowser, startServer, watch } from './harness.mjs';

/**
 * @typedef {import('./harness.mjs').Page} Page
 * @typedef {import('./harness.mjs').Test} Test
 */

/** How long to wait for anything, in milliseconds. */
const PATIENCE = 20_000;

/** The folder of the site's version. */
export const VERSION = readdirSync(DIST).find((name) => name.startsWith('v-')) ?? '';

/**
 * The site and a browser, for all tests of a file.
 * @param {(clean: () => Promise<void>) => void} after node:test's
 * @param {Parameters<typeof startServer>[0]} [options] of the site's server
 */
export async function prepare(after, options) {
  const [site, browser] = await Promise.all([startServer(options), startBrowser()]);
  after(async () => {
    await browser.close();
    await site.close();
  });
  /** The element's module, as a host names it. */
  const element = `${site.url}${VERSION}/www/element.js`;

  /**
   * Opens a host page on its own origin. A test fails by itself when the page does something wrong, or asks anybody but
   * the host and the site.
   *
   * @param {Test} test
   * @param {string} body of the host page
   * @param {object} [more]
   * @param {string} [more.head]
   * @param {import('playwright-core').BrowserContextOptions} [more.context]
   * @param {(page: Page) => Promise<unknown>} [more.before] done before the page is loaded
   * @param {RegExp[]} [more.expected] faults that this test provokes
   * @param {boolean} [more.own] the host is of the site's own origin
   */
  async function host(test, body, { head = '', context: contextOptions, before, expected = [], own = false } = {}) {
    const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A host</title>
      <meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;
    const server = await startServer(own ? { extra: { '/host.html': html } } : { folder: '/nowhere', extra: { '/host.html': html } });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...contextOptions });
    context.setDefaultTimeout(PATIENCE);
    const { faults, requests } = watch(context);
    const page = await context.newPage();
    test.after(async () => {
      await context.close();
      await server.close();
      assert.deepEqual(
        faults.filter((fault) => !expected.some((pattern) => pattern.test(fault))),
        [],
        'a page did something wrong',
      );
      const known = [server.url, site.url];
      const foreign = requests.filter((url) => !known.some((start) => url.startsWith(start)) && !/^(data|blob|about):/.test(url));
      assert.deepEqual(foreign, [], 'a page asked another host');
    });
    await before?.(page);
    await page.goto(`${server.url}host.html`);
    return { page, context, faults, requests, url: server.url };
  }
  return { site, browser, element, host };
}

/** A host page's script tag for the element. @param {string} element */
export const script = (element) => `<script type="module" src="${element}"></script>`;
