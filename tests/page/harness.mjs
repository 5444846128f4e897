// @ts-check
/**
 * What page tests stand on: the finished site behind a server of its own, in a browser with a fresh profile, driven by real
 * pointer and keyboard events.
 *
 *     import { test } from 'node:test';
 *     import { open } from './harness.mjs';
 *
 *     test('a drawn line is classified', async (t) => {
 *       const { page, draw, readout } = await open(t);
 *       await draw([[[0.5, 0.1], [0.5, 0.9]]]);
 *       …
 *     });
 *
 * A test fails by itself when the page logs an error, throws, breaks its Content-Security-Policy, asks for a file that is not there,
 * or asks another host for anything.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip as gzipThen } from 'node:zlib';
import { chromium, firefox } from 'playwright-core';
import { answerOf, standings, withScripts } from './between.mjs';
import { WebKit } from './webkit.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('playwright-core').BrowserContext} Context
 * @typedef {import('playwright-core').BrowserContextOptions} ContextOptions
 * @typedef {[x: number, y: number]} Point on a pad of side 1, y downwards
 * @typedef {{ after: (clean: () => Promise<void>) => void }} Test what node:test hands to a test
 */

/** The finished site. */
export const DIST = process.env.POCKETS_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));

/** Where screenshots are kept. */
export const SCREENSHOTS = fileURLToPath(new URL('../../target/screenshots', import.meta.url));

/** How long to wait for anything, in milliseconds: a loaded machine is slow, a broken page is slower. */
const PATIENCE = 20_000;

/** Bytes that a slow line carries at a time. */
const CHUNK = 1024;

/** @type {Record<string, string>} */
const MEDIA_TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

const gzip = promisify(gzipThen);

/** Waits for a moment of performance.now(), not at all if it has passed. @param {number} moment */
async function until(moment) {
  const wait = moment - performance.now();
  if (wait > 0) await sleep(wait);
}

/**
 * Serves a folder on a port of its own, as a plain static host does.
 *
 * @param {object} [options]
 * @param {string} [options.folder] the finished site by default
 * @param {string} [options.below] the path that the folder appears at, as '/' or '/some/where/'
 * @param {Record<string, string>} [options.extra] further files by their address, such as a page that embeds ours
 * @param {(path: string) => boolean} [options.refuse] answers 404 to what it is true of
 * @param {(path: string) => number} [options.late] by how many milliseconds a file comes later than it could
 * @param {{ latency: number, bytesPerSecond: number }} [options.line] as seen through a slow line: every answer begins so many
 *   milliseconds after its request, and all answers share the rate; packed, and cached for ever where the name says so
 */
