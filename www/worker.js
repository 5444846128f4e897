// @ts-check
/** The engine in a Worker: announces itself once it can be sent work, then serves messages. */
import start, * as wasm from '../pockets.js';
import { Engine, serve } from './engine.js';
import { buffersOf } from './messages.js';

/** @import { FromEngine } from './messages.js' */

/** @param {FromEngine} message */
const post = (message) => self.postMessage(message, { transfer: buffersOf(message) });

/** A pause just long enough for messages that wait; a timer would be held back by at least a millisecond. */
function pause() {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    })
  );
}

start().then(
  () => {
    const handle = serve(new Engine({ wasm, pause, slice: 8 }), post);
    self.onmessage = (event) => handle(event.data);
    post({ kind: 'ready' });
  },
  (error) => post({ kind: 'broken', message: String(error?.message ?? error) }),
);
