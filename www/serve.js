// @ts-check
/**
 * The inside of a Worker, whichever module it has: says that it listens, is given the compiled module and a port, and from
 * then on is src/web.rs.
 *
 * @typedef {{ default: (module: { module_or_path: WebAssembly.Module }) => Promise<unknown>, serve: (port: MessagePort, slice: number) => void }} Glue
 */

/** @param {Glue['default']} start @param {Glue['serve']} serve */
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
