// @ts-check
/** Ten drawings for people who don't draw, as buttons with a small picture of each. */
import { create, listOf } from './dom.js';
import { fromPad, toPath } from './drawing.js';

/**
 * @typedef {{ label: number, drawing: import('./drawing.js').Drawing }} Sample
 */

/** @param {string} [written] the list itself, where a page has it @returns {Promise<Sample[]>} */
export async function loadSamples(written) {
  /** @type {{ side: number, digits: { digit: number, strokes: number[][] }[] }} */
  const { side, digits } = await listOf('The sample digits', new URL('digits/samples.json', import.meta.url), written);
  return digits.map(({ digit, strokes }) => ({ label: digit, drawing: fromPad(strokes, side) }));
}

/**
 * @param {HTMLElement} group
 * @param {Sample[]} samples
 * @param {(sample: Sample) => void} chosen
 */
export function samplesView(group, samples, chosen) {
  const SVG = 'http://www.w3.org/2000/svg';
  for (const sample of samples) {
    const picture = document.createElementNS(SVG, 'svg');
    picture.setAttribute('viewBox', '0 0 100 100');
    picture.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', toPath(sample.drawing, 100));
    picture.append(path);
    const button = create('button', { type: 'button', 'aria-label': `Sample digit ${sample.label}` }, picture);
    button.addEventListener('click', () => chosen(sample));
    group.append(button);
  }
}
