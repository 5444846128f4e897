// @ts-check
/** The engine on the page's own thread, in slices short enough for it to stay responsive. */
import start, * as wasm from '../pockets.js';
import { Engine, serve } from './engine.js';

/** @import { FromEngine } from './messages.js' */

/**
 * @param {(message: FromEngine) => void} post
 */
export async function startLocally(post) {
  await start();
  const pause = () => /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve)));
  return serve(new Engine({ wasm, pause, slice: 4 }), post);
}
