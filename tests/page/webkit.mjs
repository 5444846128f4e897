// @ts-check
/**
 * WebKit in the shape of Playwright's browsers, as far as the page's tests use them: Playwright drives a WebKit of its own making, and this
 * one is the one that people have. Elements are found in the page (webkit-finder.mjs), all else is WebDriver (webkit-driver.mjs).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { standings, withScripts } from './between.mjs';
import { Session } from './webkit-driver.mjs';
import { Keyboard, Mouse } from './webkit-hands.mjs';
import { Frame, PAUSE } from './webkit-locator.mjs';

/**
 * @import { Answer } from './between.mjs'
 * @import { Taste } from './webkit-driver.mjs'
 * @import { Step } from './webkit-finder.mjs'
 * @typedef {{ fulfill: (answer: Answer) => void, abort: () => void, continue: () => void,
 *   fetch: () => Promise<{ body: () => Promise<Buffer> }> }} Route
 * @typedef {{ viewport?: { width: number, height: number }, colorScheme?: string, reducedMotion?: string }} Options
 */

/** Keeps what a page does wrong, until it is asked for. */
function listen() {
  const faults = /** @type {string[]} */ ([]);
  const { error } = console;
  console.error = (...given) => {
    faults.push(`console: ${given.join(' ')}`);
    error.apply(console, given);
  };
  addEventListener('error', (event) => faults.push(`uncaught: ${event.error?.stack ?? event.message}`));
  addEventListener('unhandledrejection', ({ reason }) => faults.push(`uncaught: ${reason?.stack ?? reason}`));
  document.addEventListener('securitypolicyviolation', (event) =>
    faults.push(`console: ${event.violatedDirective} forbids ${event.blockedURI}`),
  );
  Object.assign(window, { pocketsFaults: faults });
}

/** A window. */
export class Page extends Frame {
  /** @param {Context} context @param {Session} session @param {string} handle */
  constructor(context, session, handle) {
    super(/** @type {any} */ (null), [], []);
    this.owner = /** @type {Page} */ (this);
    this.own = context;
    this.session = session;
    this.handle = handle;
    this.mouse = new Mouse((actions) => this.within([], (session) => session.post('/actions', { actions })));
    this.keyboard = new Keyboard((actions) => this.within([], (session) => session.post('/actions', { actions })));
  }

  get patience() {
    return this.own.patience;
  }

  context() {
    return this.own;
  }

  /** Does something once everything before it is done, in this window and these frames. @template T
   * @param {Step[][]} frames @param {(session: Session) => Promise<T>} does @returns {Promise<T>} */
  within(frames, does) {
    const place = JSON.stringify([this.handle, frames]);
    return this.session.inTurn(async () => {
      if (this.session.place !== place) {
        this.session.place = '';
        await this.session.post('/window', { handle: this.handle });
        await this.session.post('/frame', { id: null });
        for (const steps of frames) await this.session.post('/frame', { id: await this.#frame(steps) });
        this.session.place = place;
      }
      return does(this.session);
    });
  }

  /** The element of a frame in the document in use. @param {Step[]} steps */
  async #frame(steps) {
    const css = steps.map((step) => ('css' in step ? step.css : '')).join(' ');
    return this.session.run('return document.querySelector(arguments[0]);', [css]);
  }

  /** @param {string} address */
  async goto(address) {
    await this.report();
    this.session.place = '';
    if (address !== 'about:blank') this.own.origin = new URL(address).origin;
    const url = address.startsWith('file:') ? await this.own.copied(address) : address;
    await this.within([], (session) => session.post('/url', { url }));
  }

  async reload() {
    await this.report();
    await this.within([], (session) => session.post('/refresh'));
  }

  goBack() {
    return this.within([], (session) => session.post('/back'));
  }

  bringToFront() {
    return this.within([], async () => {});
  }

  /** @returns {Promise<string>} */
  content() {
    return this.evaluate(() => document.documentElement.outerHTML);
  }

  /** @param {number} time in milliseconds */
  waitForTimeout(time) {
    return sleep(time);
  }

  /** @param {Function} body @param {any} [given] */
  async waitForFunction(body, given) {
    for (const begun = performance.now(); !(await this.evaluate(body, given)); await sleep(PAUSE)) {
      if (performance.now() - begun > this.patience) throw new Error(`This does not come about: ${body}`);
    }
  }

  /** @param {string} pattern @param {(route: Route) => unknown} handler */
  async route(pattern, handler) {
    this.own.route(pattern, handler);
  }

  /** @param {string} pattern */
  async unroute(pattern) {
    this.own.unroute(pattern);
  }

  /** Runs before a page's own scripts, from the next page on. @param {Function} body */
  async addInitScript(body) {
    this.own.scripts.push(`(${body})()`);
  }

  /** Tells the context what the page has done wrong so far. */
  async report() {
    const said = await this.within([], (session) => session.run('return window.pocketsFaults?.splice(0) ?? [];')).catch(() => []);
    for (const fault of said) this.own.tell('fault', fault);
  }

  /** @param {{ path?: string }} [how] as much as the window shows */
  async screenshot({ path } = {}) {
    const png = Buffer.from(await this.within([], (session) => session.get('/screenshot')), 'base64');
    if (path) await writeFile(path, png);
    return png;
  }

  async close() {
    await this.report();
    await this.within([], (session) => session.closeWindow());
    this.session.place = '';
    this.own.all.delete(this);
  }
}

/** All that are open. @type {Set<Context>} */
const contexts = new Set();

/** Pages that share nothing with those of other contexts: each test's server has an origin of its own. */
class Context {
  /** @type {Set<Page>} */ all = new Set();
  /** Run before a page's own. @type {string[]} */ scripts = [`(${listen})()`];
  patience = 30_000;
  /** Of the page that was opened last. */ origin = '';
  #session;
  #viewport;
  #leave;
  /** @type {{ pattern: RegExp, name: string, handler: (route: Route) => unknown }[]} */ #routes = [];
  /** @type {Map<string, ((said: any) => void)[]>} */ #listeners = new Map();

