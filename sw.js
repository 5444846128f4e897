// @ts-check
/// <reference lib="webworker" />
/**
 * The page without a network: after the first visit everything that the demo needs is kept here, one cache for each version.
 * Files in the version's folder never change and are taken from the cache; pages are asked for anew, and taken from the cache
 * where there is no answer. The page in frames, embed.html, neither installs this nor is it kept.
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

// `cargo xtask build` puts the version and its files here.
const VERSION = '/* version */';
/** @type {string[]} relative to this file */
const FILES = ['/* files */'];

const NAME = `pockets ${worker.registration.scope} ${VERSION}`;
const MINE = `pockets ${worker.registration.scope} `;
/** What only some visitors ask for is kept once somebody has: other networks, data of figures. */
const LATER =
  /\/www\/(networks\/(?!index\.json|FC100-100-10\.safetensors)|.*\.(json|bin|safetensors)$)|^\/[^/]+\/(feed|import)(_bg\.wasm|\.js)$|\/licences\.txt$/;
const NEEDED = /\/www\/(networks\/(index\.json|FC100-100-10\.safetensors)|digits\/samples\.json|reproduction\.json)$/;

worker.addEventListener('install', (event) => {
  const files = ['./', ...FILES.filter((file) => NEEDED.test(`/${file}`) || !LATER.test(`/${file}`))];
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(files)));
});

worker.addEventListener('activate', (event) => {
  const tidy = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(MINE) && name !== NAME).map((name) => caches.delete(name)));
  };
  event.waitUntil(tidy());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const path = url.href.startsWith(worker.registration.scope) ? url.href.slice(worker.registration.scope.length).split(/[?#]/)[0] : null;
  if (request.method !== 'GET' || path === null) return;
  if (path.startsWith(`${VERSION}/`)) event.respondWith(kept(request));
  else if (path === '' || path === 'index.html') event.respondWith(fresh(request));
});

/** @param {Request} request */
async function kept(request) {
  const cache = await caches.open(NAME);
  const found = await cache.match(request, { ignoreSearch: true });
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

/** @param {Request} request */
async function fresh(request) {
  const asked = fetch(request);
  const response = await asked.catch(() => null);
  // A server in trouble is as good as none.
  if (response && response.status < 500) return response;
  const cache = await caches.open(NAME);
  return (await cache.match('./')) ?? asked;
}
