// @ts-check
/**
 * `<pockets-demo>`: the demo as an element for any page.
 *
 *     <script type="module" src="…/element.js"></script>
 *     <pockets-demo target="8" sample="3"></pockets-demo>
 *
 * This file is small; the demo itself is loaded when the element comes near the screen, or with `facade` at the first click.
 * Everything happens inside a shadow root, and whatever goes wrong ends as a sentence there.
 *
 * @import { ElementView } from './element-view.js'
 */
import { styles } from './element-style.js';
import { NAMES, readSettings } from './link.js';

const PLAY = 'Draw a digit and fool the network';

/** Where there are no elements, on a server, this can be imported all the same. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

export class PocketsDemo extends Base {
  static observedAttributes = [...NAMES];

  #root = this.attachShadow({ mode: 'open' });
  /** @type {ElementView | null} */ #view = null;
  /** @type {IntersectionObserver | null} */ #observer = null;
  /** Counts connections, so that what was begun for an earlier one ends. */
  #turn = 0;
  #updating = false;
  /** What the visitor had drawn when the element was taken out. @type {import('./drawing.js').Drawing | null} */ #kept = null;

  connectedCallback() {
    this.#takeProperties();
    if (this.#view) return; // it was only moved
    const turn = ++this.#turn;
    this.#root.adoptedStyleSheets = [styles()];
    if (this.#settings().settings.facade) return this.#showFacade(turn);
    this.#root.replaceChildren(waiting('…'));
    this.#observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        this.#observer?.disconnect();
        this.#start(turn);
      },
      { rootMargin: '200px' },
    );
    this.#observer.observe(this);
  }

  /** Moved, not taken out: nothing changes. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    this.#turn++;
    this.#observer?.disconnect();
    // What moves an element in its document takes it out and puts it in at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#kept = this.#view?.leave() ?? this.#kept;
      this.#view = null;
      this.#root.replaceChildren();
    });
  }

  /** What was set before the browser knew this element hides the properties of the same names. */
  #takeProperties() {
    for (const name of PocketsDemo.observedAttributes) {
      const { value } = Object.getOwnPropertyDescriptor(this, name) ?? {};
      if (value === undefined || !Reflect.deleteProperty(this, name)) continue;
      Object.assign(this, { [name]: value });
    }
  }

  /** Several attributes set in a row lead to one update. */
  attributeChangedCallback() {
    if (this.#updating) return;
    this.#updating = true;
    queueMicrotask(() => {
      this.#updating = false;
      this.#view?.update(this.#settings());
    });
  }

  #settings() {
    return readSettings((name) => this.getAttribute(name));
  }

  /** @param {number} turn */
  #showFacade(turn) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'facade';
    button.setAttribute('part', 'facade');
    button.textContent = PLAY;
    button.addEventListener('click', () => this.#start(turn, true), { once: true });
    const box = waiting('');
    box.append(button);
    this.#root.replaceChildren(box);
  }

  /**
   * @param {number} turn
   * @param {boolean} [focus] a click asked for it
   */
  async #start(turn, focus = false) {
    try {
      const { ElementView } = await import('./element-view.js');
      if (turn !== this.#turn) return;
      this.#view = new ElementView(
        this.#root,
        { ...this.#settings(), drawing: this.#kept },
        {
          reflect: (name, value) => {
            this.#updating = true; // the view knows already
            this.setAttribute(name, value);
            this.#updating = false;
          },
          result: (detail) => void this.dispatchEvent(new CustomEvent('pockets-result', { detail, bubbles: true, composed: true })),
        },
      );
      if (focus) this.#view.focus();
    } catch (error) {
      if (turn !== this.#turn) return;
      const why = error instanceof Error ? error.message : String(error);
      this.#root.replaceChildren(waiting(`The demo could not be loaded: ${why}`));
    }
  }
}

// Each attribute is a property too.
for (const name of PocketsDemo.observedAttributes) {
  const isFlag = name === 'facade';
  Object.defineProperty(PocketsDemo.prototype, name, {
    configurable: true,
    enumerable: true,
    /** @this {PocketsDemo} */
    get() {
      return isFlag ? readSettings((each) => this.getAttribute(each)).settings.facade : (this.getAttribute(name) ?? '');
    },
    /** @this {PocketsDemo} @param {unknown} value */
    set(value) {
      if (isFlag) this.toggleAttribute(name, Boolean(value));
      else if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, String(value));
    },
  });
}

/** @param {string} text */
function waiting(text) {
  const box = document.createElement('p');
  box.className = 'waiting';
  box.textContent = text;
  return box;
}

if (globalThis.customElements && !customElements.get('pockets-demo')) customElements.define('pockets-demo', PocketsDemo);
