// @ts-check
/** Playwright's locators over WebDriver: a locator is a recipe, and whatever is done to an element waits until there is one. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { PNG } from 'pngjs';
import { DriverError } from './webkit-driver.mjs';
import { install } from './webkit-finder.mjs';

/**
 * @import { Session } from './webkit-driver.mjs'
 * @import { Step, Words } from './webkit-finder.mjs'
 * @import { Page } from './webkit.mjs'
 */

/** Between two looks at whether something has come about, in milliseconds. */
export const PAUSE = 30;
/** What a page that has no finder yet answers. */
const NO_FINDER = 'There is no finder here.';
/** Testing Library, for the page. */
const TESTING_LIBRARY = createRequire(import.meta.url).resolve('@testing-library/dom/dist/@testing-library/dom.umd.min.js');

/** @param {string | RegExp} sought @param {boolean} [exact] @returns {Words} */
const words = (sought, exact = false) =>
  sought instanceof RegExp ? { source: sought.source, flags: sought.flags } : { text: sought, exact };

/** Where a page's elements are found: a page, a frame, or below a locator's. */
class Place {
  /** @param {Page} page @param {Step[][]} way into frames @param {Step[]} steps */
  constructor(page, way, steps) {
    this.owner = page;
    this.way = way;
    this.steps = steps;
  }

  /** @param {...Step} more */
  narrowed(...more) {
    return new Locator(this.owner, this.way, [...this.steps, ...more]);
  }

  /** @param {string} css */
  locator(css) {
    return this.narrowed({ css });
  }

  /** @param {string} role @param {{ name?: string | RegExp, exact?: boolean }} [how] */
  getByRole(role, { name, exact } = {}) {
    return this.narrowed({ role, name: name === undefined ? null : words(name, exact) });
  }

  /** @param {string | RegExp} label @param {{ exact?: boolean }} [how] */
  getByLabel(label, { exact } = {}) {
    return this.narrowed({ label: words(label, exact) });
  }

  /** @param {string | RegExp} text @param {{ exact?: boolean }} [how] */
  getByText(text, { exact } = {}) {
    return this.narrowed({ text: words(text, exact) });
  }

  /** @param {string} css */
  frameLocator(css) {
    return new Place(this.owner, [...this.way, [...this.steps, { css }]], []);
  }

  /** Runs a function in the page, with the finder before its arguments. @param {Function} body @param {any[]} given @returns {Promise<any>} */
  withFinder(body, ...given) {
    const script = `if (!window.pocketsFinder) return ${JSON.stringify(NO_FINDER)}; return (${body})(window.pocketsFinder, ...arguments);`;
    return this.owner.within(this.way, async (session) => {
      const value = await session.run(script, given);
      if (value !== NO_FINDER) return value;
      await session.run(`${readFileSync(TESTING_LIBRARY, 'utf8')};(${install})();`);
      return session.run(script, given);
    });
  }

  /** Where a frame's upper left corner is on the page. @returns {Promise<{ x: number, y: number }>} */
  async corner() {
    const own = this.way.at(-1);
    if (!own) return { x: 0, y: 0 };
    const frame = new Locator(this.owner, this.way.slice(0, -1), own);
    const { x, y } = await frame.boundingBox();
    const [left, top] = await frame.evaluate((/** @type {Element} */ each) => [each.clientLeft, each.clientTop]);
    return { x: x + left, y: y + top };
  }
}

class Locator extends Place {
  /** @param {{ hasText?: string | RegExp, visible?: boolean }} how */
  filter({ hasText, visible }) {
    const steps = /** @type {Step[]} */ ([]);
    if (hasText !== undefined) steps.push({ hasText: words(hasText) });
    if (visible !== undefined) steps.push({ visible });
    return this.narrowed(...steps);
  }

  /** @param {Locator} other */
  and(other) {
    return this.narrowed({ and: other.steps });
  }

  /** @param {number} k */
  nth(k) {
    return this.narrowed({ nth: k });
  }

  first() {
    return this.nth(0);
  }

  last() {
    return this.nth(-1);
  }

  page() {
    return this.owner;
  }

  /** @returns {Promise<number>} */
  count() {
    return this.withFinder((/** @type {any} */ { find }, /** @type {Step[]} */ steps) => find(steps).length, this.steps);
  }

  async all() {
    return Array.from({ length: await this.count() }, (_, k) => this.nth(k));
  }

  /** @param {Function} body @param {any} [given] @returns {Promise<any>} */
  evaluateAll(body, given) {
    const script = `({ find }, steps, given) => (${body})(find(steps), given)`;
    return this.withFinder(/** @type {any} */ (script), this.steps, given);
  }

  /** @returns {Promise<string[]>} */
  allInnerTexts() {
    return this.evaluateAll((/** @type {HTMLElement[]} */ all) => all.map((each) => each.innerText));
  }

  /** Of the one element, as soon as there is one. @param {Function} body @param {any} [given] @param {number} [timeout] @returns {Promise<any>} */
  evaluate(body, given, timeout) {
    const script = `({ find }, steps, given) => {
      const found = find(steps);
      return found.length === 1 ? Promise.resolve((${body})(found[0], given)).then((value) => ({ value })) : found.length;
    }`;
    return this.patiently(async () => {
      const got = await this.withFinder(/** @type {any} */ (script), this.steps, given);
      if (typeof got === 'object') return got;
      if (got > 1) throw new Error(`${this} are ${got}.`);
      return null;
    }, timeout).then(({ value }) => value);
  }

