// @ts-check
/** Keeps the page for visits without a network, once it has come to rest; a page in a frame keeps nothing. */

/** So long after loading, in milliseconds, that the first attack is over. */
const REST = 6000;

async function keep() {
  // Above the version's folder, so that its reach is the whole site; where there is none nothing is kept.
  const script = new URL('../../sw.js', import.meta.url);
  try {
    await navigator.serviceWorker.register(script, { scope: new URL('./', script).href });
  } catch {
    // Some browsers forbid it, or even to ask; then the page needs its network.
  }
}

const isTop = window.top === window;
const canKeep = 'serviceWorker' in navigator && /^https?:$/.test(location.protocol);
/** Only the files of a version have addresses that can be kept by. */
const isPublished = /\/v-\w+\/www\/[^/]*$/.test(import.meta.url);
if (isTop && canKeep && isPublished) {
  if (document.readyState === 'complete') setTimeout(keep, REST);
  else window.addEventListener('load', () => setTimeout(keep, REST), { once: true });
}
