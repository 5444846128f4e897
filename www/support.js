// @ts-check
/** A module that only an engine with WebAssembly SIMD accepts: one function that returns a vector. */
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11);

/** @returns {string | null} why the search cannot run in this browser */
export function missingSupport() {
  if (typeof WebAssembly !== 'object') return 'This browser has no WebAssembly, or blocks it; the search cannot run here.';
  if (!WebAssembly.validate(SIMD)) {
    return 'This browser’s WebAssembly has no SIMD, which the search needs. Any current browser has it.';
  }
  return null;
}
