// @ts-check
/** The explorer on the page's own thread, in slices short enough for it to stay responsive. */
import start, * as wasm from '../../pockets.js';
import { Rooms, serve } from './rooms.js';

/** @param {(message: import('./messages.js').FromExplorer) => void} post */
export async function startLocally(post) {
  await start();
  const pause = () => /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve)));
  return serve(new Rooms(wasm), { post, pause, slice: 4 });
}
