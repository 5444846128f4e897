// @ts-check
/** The files that a visitor can keep, byte by byte: no canvas is read back, for some browsers add noise to that. */
import { SIDE } from '../messages.js';

/**
 * A PNG of 28×28 grey levels, uncompressed (PNG specification, 3rd edition; RFC 1950 and 1951).
 * @param {ArrayLike<number>} levels row by row
 */
export function png(levels) {
  const rows = new Uint8Array(SIDE * (SIDE + 1));
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) rows[y * (SIDE + 1) + 1 + x] = levels[y * SIDE + x];
  const size = rows.length;
  const stored = [0x78, 0x01, 1, size & 255, size >> 8, ~size & 255, (~size >> 8) & 255, ...rows, ...big(adler32(rows))];
  const header = [...big(SIDE), ...big(SIDE), 8, 0, 0, 0, 0];
  return Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, ...chunk('IHDR', header), ...chunk('IDAT', stored), ...chunk('IEND', [])]);
}

/** @param {string} name @param {number[]} data */
function chunk(name, data) {
  const body = [...[...name].map((c) => c.charCodeAt(0)), ...data];
  return [...big(data.length), ...body, ...big(crc32(body))];
}

/** @param {number} value as four bytes, the most significant first */
const big = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** @param {number[]} bytes */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** @param {Uint8Array} bytes */
function adler32(bytes) {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/**
 * 28×28 floats as NumPy's `np.load` reads them (npy format, version 1.0).
 * @param {Float32Array} values
 */
export function npy(values) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${SIDE}, ${SIDE}), }`;
  const header = `${text.padEnd(128 - 10 - 1)}\n`;
  const bytes = new Uint8Array(128 + 4 * values.length);
  bytes.set([0x93, ...[...'NUMPY'].map((c) => c.charCodeAt(0)), 1, 0, header.length, 0]);
  bytes.set(new TextEncoder().encode(header), 10);
  const view = new DataView(bytes.buffer, 128);
  values.forEach((value, k) => view.setFloat32(4 * k, value, true));
  return bytes;
}

/** A search, one evaluation a row. @param {import('./messages.js').Step[]} steps */
export function csv(steps) {
  const columns = /** @type {const} */ (['evaluations', 'phase', 'c', 'loss', 'objective', 'norm', 'margin', 'succeeds', 'fails']);
  const names = columns.map((name) => ({ evaluations: 'evaluation', succeeds: 'c_succeeds', fails: 'c_fails' })[/** @type {string} */ (name)] ?? name);
  return [names, ...steps.map((step) => columns.map((name) => step[name] ?? ''))].map((row) => `${row.join(',')}\n`).join('');
}

/** @param {string} name @param {string | Uint8Array} data @param {string} type */
export function download(name, data, type) {
  const url = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (data)], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
