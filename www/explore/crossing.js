// @ts-check
/** How often noise crosses the boundary, beside what its distance alone would have us expect. */
import { create } from '../dom.js';
import { percent, significant } from '../numbers.js';
import { SIDE } from '../pictures.js';
import { chart } from './chart.js';

/** @import { Client } from '../client.js' */
/** @import { Crossed } from '../protocol.js' */
/** @import { Drawn } from './chart.js' */

const TRIES = 500;
/** Deviations, evenly on a log scale between these multiples of ‖r‖₂. */
const COUNT = 15;
const [LEAST, MOST] = [0.15, 1.2];

/** @param {Client} client */
export function crossingView(client) {
  const curve = chart({ name: 'How often noise changes the prediction', height: 220 });
  const words = create('p', { class: 'words' });
  const element = create('div', { class: 'columns crossing' }, words, curve.element);
  /** @type {Crossed | null} */ let crossed = null;
  /** @type {number[]} */ let deviations = [];
  let norm = 0;

  function paint() {
    element.hidden = !crossed?.distance;
    if (!crossed?.distance) return;
    const { distance, tried, changed, expected } = crossed;
    const found = changed.map((count) => count / Math.max(tried, 1));
    curve.draw(drawn(deviations, found, expected, norm / SIDE));
    words.replaceChildren(
      'Dots: how often noise of deviation σ changes the answer for your digit. Line: Φ(−',
      create('i', {}, 'd'),
      '/σ), how often it would cross a flat boundary at your digit’s distance ',
      create('i', {}, 'd'),
      ` = ${distance.toFixed(2)}, with no box in the way. As long as they agree, failing under noise and having a small `,
      create('i', { class: 'r' }, 'r'),
      ' are ',
      create('a', { href: 'https://arxiv.org/abs/1901.10513' }, 'one and the same thing'),
      '; above the line, noise meets other boundaries too.',
    );
    const middle = Math.floor(COUNT / 2);
    curve.describe(
      `at deviation ${significant(deviations[middle])} ${percent(found[middle])}, expected ${percent(expected[middle])} at distance ${distance.toFixed(2)}`,
    );
  }
  return {
    element,
    /** @param {{ network: string, image: Float32Array, norm: number } | null} shown */
    about(shown) {
      crossed = null;
      if (!shown) {
        client.cancel('crossing');
        return paint();
      }
      const { network, image } = shown;
      deviations = Array.from({ length: COUNT }, (_, k) => shown.norm * LEAST * (MOST / LEAST) ** (k / (COUNT - 1)));
      const asked = { network, image, deviations: Float32Array.from(deviations), tries: TRIES, seed: 11 };
      client.ask('crossing', 'crossing', asked, (found) => {
        crossed = found;
        paint();
      });
    },
    /** The noise above has this size ‖·‖₂. @param {number} size */
    mark(size) {
      norm = size;
      paint();
    },
  };
}

/** @param {number[]} deviations @param {number[]} found a share for each @param {number[]} expected @param {number} here the deviation of the noise above @returns {Drawn} */
function drawn(deviations, found, expected, here) {
  const points = (/** @type {number[]} */ of) => deviations.map((deviation, k) => /** @type {[number, number]} */ ([deviation, of[k]]));
  return {
    x: {
      label: 'deviation σ of the noise, not clipped; log scale',
      name: 'σ',
      domain: [deviations[0] / 1.05, deviations[COUNT - 1] * 1.05],
      log: true,
    },
    y: {
      label: 'prediction changes',
      domain: [0, Math.max(0.5, ...found)],
      format: (v) => `${Math.round(100 * v)}\u00a0%`,
    },
    lines: [{ points: points(expected), kind: 'from' }],
    dots: [{ points: points(found), kind: 'good' }],
    marks: here > deviations[0] ? [{ x: here, label: 'the noise above', kind: 'here' }] : [],
    stops: deviations.map((deviation, k) => ({
      x: deviation,
      says: `σ ${significant(deviation)}: ${percent(found[k])} here, ${percent(expected[k])} by Φ(−d/σ)`,
    })),
  };
}
