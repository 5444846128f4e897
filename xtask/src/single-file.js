// The page as one file: this script takes the place of the server. Every file of the site is in `files`; modules are
// given to the browser as blobs, their imports as the blobs' addresses, and what a module asks for by its own address is
// answered from `files`, in the page and in its Workers.
function pocketsInOneFile(files, entries) {
  'use strict';
  const base = 'https://pockets.invalid/';
  const types = { js: 'text/javascript', json: 'application/json', wasm: 'application/wasm', css: 'text/css', svg: 'image/svg+xml' };
  const blobs = new Map();

  const typeOf = (file) => types[file.split('.').at(-1)] ?? 'application/octet-stream';
  const bytesOf = ({ text, base64 }) =>
    base64 === undefined ? new TextEncoder().encode(text) : Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const fileAt = (address) => {
    const text = String(address);
    return text.startsWith(base) ? decodeURIComponent(text.slice(base.length).split(/[?#]/)[0]) : null;
  };

  function moduleAt(file) {
    if (blobs.has(file)) return blobs.get(file);
    if (!files[file]) throw new Error(`There is no ${file} in this file.`);
    const from = (specifier) => fileAt(new URL(specifier, base + file));
    const text = files[file].text
      .replace(
        /^((?:import|export)\b[^'"();]*?\bfrom\s*|import\s*)(['"])(\.[^'"]+)\2/gm,
        (_, start, _quote, specifier) => start + JSON.stringify(moduleAt(from(specifier))),
      )
      .replace(/\bimport\((['"])(\.[^'"]+)\1\)/g, (_, _quote, specifier) => `pocketsImport(${JSON.stringify(from(specifier))})`)
      .replace(
        /new URL\((['"])([^'"]+\.css)\1, import\.meta\.url\)/g,
        (_, _quote, specifier) => `new URL(${JSON.stringify(`data:text/css,${encodeURIComponent(files[from(specifier)].text)}`)})`,
      )
      .replaceAll('import.meta.url', JSON.stringify(base + file));
    const blob = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
    blobs.set(file, blob);
    return blob;
  }
  globalThis.pocketsImport = async (file) => import(moduleAt(file));

  const fetchBefore = globalThis.fetch;
  globalThis.fetch = async (request, options) => {
    const file = fileAt(request instanceof Request ? request.url : request);
    if (file === null) return fetchBefore(request, options);
    if (!files[file]) return new Response('', { status: 404 });
    return new Response(bytesOf(files[file]), { headers: { 'Content-Type': typeOf(file) } });
  };

  const WorkerBefore = globalThis.Worker;
  if (WorkerBefore) {
    globalThis.Worker = class extends WorkerBefore {
      constructor(address, options) {
        const file = fileAt(address);
        if (file === null) return super(address, options);
        const script = `${pocketsInOneFile}; pocketsInOneFile(${JSON.stringify(files)}, ${JSON.stringify([file])});`;
        // Not a module itself: from a file's address browsers do not start those.
        super(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { ...options, type: 'classic' });
      }
    };
  }

  // Safari's engine gives a Worker of a file's address no blobs to import. What is thrown reaches the Worker's page, which then does without it.
  const failed = (error) => {
    setTimeout(() => {
      throw error;
    });
  };
  for (const entry of entries) globalThis.pocketsImport(entry).catch(failed);
}
