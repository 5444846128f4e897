// @ts-check
/** The test digits that units are ranked by, fetched once, when first they are needed. */

/** @type {Promise<void> | undefined} */ let arrival;

/** Resolves when the engine has them. @param {import('../client.js').Client} client @returns {Promise<void>} */
export function testDigits(client) {
  arrival ??= fetch(new URL('../digits/test-1000.bin', import.meta.url)).then(async (response) => {
    if (!response.ok) throw new Error(String(response.status));
    client.digits(new Uint8Array(await response.arrayBuffer()));
  });
  return arrival;
}
