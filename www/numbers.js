// @ts-check
/** Numbers as the page writes them. A value that is not there is an en dash. */

export const NOTHING = '–';

/** @param {number} share in [0, 1]; a network is never certain, and no label quite impossible */
export function percent(share) {
  const text = (100 * share).toFixed(1);
  if (text === '100.0') return '>\u00a099.9\u00a0%';
  if (text === '0.0') return '<\u00a00.1\u00a0%';
  return `${text}\u00a0%`;
}

/** @param {number} value with three significant digits, without exponent where that stays short */
export function significant(value) {
  if (!Number.isFinite(value)) return NOTHING;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e4 || size < 1e-4) return value.toExponential(2).replace('e', ' × 10^').replace('^+', '^');
  return value.toPrecision(3);
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 0.1) return '<\u00a00.1\u00a0ms';
  if (ms < 10) return `${ms.toFixed(1)}\u00a0ms`;
  return ms < 1000 ? `${Math.round(ms)}\u00a0ms` : `${(ms / 1000).toFixed(1)}\u00a0s`;
}
