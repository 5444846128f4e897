// @ts-check
/**
 * Mouse and keyboard by WebDriver's actions, in the shape of Playwright's.
 *
 * @typedef {(actions: object[]) => Promise<unknown>} Perform
 */

/** Keys that no character names. https://www.w3.org/TR/webdriver2/#keyboard-actions @type {Record<string, string>} */
const KEYS = {
  Tab: '\uE004',
  Enter: '\uE007',
  Shift: '\uE008',
  Control: '\uE009',
  Alt: '\uE00A',
  Escape: '\uE00C',
  Space: ' ',
  PageUp: '\uE00E',
  PageDown: '\uE00F',
  End: '\uE010',
  Home: '\uE011',
  ArrowLeft: '\uE012',
  ArrowUp: '\uE013',
  ArrowRight: '\uE014',
  ArrowDown: '\uE015',
};

export class Mouse {
  #perform;
  #x = 0;
  #y = 0;

  /** @param {Perform} perform */
  constructor(perform) {
    this.#perform = (/** @type {object[]} */ actions) => perform([{ type: 'pointer', id: 'mouse', actions }]);
  }

  /** @param {number} x @param {number} y on the screen @param {{ steps?: number }} [how] */
  async move(x, y, { steps = 1 } = {}) {
    const [fromX, fromY] = [this.#x, this.#y];
    [this.#x, this.#y] = [x, y];
    const at = (/** @type {number} */ share) => ({
      type: 'pointerMove',
      duration: 0,
      x: Math.round(fromX + share * (x - fromX)),
      y: Math.round(fromY + share * (y - fromY)),
    });
    await this.#perform(Array.from({ length: steps }, (_, k) => at((k + 1) / steps)));
  }

  async down() {
    await this.#perform([{ type: 'pointerDown', button: 0 }]);
  }

  async up() {
    await this.#perform([{ type: 'pointerUp', button: 0 }]);
  }
}

export class Keyboard {
  #perform;

  /** @param {Perform} perform */
  constructor(perform) {
    this.#perform = (/** @type {object[]} */ actions) => perform([{ type: 'key', id: 'keyboard', actions }]);
  }

  /** @param {string} keys such as `Control+z` */
  async press(keys) {
    const each = keys.split('+').map((key) => KEYS[key] ?? key);
    const down = each.map((value) => ({ type: 'keyDown', value }));
    const up = each.map((value) => ({ type: 'keyUp', value })).reverse();
    await this.#perform([...down, ...up]);
  }

  /** @param {string} key */
  async down(key) {
    await this.#perform([{ type: 'keyDown', value: KEYS[key] ?? key }]);
  }

  /** @param {string} key */
  async up(key) {
    await this.#perform([{ type: 'keyUp', value: KEYS[key] ?? key }]);
  }
}