export async function startServer({ folder = DIST, below = '/', extra = {}, refuse = () => false, late = () => 0, line } = {}) {
  let lineIsFree = 0;
  /** Files as a slow line carries them. @type {Map<string, Promise<Buffer>>} */
  const packings = new Map();
  let published = folder;
  /** @type {string[]} */
  const served = [];
  const server = createServer(async (request, response) => {
    const address = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const path = decodeURIComponent(address.pathname);
    const send = (/** @type {number} */ status, /** @type {string} */ type, /** @type {string | Buffer} */ body) => {
      for (const standing of standings) standing.answered(status, address.href);
      // Pages of other origins may use what static hosts publish.
      const headers = { 'Content-Type': type, 'Cache-Control': 'no-cache', 'Access-Control-Allow-Origin': '*' };
      response.writeHead(status, headers).end(type.startsWith('text/html') ? withScripts(String(body)) : body);
    };
    for (const standing of standings) standing.asked(address.href);
    const answer = await answerOf(address.href, () => readFile(join(published, path.slice(below.length))));
    if (answer?.way === 'cut') return request.socket.destroy();
    if (answer?.body !== undefined) return send(200, answer.contentType ?? 'application/octet-stream', answer.body);
    if (late(path)) await sleep(late(path));
    if (Object.hasOwn(extra, path)) {
      send(200, MEDIA_TYPES[extname(path)] ?? 'text/html; charset=utf-8', extra[path]);
      return;
    }
    try {
      if (!path.startsWith(below) || refuse(path)) throw new Error('not here');
      let file = normalize(join(published, path.slice(below.length)));
      if (file !== normalize(published) && !file.startsWith(normalize(published + sep))) throw new Error('outside');
      if ((await stat(file)).isDirectory()) file = join(file, 'index.html');
      served.push(relative(published, file));
      if (line) {
        // By the line's own clock: what a timer is late is not lost to the line.
        let due = performance.now() + line.latency;
        const packing = packings.get(file) ?? readFile(file).then((bytes) => gzip(bytes, { level: 9 }));
        packings.set(file, packing);
        const packed = await packing;
        const cached = /\/v-[0-9a-f]+\//.test(file) ? 'max-age=31536000, immutable' : 'no-cache';
        response.writeHead(200, {
          'Content-Type': MEDIA_TYPES[extname(file)] ?? 'application/octet-stream',
          'Content-Encoding': 'gzip',
          'Cache-Control': cached,
        });
        // Chunk by chunk, so that answers on their way at the same time get equal parts of the line.
        for (let at = 0; at < packed.length; at += CHUNK) {
          const chunk = packed.subarray(at, at + CHUNK);
          await until(due);
          lineIsFree = Math.max(lineIsFree, due) + (1000 * chunk.length) / line.bytesPerSecond;
          due = lineIsFree;
          await until(due);
          response.write(chunk);
        }
        response.end();
        return;
      }
      send(200, MEDIA_TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file));
    } catch {
      send(404, 'text/plain', 'There is no such file.');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  return {
    /** The site's own address, ending in a slash. */
    url: `http://127.0.0.1:${address.port}${below}`,
    /** The files that were asked for, by whomever (page, worker or style sheet), relative to the folder. */
    served,
    /** Another folder is served from now on. @param {string} folder */
    deploy: (folder) => {
      published = folder;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @typedef {'chromium' | 'firefox' | 'webkit'} Engine */

/** What the tests run in: `cargo xtask test firefox`, `cargo xtask test webkit`. */
export const ENGINE = /** @type {Engine} */ (process.env.POCKETS_BROWSER ?? 'chromium');
export const IN_CHROMIUM = ENGINE === 'chromium';
export const IN_FIREFOX = ENGINE === 'firefox';
export const IN_WEBKIT = ENGINE === 'webkit';

/**
 * Starts the browser, calling nobody, on no screen that anybody sees. The Firefox is any that there is, by WebDriver BiDi, and so is the
 * WebKit, by WebDriver: none that was made for tests.
 *
 * @param {object} [options]
 * @param {Engine} [options.engine]
 * @param {boolean} [options.isStill] a Firefox whose user wants no motion; the others are told so page by page
 * @param {boolean} [options.isDark] one whose user wants dark pages
 * @param {Record<string, string | number | boolean>} [options.preferences] of a Firefox
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function startBrowser({ engine = ENGINE, isStill = false, isDark = false, preferences = {} } = {}) {
  if (engine === 'webkit') return /** @type {any} */ (new WebKit());
  if (engine === 'firefox') {
    const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
    const theme = { 'layout.css.prefers-color-scheme.content-override': isDark ? 0 : 1 };
    const firefoxUserPrefs = { 'ui.prefersReducedMotion': isStill ? 1 : 0, ...theme, ...preferences };
    return firefox.launch({ channel: 'moz-firefox', executablePath, firefoxUserPrefs });
  }
  return chromium.launch({
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
}

/** For all tests of a process; each gets a profile of its own. @type {Map<string, ReturnType<typeof startBrowser>>} */
const browsers = new Map();

/** Ends the browsers that tests have shared. */
export const closeBrowsers = () => Promise.all([...browsers.values()].map(async (browser) => (await browser).close()));

// For a file that is run by itself. A script that is no test prints what it found, and would print the test runner's words too if it knew of that.
if (/\.test\.mjs$/.test(process.argv[1] ?? '')) {
  const { after } = await import('node:test');
  after(closeBrowsers);
}

/** @param {{ isStill: boolean, isDark: boolean }} wishes see {@link startBrowser} */
function browserFor(wishes) {
  const kind = IN_FIREFOX ? JSON.stringify(wishes) : '';
  const browser = browsers.get(kind) ?? startBrowser(wishes);
  browsers.set(kind, browser);
  return browser;
}

/**
 * Collects everything that a page does wrong, and everything it asks for.
 *
 * @param {Context} context
 */
export function watch(context) {
  /** @type {string[]} */
  const faults = [];
  /** @type {string[]} */
  const requests = [];
  context.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  // WebKit's, through the page itself.
  if (IN_WEBKIT) /** @type {any} */ (context).on('fault', (/** @type {string} */ said) => faults.push(said));
  context.on('weberror', (error) => faults.push(`uncaught: ${error.error().stack ?? error.error()}`));
  context.on('request', (request) => requests.push(request.url()));
  context.on('requestfailed', (request) => {
    // A request that the page itself gave up, or that ended with the page, is no fault.
    const reason = request.failure()?.errorText ?? 'failed';
    if (!['net::ERR_ABORTED', 'NS_BINDING_ABORTED'].includes(reason)) faults.push(`request: ${request.url()} ${reason}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 400) faults.push(`response: ${response.status()} ${response.url()}`);
  });
  return { faults, requests };
}

/**
 * Opens the page in a fresh profile; all but the browser ends with the test.
 *
 * @param {Test} test
 * @param {object} [options]
 * @param {string} [options.path] relative to the site, with query and hash
 * @param {string} [options.below] see {@link startServer}
 * @param {Record<string, string>} [options.extra] see {@link startServer}
 * @param {(path: string) => boolean} [options.refuse] see {@link startServer}
 * @param {(path: string) => number} [options.late] see {@link startServer}
 * @param {ContextOptions} [options.context] viewport, colour scheme, touch, reduced motion and so on
 * @param {(page: Page) => Promise<unknown>} [options.before] done before the page is loaded
 * @param {RegExp[]} [options.expected] faults that this test provokes
 */
export async function open(test, options = {}) {
  const { path = '', below, extra, refuse, late, context: contextOptions, before, expected = [] } = options;
  const server = await startServer({ below, extra, refuse, late });
  const browser = await browserFor({
    isStill: contextOptions?.reducedMotion === 'reduce',
    isDark: contextOptions?.colorScheme === 'dark',
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...contextOptions });
  context.setDefaultTimeout(PATIENCE);
  const { faults, requests } = watch(context);
  const page = await context.newPage();

  test.after(async () => {
    await context.close();
    await server.close();
    const unexpected = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
    assert.deepEqual(unexpected, [], 'the page did something wrong');
    const foreign = requests.filter((url) => !url.startsWith(new URL('/', server.url).href) && !/^(data|blob):/.test(url));
    assert.deepEqual(foreign, [], 'the page asked another host');
  });

  await before?.(page);
  await page.goto(server.url + path);
  return {
    page,
    context,
    url: server.url,
    deploy: server.deploy,
    faults,
    requests,
    draw: (/** @type {Point[][]} */ strokes, /** @type {{ slowly?: boolean }} */ how = {}) => draw(page, strokes, how),
    readout: (/** @type {string} */ name) => readout(page, name),
    screenshot: (/** @type {string} */ name) => screenshot(page, name),
  };
}

/**
 * Draws strokes on the pad by pointer events, as a mouse would.
 *
 * @param {Page | import('playwright-core').Frame} page
 * @param {Point[][]} strokes on a pad of side 1, y downwards
 * @param {{ slowly?: boolean }} [how] `slowly`: each move once the page has had the one before, a frame for each; else a browser that
 *   takes many at once hands over several with each frame, as it does of a quick hand
 */
export async function draw(page, strokes, { slowly = !IN_CHROMIUM } = {}) {
  const mouse = 'mouse' in page ? page.mouse : page.page().mouse;
  const pad = page.getByLabel('Drawing pad', { exact: true });
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  assert(box, 'the pad is on the screen');
  const move = (/** @type {Point} */ [x, y]) => mouse.move(box.x + x * box.width, box.y + y * box.height);
  for (const [first, ...rest] of strokes) {
    await move(first);
    await mouse.down();
    const points = rest.flatMap((point, k) => [between(rest[k - 1] ?? first, point), point]);
    if (slowly) for (const point of points) await move(point);
    else await Promise.all(points.map(move));
    await mouse.up();
  }
}

/** @param {Point} a @param {Point} b @returns {Point} half way */
const between = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

/**
 * A readout (`Norm`, `Prediction`, …) by its accessible name.
 *
 * @param {Page | import('playwright-core').Frame} page
 * @param {string} name
 */
export function readout(page, name) {
  // A label may go on with a symbol that assistive technology does not read: "Norm ‖r‖₂".
  return page.locator('dd').and(page.getByLabel(new RegExp(`^\\s*${name}(\\s+\\W.*)?\\s*$`)));
}

/**
 * Keeps a screenshot of the whole page in target/screenshots.
 *
 * @param {Page} page
 * @param {string} name without the ending
 */
export async function screenshot(page, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  const path = join(SCREENSHOTS, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  return path;
}
