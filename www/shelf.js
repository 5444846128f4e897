// @ts-check
/**
 * Networks of the visitor's own, kept on their computer from one visit to the next. Where a browser keeps nothing for a page, nothing
 * is kept and nothing is said: the network is there until the page is closed.
 *
 * @typedef {{ name: string, file: string, bytes: Uint8Array }} Kept
 */

const DATABASE = 'pockets';
const STORE = 'networks';

/** @returns {Promise<Kept[]>} those of earlier visits, by name */
export const keptNetworks = () => inStore('readonly', (store) => store.getAll()).catch(() => []);

/** Keeps a network, in the place of an older one of its name. @param {Kept} network */
export const keepNetwork = (network) => inStore('readwrite', (store) => store.put(network)).catch(() => {});

/** @param {string} name */
export const forgetNetwork = (name) => inStore('readwrite', (store) => store.delete(name)).catch(() => {});

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} does
 * @returns {Promise<T>}
 */
async function inStore(mode, does) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE, { keyPath: 'name' });
  const database = await result(opening);
  try {
    return await result(does(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const result = (request) =>
  new Promise((done, refuse) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => refuse(request.error);
  });
