// @ts-check
/**
 * Finds elements as Playwright's locators do: by role and accessible name, by label, by text, by style selector, through open shadow
 * roots. {@link install} is sent to the page as its own text; Testing Library, which knows roles and names, is there before it.
 *
 * @typedef {{ text: string, exact: boolean } | { source: string, flags: string }} Words what is sought, or a pattern of it
 * @typedef {{ css: string } | { role: string, name: Words | null } | { label: Words } | { text: Words } | { hasText: Words }
 *   | { visible: boolean } | { nth: number } | { and: Step[] }} Step narrows what the steps before it have found
 */

/** Puts `find(steps)` and `looks(element)` into the page. */
export function install() {
  const { queryAllByRole, queryAllByText } = /** @type {any} */ (window).TestingLibraryDom;

  const plain = (/** @type {string | null} */ text) => (text ?? '').replace(/\s+/g, ' ').trim();

  /** @param {Words} words @returns {(said: string | null) => boolean} */
  const fits = (words) => (said) => {
    if ('source' in words) return new RegExp(words.source, words.flags).test(plain(said));
    if (words.exact) return plain(said) === plain(words.text);
    return plain(said).toLowerCase().includes(plain(words.text).toLowerCase());
  };

  /** A root, and the shadow roots in it. @param {ParentNode} root @returns {ParentNode[]} */
  const withShadows = (root) => {
    const own = root instanceof Element ? root.shadowRoot : null;
    const inner = [...root.querySelectorAll('*')].flatMap((each) => each.shadowRoot ?? []);
    return [root, ...[...(own ? [own] : []), ...inner].flatMap(withShadows)];
  };

  /** @param {ParentNode[]} roots @param {(root: any) => Element[]} query */
  const below = (roots, query) => [...new Set(roots.flatMap(withShadows).flatMap(query))];

  /** Its descendants by their parts, so that a space leads into shadow roots too. @param {ParentNode[]} roots @param {string} css */
  const byStyle = (roots, css) => {
    const parts = /[[(]/.test(css) ? [css] : css.split(/(?<![>+~,])\s+(?![>+~,])/);
    return parts.reduce((/** @type {any[]} */ found, part) => below(found, (root) => [...root.querySelectorAll(part)]), roots);
  };

  const LABELLED = '[aria-label], [aria-labelledby], input, select, textarea, button';

  /** What labels an element, by attributes or by a `label`. @param {any} element @returns {string[]} */
  const labels = (element) => {
    const root = element.getRootNode();
    const ids = (element.getAttribute('aria-labelledby') ?? '').split(/\s+/).filter(Boolean);
    const texts = ids.map((/** @type {string} */ id) => root.getElementById(id)?.textContent ?? '');
    const own = [...(element.labels ?? [])].map((label) => label.textContent);
    return [texts.join(' '), element.getAttribute('aria-label') ?? '', ...own].filter(Boolean);
  };

  /** @param {Element} element */
  const isShown = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 && getComputedStyle(element).visibility === 'visible';
  };

  /** @param {ParentNode[]} roots @param {Step} step @returns {Element[]} */
  const take = (roots, step) => {
    const here = /** @type {Element[]} */ (roots);
    if ('css' in step) return byStyle(roots, step.css);
    if ('role' in step) {
      const name = step.name ? fits(step.name) : undefined;
      return below(roots, (root) => queryAllByRole(root instanceof Document ? root.documentElement : root, step.role, { name }));
    }
    if ('label' in step) {
      const isCalled = fits(step.label);
      return below(roots, (root) => [...root.querySelectorAll(LABELLED)].filter((each) => labels(each).some(isCalled)));
    }
    if ('text' in step) {
      const says = fits(step.text);
      return below(roots, (root) => queryAllByText(root instanceof Document ? root.documentElement : root, says));
    }
    if ('hasText' in step) return here.filter((each) => fits(step.hasText)(each.textContent));
    if ('visible' in step) return here.filter((each) => isShown(each) === step.visible);
    if ('and' in step) {
      const others = find(step.and);
      return here.filter((each) => others.includes(each));
    }
    return here.slice(step.nth, step.nth + 1 || undefined);
  };

  /** @param {Step[]} steps @returns {any[]} */
  const find = (steps) => steps.reduce(take, /** @type {any} */ ([document]));

  Object.assign(window, { pocketsFinder: { find, isShown, plain } });
}