  /** @param {Session} session @param {Options} options @param {() => void} leave gives the session back */
  constructor(session, { viewport = { width: 1280, height: 720 } }, leave) {
    this.#session = session;
    this.#viewport = viewport;
    this.#leave = leave;
    this.standing = {
      answer: (/** @type {string} */ url, /** @type {() => Promise<Buffer>} */ whole) => this.#answer(url, whole),
      first: () => this.scripts.join(';'),
      asked: (/** @type {string} */ url) => this.#concerns(url) && this.tell('request', { url: () => url }),
      answered: (/** @type {number} */ status, /** @type {string} */ url) =>
        this.#concerns(url) && this.tell('response', { status: () => status, url: () => url }),
    };
    standings.add(this.standing);
    contexts.add(this);
  }

  /** Whether an address is not of a page that another context has open. @param {string} url */
  #concerns(url) {
    const { origin } = new URL(url);
    return origin === this.origin || ![...contexts].some((other) => other.origin === origin);
  }

  /** @param {number} time in milliseconds */
  setDefaultTimeout(time) {
    this.patience = time;
  }

  /** @param {string} event `request`, `response`, or `fault`, which is a sentence @param {(said: any) => void} listener */
  on(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  /** @param {string} event @param {any} said */
  tell(event, said) {
    for (const listener of this.#listeners.get(event) ?? []) listener(said);
  }

  pages() {
    return [...this.all];
  }

  async newPage() {
    const isFirst = this.all.size === 0;
    const handle = isFirst ? await this.#session.get('/window') : (await this.#session.post('/window/new', { type: 'tab' })).handle;
    const page = new Page(this, this.#session, handle);
    this.all.add(page);
    if (isFirst) await this.#resize(page);
    return page;
  }

  /** Gives the page's own screen the size that was asked for. @param {Page} page */
  async #resize(page) {
    const { width, height } = this.#viewport;
    const inner = () => page.evaluate(() => [innerWidth, innerHeight, outerHeight - innerHeight]);
    for (let trial = 0; trial < 50; trial++, await sleep(PAUSE)) {
      const [w, h, around] = await inner();
      if (w === width && h === height) return;
      await page.within([], (session) => session.post('/window/rect', { x: 0, y: 0, width, height: height + around }));
    }
    throw new Error(`The window does not become ${width} × ${height}: it is ${await inner()}.`);
  }

  /** @param {string} pattern as Playwright has them @param {(route: Route) => unknown} handler */
  route(pattern, handler) {
    const inner = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '.*/'));
    this.#routes.unshift({ pattern: new RegExp(`^${inner}$`), name: pattern, handler });
  }

  /** @param {string} pattern */
  unroute(pattern) {
    this.#routes = this.#routes.filter(({ name }) => name !== pattern);
  }

  /** @param {string} url @param {() => Promise<Buffer>} whole @returns {Promise<Answer | null>} */
  #answer(url, whole) {
    const found = this.#routes.find(({ pattern }) => pattern.test(url));
    if (!found) return Promise.resolve(null);
    return new Promise((done) => {
      found.handler({
        fulfill: done,
        abort: () => done({ way: 'cut' }),
        continue: () => done({ way: 'through' }),
        fetch: async () => ({ body: whole }),
      });
    });
  }

  /** A file with the scripts that come first, beside it. @param {string} address */
  async copied(address) {
    this.tell('request', { url: () => address });
    const copy = fileURLToPath(address).replace(/\.html$/, '.watched.html');
    await writeFile(copy, withScripts(await readFile(fileURLToPath(address), 'utf8')));
    return pathToFileURL(copy).href;
  }

  async close() {
    const [first, ...others] = this.all;
    for (const page of others) await page.close();
    await first?.goto('about:blank');
    standings.delete(this.standing);
    contexts.delete(this);
    this.#leave();
  }
}

/** One browser process for each taste, and for each context that is open at the same time. */
export class WebKit {
  /** @type {{ session: Promise<Session>, taste: string, isFree: boolean }[]} */ #sessions = [];
  #version = '';

  /** @param {Options} [options] */
  async newContext(options = {}) {
    const taste = { isDark: options.colorScheme === 'dark', isStill: options.reducedMotion === 'reduce' };
    const name = JSON.stringify(taste);
    let kept = this.#sessions.find((each) => each.isFree && each.taste === name);
    if (!kept) {
      kept = { session: Session.start(taste), taste: name, isFree: false };
      this.#sessions.push(kept);
    }
    kept.isFree = false;
    const session = await kept.session;
    this.#version = session.version;
    return new Context(session, options, () => {
      kept.isFree = true;
    });
  }

  browserType() {
    return { name: () => 'webkit' };
  }

  /** Of the browser, once it has opened a page. */
  version() {
    return this.#version;
  }

  async close() {
    await Promise.all(this.#sessions.map(async ({ session }) => (await session).close()));
    this.#sessions = [];
  }
}
