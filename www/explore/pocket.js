// @ts-check
/** The pocket on a map, and random changes of the same size and larger, counted: clipped to the box or not. */
import { create } from '../dom.js';
import { watchTheme } from '../theme.js';
import { apartView } from './apart.js';
import { crossingView } from './crossing.js';
import { mapView } from './map.js';
import { watchProof } from './proof.js';
import { picture } from './picture.js';

/** @import { Shown as Picture, View } from '../pictures.js' */
/** @import { Counted, Map as Regions } from '../protocol.js' */
/** @import { Tools, Update } from './stage.js' */

/** Cells along a side of the map. */
const CELLS = 144;
const TRIES = 1000;
/** Dots in one row of the picture of all tries. */
const ROW = 40;
/** The largest noise is 2 to this power times ‖r‖. */
const OCTAVES = 4;

/** @typedef {{ network: string, image: Float32Array, r: Float32Array, norm: number }} Example */

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, view }) {
  /** @type {Example | null} */ let shown = null;
  const pocket = pocketView(view, () => shown);
  const apart = apartView(view);
  const crossing = crossingView(client);
  const noise = new NoiseView(view, (norm, clipped) => {
    if (!shown) return;
    const { network, image } = shown;
    const asked = { network, image, norm, tries: TRIES, seed: 7, clipped };
    view.ask('noise', 'noise', asked, (counted, [changed]) => noise.show(counted, changed));
    crossing.mark(norm);
  });
  figure.append(create('div', { class: 'columns pocket' }, pocket.element, noise.element), apart.element, crossing.element);
  return ({ answer, network }) => {
    const { digit, outcome, perturbation } = answer ?? {};
    shown = digit && outcome && perturbation ? { network, image: digit.values, r: perturbation.values, norm: outcome.norm } : null;
    if (!shown) {
      client.cancel('plane');
      client.cancel('noise');
    }
    pocket.about(shown?.norm ?? null);
    noise.about(shown?.norm ?? null);
    apart.about(shown && { ...shown, label: answer?.adversarial?.label ?? null });
    crossing.about(shown);
  };
}

/** The map, what moves it, and what it shows in words. @param {View} view @param {() => Example | null} of what it is of */
function pocketView(view, of) {
  let seed = 1;
  const words = create('p', { id: 'map-words', class: 'visually-hidden' });
  const map = mapView(view, (square) => {
    const shown = of();
    if (!shown) return;
    const { network, image, r } = shown;
    view.ask('plane', 'plane', { network, image, r, ...square, side: CELLS, seed }, (regions, [picture]) => {
      map.show(regions, square, picture);
      words.textContent = inWords(regions);
    });
  });
  const button = (/** @type {string} */ name, /** @type {() => void} */ clicked) => {
    const made = create('button', { type: 'button' }, name);
    made.addEventListener('click', clicked);
    return made;
  };
  const another = () => {
    seed++;
    map.reset();
  };
  const tools = [
    button('Zoom in', map.zoomIn),
    button('Zoom out', map.zoomOut),
    button('Whole', map.reset),
    button('Another cut', another),
  ];
  const proved = create('span', {});
  const note = create(
    'p',
    { class: 'note' },
    'Across: along ',
    create('i', { class: 'r' }, 'r'),
    '. Up: along a random direction. ',
    proved,
    'On the dashed ring lies x′. The bar is a distance ‖·‖₂. Drag or use the arrow keys to move, + and − to zoom.',
  );
  watchProof(map.element, (certified) => {
    map.prove(certified?.any ?? null);
    proved.textContent = certified?.any ? 'Nothing within the solid ring changes the prediction: that is proved. ' : '';
  });
  return {
    element: create('div', {}, map.element, words, create('div', { class: 'player tools-below' }, ...tools), note),
    /** @param {number | null} norm ‖r‖₂ */
    about(norm) {
      map.about(norm);
      if (norm === null) words.textContent = '';
      else map.reset();
    },
  };
}

/** @param {Regions} regions */
const inWords = ({ shares, side, labels }) =>
  `In the middle: ${labels[(side / 2) * (side + 1)]}. In view: ${shares.map(({ label, share }) => `classified as ${label} ${Math.round(100 * share)} %`).join(', ')}.`;

