// @ts-check
/**
 * The page for frames. Its address says what it shows, `#v1;target=8;hide=network samples`: the properties of the page's
 * own links and the other attributes of `<pockets-demo>`. It tells its host two things, in messages that begin with
 * `pockets:`: how tall it is, and how each search ended.
 *
 *     { type: 'pockets:height', version: 1, height }      in CSS pixels, whenever it changes
 *     { type: 'pockets:result', version: 1, label, target, adversarial, norm, distortion, success }
 *
 * It listens to no messages.
 */
import { byId } from './dom.js';
import './element.js';
import { NAMES, readFrame, readSettings } from './link.js';

const demo = document.createElement('pockets-demo');

/** Takes over what the address says. @param {string} hash */
function restore(hash) {
  const { isForeign, attributes } = readFrame(hash);
  const more = byId('more', HTMLAnchorElement);
  more.href = `index.html${isForeign ? '' : hash}`;
  for (const name of NAMES) {
    const text = attributes.get(name);
    if (text === undefined) demo.removeAttribute(name);
    else demo.setAttribute(name, text);
  }
  const { settings } = readSettings((name) => attributes.get(name) ?? null);
  document.documentElement.dataset.theme = settings.theme;
  more.parentElement?.toggleAttribute('hidden', settings.hide.has('link'));
}

/** The host's origin, as far as the browser tells; nobody else's page gets a result. */
function hostOrigin() {
  const known = location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin);
  return known && known !== 'null' ? known : null;
}

/** @param {object} message @param {string | null} to */
function tell(message, to) {
  if (window.parent === window || !to) return;
  window.parent.postMessage({ version: 1, ...message }, to);
}

const host = hostOrigin();
let height = 0;
new ResizeObserver(() => {
  const now = Math.ceil(document.body.getBoundingClientRect().height);
  if (now === height) return;
  height = now;
  tell({ type: 'pockets:height', height }, host ?? '*');
}).observe(document.body);

demo.addEventListener('pockets-result', (event) => {
  tell({ type: 'pockets:result', .../** @type {CustomEvent} */ (event).detail }, host);
});
window.addEventListener('hashchange', () => restore(location.hash));
restore(location.hash);
byId('embed', HTMLElement).append(demo);
