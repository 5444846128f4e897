// @ts-check
/** Pocket or half-space: changes that share no pixel and each reach the label by themselves, counted. */
import { create } from '../dom.js';
import { picture } from './picture.js';

/** @import { Shown, View } from '../pictures.js' */
/** @import { Apart } from '../protocol.js' */

/** @typedef {{ network: string, image: Float32Array, r: Float32Array, norm: number, label: number | null }} Example what it is about */

const SHOWN = 16;
/** The size of each change in multiples of ‖r‖₂. */
const [LEAST, MOST, FIRST] = [1, 4, 3];

/** @param {View} view */
export function apartView(view) {
  const words = create('p', { class: 'words' });
  const slider = create('input', {
    type: 'range',
    id: 'apart',
    min: String(LEAST),
    max: String(MOST),
    step: '0.1',
    value: String(FIRST),
  });
  const pictures = Array.from({ length: SHOWN }, (_, k) => picture(view, `apart ${k}`));
  const row = create('div', { class: 'changes' }, ...pictures.map(({ element }) => element));
  const element = create(
    'div',
    { class: 'columns apart' },
    create('div', {}, words, create('div', { class: 'slider' }, create('label', { for: 'apart' }, 'Size of each change'), slider)),
    row,
  );
  /** @type {Example | null} */ let shown = null;

  function ask() {
    if (!shown) return;
    const { network, image, r, norm } = shown;
    view.ask('apart', 'apart', { network, image, r, norm: Number(slider.value) * norm, shown: SHOWN }, show);
  }
  /** @param {Apart} counted @param {(Shown | null)[]} changes */
  function show({ found, half_space }, changes) {
    if (!shown) return;
    const times = Number(slider.value).toFixed(1);
    for (const [k, each] of pictures.entries()) {
      each.show(changes[k]);
      each.element.hidden = k >= found;
    }
    row.setAttribute('role', 'img');
    row.setAttribute('aria-label', `${Math.min(found, SHOWN)} changes that share no pixel`);
    words.replaceChildren(
      create('b', { class: 'count' }, String(found)),
      found === 1 ? ' change, ' : ' changes without a pixel in common, ',
      `${times} times as large as `,
      create('i', { class: 'r' }, 'r'),
      `, ${found === 1 ? 'makes' : 'each make'} the network predict ${shown.label}: its region is `,
      create('a', { href: 'https://arxiv.org/abs/1704.03453' }, `at least ${found}-dimensional`),
      ` there. Beyond a flat boundary there would be room for ${half_space}. `,
      2 * found > half_space ? 'That is no pocket, but one side of a wall.' : 'The region is narrower than one side of a wall.',
    );
    slider.setAttribute('aria-valuetext', `${times} times r: ${found} ${found === 1 ? 'change' : 'changes'}`);
  }
  slider.addEventListener('input', ask);
  return {
    element,
    /** @param {Example | null} next */
    about(next) {
      shown = next;
      element.hidden = !shown;
      if (shown) return ask();
      view.cancel('apart');
      for (const each of pictures) each.empty();
    },
  };
}
