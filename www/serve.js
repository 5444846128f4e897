// @ts-check
/**
 * The inside of a Worker, whichever build of the engine it has: says that it listens, is given the compiled module and a port, and from
 * then on is src/web.rs.
 */

/** @param {typeof import('../pockets.js').default} start @param {typeof import('../pockets.js').serve} serve */
export function listen(start, serve) {
  self.onmessage = async ({ data: { module, port, slice } }) => {
    try {
      await start({ module_or_path: module });
      serve(port, slice);
    } catch (error) {
      self.postMessage(String(/** @type {any} */ (error)?.message ?? error));
    }
  };
  self.postMessage('listening');
}
