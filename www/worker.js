// @ts-check
/** The Worker: says that it listens, is given the compiled module and a port, and from then on is src/web.rs. */
import start, { serve } from '../pockets.js';

self.onmessage = async ({ data: { module, port, slice } }) => {
  try {
    await start({ module_or_path: module });
    serve(port, slice);
  } catch (error) {
    self.postMessage(String(/** @type {any} */ (error)?.message ?? error));
  }
};
self.postMessage('listening');
