// @ts-check
/**
 * Reads networks in the files that people have, in a Worker of its own that is loaded with the first of them. What is said is
 * defined in src/importer.rs.
 *
 * @import { Choice, File, Imported, Message, Reply } from '../import.js'
 *
 * @typedef {{ network: Uint8Array, about: Imported }} Read
 */
import { compile } from '../client.js';

const MODULE = new URL('../../import_bg.wasm', import.meta.url);
/** Digits that judge what a file leaves open, and their labels. */
const DIGITS = ['test-1000.bin', 'test-1000-labels.bin'];
/** Milliseconds that a file may take: the readings of a large one are judged by a thousand digits each. */
const PATIENCE = 120_000;

let id = 0;
/** @type {Promise<MessagePort> | null} */ let port = null;
/** Those who wait for an answer. @type {Map<number, { done: (read: Read) => void, refuse: (error: Error) => void }>} */ const waiting =
  new Map();

/**
 * Reads the network in some files: one, or one with those that its weights are in. Rejects with a sentence if it is none.
 * @param {File[]} files
 * @param {Choice[]} choices instead of what would be assumed
 * @returns {Promise<Read>}
 */
export async function readNetwork(files, choices) {
  port ??= start();
  port.catch(() => end('it could not be loaded'));
  const to = await port;
  return new Promise((done, refuse) => {
    const silence = setTimeout(() => end(`it took longer than ${PATIENCE / 1000} seconds`), PATIENCE);
    const settle = (/** @type {() => void} */ how) => {
      clearTimeout(silence);
      waiting.delete(own);
      how();
    };
    const own = ++id;
    waiting.set(own, { done: (read) => settle(() => done(read)), refuse: (error) => settle(() => refuse(error)) });
    /** @type {Message} */ const message = { read: { id: own, files, choices } };
    to.postMessage(message);
  });
}

/** @type {Worker | null} */ let worker = null;

/** @returns {Promise<MessagePort>} a Worker that is ready and has the digits */
async function start() {
  const { port1, port2 } = new MessageChannel();
  const [module, [images, labels]] = await Promise.all([compile(MODULE), Promise.all(DIGITS.map(fetchDigits))]);
  const made = new Worker(new URL('import-worker.js', import.meta.url), { type: 'module', name: 'import' });
  worker = made;
  made.onmessage = ({ data }) => {
    if (data === 'listening') made.postMessage({ module, port: port2, slice: 0 }, [port2]);
    else if (worker === made) end(data);
  };
  made.onerror = (event) => {
    event.preventDefault();
    if (worker === made) end(event.message || 'it could not be started');
  };
  /** @type {Message} */ const digits = { digits: { images, labels } };
  return new Promise((done) => {
    port1.onmessage = ({ data }) => {
      /** @type {Reply} */ const reply = data;
      if (reply === 'ready') {
        port1.postMessage(digits);
        done(port1);
      } else if ('read' in reply) waiting.get(reply.read.id)?.done(reply.read);
      else waiting.get(reply.failed.id)?.refuse(new Error(reply.failed.message));
    };
  });
}

/** Ends the Worker; the next file starts another. @param {string} reason */
function end(reason) {
  worker?.terminate();
  worker = port = null;
  for (const { refuse } of [...waiting.values()]) refuse(new Error(`what reads such files ended: ${reason}`));
}

/** @param {string} name */
async function fetchDigits(name) {
  const response = await fetch(new URL(`../digits/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not there (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}
