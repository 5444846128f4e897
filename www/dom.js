// @ts-check
/** Small helpers for the views, and the lists that they begin with. */

/**
 * The page's element of that id.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} called ${id}.`);
  return element;
}

/**
 * A new element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export function create(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Gives the visitor a file. @param {string} name @param {Uint8Array} data @param {string} type */
export function download(name, data, type) {
  const url = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (data)], { type }));
  const link = create('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * A list that a demo begins with.
 * @param {string} what in words
 * @param {URL} file where it is; to be written as `new URL('…', import.meta.url)`, for bundlers
 * @param {string} [written] the list itself: the build writes it into the page, where it arrives before anything else can be asked for
 */
export async function listOf(what, file, written) {
  if (written) return JSON.parse(written);
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${what} could not be loaded (${response.status}).`);
  return response.json();
}