class NoiseView {
  #wanted;
  #isClipped = false;
  /** ‖r‖₂ @type {number | null} */ #norm = null;
  /** @type {Counted | null} */ #counted = null;
  #count = create('b', { class: 'count' });
  #rest = create('span', {});
  #dots = create('canvas', { class: 'dots', 'aria-hidden': 'true' });
  #slider = create('input', { type: 'range', id: 'noise', min: '0', max: String(OCTAVES), step: '0.05', value: '0' });
  #size = create('p', { class: 'note' });
  #small;

  /** @param {View} view @param {(norm: number, clipped: boolean) => void} wanted */
  constructor(view, wanted) {
    this.#wanted = wanted;
    this.#small = picture(view, 'noise', 'Your digit with random noise');
    this.element = create(
      'div',
      { class: 'noise' },
      create('p', { class: 'words' }, this.#count, ' of 1,000 random changes ', this.#rest),
      this.#dots,
      create('div', { class: 'choices', role: 'radiogroup', 'aria-label': 'The noise is' }, ...this.#kinds()),
      create('div', { class: 'slider' }, create('label', { for: 'noise' }, 'Size of the noise'), this.#slider),
      create('div', { class: 'sample' }, this.#small.element, this.#size),
    );
    this.#slider.addEventListener('input', () => this.#ask());
    new ResizeObserver(() => this.#paint()).observe(this.element);
    watchTheme(() => this.#paint());
  }

  /** @param {number | null} norm ‖r‖₂ */
  about(norm) {
    this.#norm = norm;
    if (norm === null) {
      this.#counted = null;
      this.#small.show(null);
    }
    this.#ask();
  }

  /** @param {Counted} counted @param {Picture | null} changed one of the changed images */
  show(counted, changed) {
    this.#counted = counted;
    this.#small.show(changed);
    this.#refresh();
  }

  #kinds() {
    return [
      { clipped: false, name: 'not clipped', more: 'as in the paper; pixels may leave [0, 1]' },
      { clipped: true, name: 'clipped', more: 'to [0, 1]: on empty paper half of it is lost' },
    ].map(({ clipped, name, more }) => {
      const input = create('input', { type: 'radio', name: 'clipping', value: name });
      input.checked = clipped === this.#isClipped;
      input.addEventListener('change', () => {
        this.#isClipped = clipped;
        this.#ask();
      });
      return create('label', { class: 'option' }, input, create('span', {}, name, create('small', {}, more)));
    });
  }

  /** How many times as large as r the noise is. */
  get #times() {
    return 2 ** Number(this.#slider.value);
  }

  #ask() {
    if (this.#norm !== null) this.#wanted(this.#times * this.#norm, this.#isClipped);
    this.#refresh();
  }

  #refresh() {
    const [norm, counted, times] = [this.#norm, this.#counted, this.#times];
    const kind = this.#isClipped ? 'clipped' : 'not clipped';
    this.#count.textContent = counted ? (counted.tried === TRIES ? '' : '≥ ') + counted.changed.toLocaleString('en') : '–';
    this.#rest.textContent =
      times === 1 ? 'of the same size change the prediction' : `${times.toFixed(1)} times as large change the prediction`;
    this.#slider.disabled = norm === null;
    this.#size.textContent =
      norm === null ? '' : `One of them, ${kind}. Its size ‖·‖₂ is ${(times * norm).toFixed(2)}; that of r is ${norm.toFixed(2)}.`;
    this.#slider.setAttribute(
      'aria-valuetext',
      `${times.toFixed(1)} times r, ${this.#count.textContent} of 1,000 change the prediction, ${kind}`,
    );
    this.#paint();
  }

  /** A dot for each change that was tried. */
  #paint() {
    const [dots, changed] = [this.#dots, this.#counted?.changed ?? 0];
    const ratio = devicePixelRatio || 1;
    const width = dots.clientWidth;
    const context = dots.getContext('2d');
    if (!context || width === 0) return;
    const step = width / ROW;
    dots.width = Math.round(width * ratio);
    dots.height = Math.round((TRIES / ROW) * step * ratio);
    context.scale(ratio, ratio);
    const style = getComputedStyle(dots);
    const paths = { hit: new Path2D(), miss: new Path2D() };
    for (let k = 0; k < TRIES; k++) {
      const [x, y] = [((k % ROW) + 0.5) * step, (Math.floor(k / ROW) + 0.5) * step];
      const path = k < changed ? paths.hit : paths.miss;
      path.moveTo(x, y);
      path.arc(x, y, 0.34 * step, 0, 7);
    }
    context.fillStyle = style.borderColor;
    context.fill(paths.miss);
    context.fillStyle = style.color;
    context.fill(paths.hit);
  }
}
