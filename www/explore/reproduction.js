// @ts-check
/**
 * The paper's tables beside ours, as `pockets reproduce` writes them; shares of ours go from 0 to 1.
 *
 * @typedef {{ value: number, confirmed: boolean }} Cell of the paper, in per cent
 * @typedef {object} Reproduction
 * @property {{ name: string, distortion: number, errors: { test: number }, paper: { distortion: Cell } | null }[]} networks
 * @property {{ network: string, images: number, failed: number, distortion: number, errors: number[], amplified: number[],
 *   paper: (Cell | null)[], paper_amplified: (Cell | null)[] }[]} made_for
 * @property {{ deviation: number, errors: number[], paper: (Cell | null)[] }[]} noise
 * @property {{ norm: number, steps: { multiple: number, counts: { tried: number, changed: number, to_target: number } }[] }} sampling
 * @property {{ layer: number, unit_purity: number[], direction_purity: number[] }[]} units
 */

/** @type {Promise<Reproduction | null> | null} */ let loaded = null;

/** Null where it is not part of this site. @returns {Promise<Reproduction | null>} */
export function reproduction() {
  loaded ??= fetch(new URL('../reproduction.json', import.meta.url))
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  return loaded;
}
