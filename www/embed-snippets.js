// @ts-check
/** “Embed”: a disclosure at the page's end with a snippet for each way to embed the demo, as it is now. */
import { create } from './dom.js';
import { readFrame } from './link.js';

/** The site, above the version's folder. */
const SITE = new URL('../../', import.meta.url);

/** What a host's page needs for the frame to take the height of its contents. */
const HOST_SCRIPT = `<script>
  addEventListener('message', ({ data, origin, source }) => {
    if (data?.type !== 'pockets:height' || !Number.isFinite(data.height)) return;
    for (const frame of document.querySelectorAll('iframe[src*="/embed.html"]')) {
      if (source === frame.contentWindow && origin === new URL(frame.src).origin) frame.height = data.height;
    }
  });
</script>`;

/** @param {string} hash the page's state */
const frame = (hash) => `<iframe src="${new URL('embed.html', SITE)}${hash || '#v1;target=8'}" title="Draw a digit and fool the network"
        loading="lazy" width="100%" height="560" style="border: 0"></iframe>
${HOST_SCRIPT}`;

/** @param {string} hash */
function element(hash) {
  const attributes = [...readFrame(hash).attributes].map(
    ([name, text]) => ` ${name}="${text.replace(/&/g, '&amp;').replace(/"/g, '&quot;')}"`,
  );
  return `<script type="module" src="${new URL('element.js', SITE)}"></script>
<pockets-demo${attributes.join('') || ' target="8"'}>
  <a href="${new URL(`index.html${hash}`, SITE)}"><img src="${new URL('picture.png', SITE)}" width="640" alt="A drawn 3, plus a faint change, is classified as an 8"></a>
</pockets-demo>`;
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} snippet
 */
function way(title, text, snippet) {
  const code = create(
    'pre',
    { class: 'snippet', tabindex: '0', role: 'region', 'aria-label': `${title}: code` },
    create('code', {}, snippet),
  );
  const copy = create('button', { type: 'button', 'aria-label': `Copy: ${title}` }, 'Copy');
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(snippet);
      copy.textContent = 'Copied';
    } catch {
      getSelection()?.selectAllChildren(code); // not allowed here: then by hand
      copy.textContent = 'Selected';
    }
    setTimeout(() => (copy.textContent = 'Copy'), 2000);
  });
  return [create('h3', {}, title), create('p', {}, text), code, copy];
}

/** Fills the open disclosure. @param {HTMLElement} place */
export function showWays(place) {
  const { hash } = location;
  const file = new URL('pockets.html', SITE);
  place.replaceChildren(
    ...way('Frame', 'A frame works everywhere. Without the script it keeps the height that you give it.', frame(hash)),
    ...way('Element', 'An element takes the colours and the width of your page; several share one engine.', element(hash)),
    create('h3', {}, 'One file'),
    create(
      'p',
      {},
      'The whole page in one file, for a USB stick or a lecture without a network: ',
      create('a', { href: file.href, download: 'pockets.html' }, 'pockets.html'),
      '.',
    ),
  );
}
