// @ts-check
/**
 * The shipped networks.
 *
 * @typedef {object} NetworkEntry
 * @property {string} file
 * @property {string} name
 * @property {string} description
 * @property {number} [test_error]
 * @property {Uint8Array} [bytes] the file itself, if the visitor brought it
 */
import { create, listOf } from './dom.js';

/** @param {string} [written] the list itself, where a page has it @returns {Promise<NetworkEntry[]>} */
export const listNetworks = (written) => listOf('The list of networks', new URL('./networks/index.json', import.meta.url), written);

/** @param {NetworkEntry} entry @returns {Promise<Uint8Array>} */
export async function fetchNetwork(entry) {
  if (entry.bytes) return entry.bytes;
  const refused = (/** @type {unknown} */ why) => new Error(`The network ${entry.name} could not be loaded (${why}).`);
  const response = await fetch(new URL(`./networks/${entry.file}`, import.meta.url)).catch((error) => {
    throw refused(error instanceof Error ? error.message : error);
  });
  if (!response.ok) throw refused(response.status);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * @param {HTMLSelectElement} select
 * @param {NetworkEntry[]} networks
 * @param {(name: string) => void} chosen
 */
export function networksView(select, networks, chosen) {
  for (const network of networks) addNetwork(select, network);
  select.addEventListener('change', () => chosen(select.value));
}

/** @param {HTMLSelectElement} select @param {string} name */
export function removeNetwork(select, name) {
  [...select.options].find(({ value }) => value === name)?.remove();
}

/** @param {HTMLSelectElement} select @param {NetworkEntry} network */
export function addNetwork(select, { name, description }) {
  select.append(create('option', { value: name, title: description }, name));
}