  /** What an attempt brings, once it brings something. @template T @param {() => Promise<T | null>} attempt @param {number} [timeout] */
  async patiently(attempt, timeout = this.owner.patience) {
    for (const begun = performance.now(); ; await sleep(PAUSE)) {
      const got = await attempt();
      if (got !== null) return got;
      if (performance.now() - begun > timeout) throw new Error(`${this} is not there after ${timeout} ms.`);
    }
  }

  toString() {
    return JSON.stringify([...this.way, this.steps]);
  }

  /** @param {{ state?: 'visible' | 'attached' | 'detached' | 'hidden', timeout?: number }} [how] */
  async waitFor({ state = 'visible', timeout } = {}) {
    const look = (/** @type {any} */ { find, isShown }, /** @type {Step[]} */ steps) => {
      const found = find(steps);
      return [found.length, found.filter(isShown).length];
    };
    await this.patiently(async () => {
      const [there, shown] = await this.withFinder(look, this.steps);
      if (there > 1) throw new Error(`${this} are ${there}.`);
      const isSo = { visible: shown === 1, attached: there === 1, detached: there === 0, hidden: shown === 0 }[state];
      return isSo || null;
    }, timeout);
  }

  /** @returns {Promise<string>} */
  innerText() {
    return this.evaluate((/** @type {HTMLElement} */ each) => each.innerText);
  }

  /** @returns {Promise<string | null>} */
  textContent() {
    return this.evaluate((/** @type {Element} */ each) => each.textContent);
  }

  /** @returns {Promise<string>} */
  inputValue() {
    return this.evaluate((/** @type {HTMLInputElement} */ each) => each.value);
  }

  /** @param {string} name @returns {Promise<string | null>} */
  getAttribute(name) {
    return this.evaluate((/** @type {Element} */ each, /** @type {string} */ name) => each.getAttribute(name), name);
  }

  /** @returns {Promise<boolean>} */
  isChecked() {
    return this.evaluate((/** @type {HTMLInputElement} */ each) => each.checked);
  }

  /** @returns {Promise<{ x: number, y: number, width: number, height: number }>} on the page's screen */
  async boundingBox() {
    const box = await this.evaluate((/** @type {Element} */ each) => {
      const { x, y, width, height } = each.getBoundingClientRect();
      return { x, y, width, height };
    });
    const { x, y } = await this.corner();
    return { ...box, x: box.x + x, y: box.y + y };
  }

  async scrollIntoViewIfNeeded() {
    await this.evaluate((/** @type {Element} */ each) => {
      const { top, bottom } = each.getBoundingClientRect();
      if (top < 0 || bottom > innerHeight) each.scrollIntoView({ block: 'nearest', behavior: 'instant' });
    });
  }

  async focus() {
    await this.evaluate((/** @type {HTMLElement} */ each) => each.focus());
  }

  /** @param {string} keys */
  async press(keys) {
    await this.focus();
    await this.owner.keyboard.press(keys);
  }

  /** What WebDriver does to an element, once it lets itself be done. @template T @param {(session: Session, id: string) => Promise<T>} does */
  element(does) {
    const one = (/** @type {any} */ { find }, /** @type {Step[]} */ steps) => {
      const found = find(steps);
      found[0]?.scrollIntoView({ block: 'center', behavior: 'instant' });
      return found.length === 1 ? found[0] : found.length;
    };
    return this.patiently(async () => {
      const found = await this.withFinder(one, this.steps);
      if (typeof found === 'number') {
        if (found > 1) throw new Error(`${this} are ${found}.`);
        return null;
      }
      try {
        const id = /** @type {string} */ (Object.values(found)[0]);
        return { value: await this.owner.within(this.way, (session) => does(session, id)) };
      } catch (error) {
        if (error instanceof DriverError && /intercepted|interactable|stale/.test(error.code)) return null;
        throw error;
      }
    }).then(({ value }) => value);
  }

  async click() {
    await this.element((session, id) => session.post(`/element/${id}/click`));
  }

  async check() {
    if (!(await this.isChecked())) await this.click();
  }

  /** @param {string} choice its value or its words */
  async selectOption(choice) {
    await this.evaluate((/** @type {HTMLSelectElement} */ each, /** @type {string} */ choice) => {
      const found = [...each.options].find(({ value, label }) => value === choice || label === choice);
      if (!found) throw new Error(`There is no ${choice}.`);
      found.selected = true;
      for (const name of ['input', 'change']) each.dispatchEvent(new Event(name, { bubbles: true }));
    }, choice);
  }

  /**
   * As it is on the screen: cut out of the window's picture, for WebKit's own pictures of elements are black where the window ends, and of another place
   * where the element is in a frame.
   * @returns {Promise<Buffer>} PNG
   */
  async screenshot() {
    await this.scrollIntoViewIfNeeded();
    const window = PNG.sync.read(await this.owner.screenshot());
    const { x, y, width, height } = await this.boundingBox();
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [right, bottom] = [Math.ceil(x + width), Math.ceil(y + height)];
    if (left < 0 || top < 0 || right > window.width || bottom > window.height) throw new Error(`The window does not show all of ${this}.`);
    const cut = new PNG({ width: right - left, height: bottom - top });
    PNG.bitblt(window, cut, left, top, cut.width, cut.height);
    return PNG.sync.write(cut);
  }

  async elementHandle() {
    return { contentFrame: async () => new Frame(this.owner, [...this.way, this.steps], []) };
  }
}

/** A document: of the page, or of a frame in it. */
export class Frame extends Place {
  /** @param {Function | string} body @param {any} [given] @returns {Promise<any>} */
  evaluate(body, given) {
    const script = typeof body === 'string' ? `${body};` : `return (${body})(...arguments);`;
    return this.owner.within(this.way, (session) => session.run(script, [given]));
  }

  page() {
    return this.owner;
  }
}
