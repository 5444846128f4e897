// @ts-check
/** The explorer in a worker of its own. */
import start, * as wasm from '../../pockets.js';
import { buffersOf } from '../messages.js';
import { Rooms, serve } from './rooms.js';

/** A pause just long enough for messages that wait. */
const { port1, port2 } = new MessageChannel();
/** @type {(() => void)[]} */ const waiting = [];
port1.onmessage = () => waiting.shift()?.();
const pause = () =>
  /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    })
  );

/** @param {import('./messages.js').FromExplorer} message */
const post = (message) => self.postMessage(message, { transfer: message.kind === 'told' ? buffersOf(message.answer) : [] });

await start();
const handle = serve(new Rooms(wasm), { post, pause, slice: 6 });
self.onmessage = (event) => handle(event.data);
post({ kind: 'ready' });
