// @ts-check
/** r followed inside: every hidden unit at x, at x + r, and the difference, sorted by what it adds to the lead of the new label. */
import { create } from '../dom.js';
import { testDigits } from './digits.js';
import { picture } from './picture.js';
import { reader } from './reader.js';

/** @import { Client } from '../client.js' */
/** @import { Shown, View } from '../pictures.js' */
/** @import { Followed, FollowedLayer } from '../protocol.js' */

/** @typedef {{ network: string, image: Float32Array, adversarial: Float32Array }} Asked */

/** Digits that are shown of a unit. */
const TOP = 10;

/** @param {Client} client @param {View} view */
export function followView(client, view) {
  const caption = create('p', { class: 'formula-words' });
  const grids = create('div', { class: 'grids' });
  const words = create('p', { class: 'words' });
  const pictures = Array.from({ length: TOP }, (_, k) => picture(view, `inside ${k}`));
  const tops = create(
    'div',
    { class: 'tops', role: 'img', 'aria-label': 'The test digits that activate the unit most' },
    ...pictures.map(({ element }) => element),
  );
  const element = create(
    'div',
    { class: 'follow' },
    create('h3', {}, 'Follow r inside'),
    caption,
    create('div', { class: 'columns inside' }, grids, create('div', { class: 'panel' }, words, tops)),
  );
  /** @type {Asked | null} */ let asked = null;
  /** @type {Followed | null} */ let followed = null;
  /** @type {ReturnType<typeof layerView>[]} */ let views = [];

  /** @param {number} k which layer @param {number} place in the order of the shares */
  function choose(k, place) {
    if (!asked || !followed) return;
    const { before, after, shares } = followed.layers[k];
    const unit = followed.layers[k].order[place];
    for (const [layer, view] of views.entries()) view.mark(layer === k ? place : null);
    const [network, gain] = [asked.network, followed.lead[1] - followed.lead[0]];
    words.replaceChildren(
      create('b', {}, `Unit ${unit + 1}`),
      ` of hidden layer ${k + 1}: ${before[unit].toFixed(2)} at x, ${after[unit].toFixed(2)} at x + r, which adds ${signed(shares[unit])} of ${signed(gain)}. These test digits activate it most:`,
    );
    testDigits(client).then(
      () =>
        view.ask('inside', 'units', { network, image: null, layer: k, unit, seed: null, bins: 1, shown: TOP }, (_, digits) => {
          for (const [place, each] of pictures.entries()) each.show(digits[place]);
        }),
      (error) => {
        words.textContent = `The test digits could not be loaded (${error.message}).`;
      },
    );
  }

  /** @param {Followed} next @param {(Shown | null)[]} shown three grids of each layer */
  function show(next, shown) {
    followed = next;
    const { layers, from, to, lead } = next;
    element.hidden = layers.length === 0;
    if (layers.length === 0) return;
    caption.textContent = `Each square is a hidden unit. r lifts the lead of ${to} over ${from} from ${signed(lead[0])} to ${signed(lead[1])}, and in each layer the units’ shares sum to that: they are sorted by it, those that push most towards ${to} first. Point at one.`;
    if (views.map(({ size }) => size).join() !== layers.map(({ shares }) => shares.length).join()) {
      for (const surface of views.flatMap(({ surfaces }) => surfaces)) view.forget(surface);
      views = layers.map(({ shares }, k) => layerView(view, k, shares.length, (place) => choose(k, place)));
      grids.replaceChildren(...views.map((view) => view.element));
    }
    for (const [k, layer] of layers.entries()) views[k].show(layer, shown.slice(3 * k, 3 * k + 3));
    choose(layers.length - 1, 0);
  }
  return {
    element,
    /** @param {Asked | null} next */
    about(next) {
      asked = next;
      if (next) return view.ask('follow', 'follow', next, show);
      for (const channel of ['follow', 'inside']) view.cancel(channel);
      followed = null;
      element.hidden = true;
    },
  };
}

/** @param {number} value */
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

/**
 * Three grids of one layer's units.
 * @param {View} view
 * @param {number} k which layer
 * @param {number} size units
 * @param {(place: number) => void} chosen
 */
function layerView(view, k, size, chosen) {
  const side = Math.ceil(Math.sqrt(size));
  const three = ['x', 'x + r', 'difference'].map((title, which) => {
    const canvas = create('canvas', { class: 'units-grid', width: String(side), height: String(side), 'aria-hidden': 'true' });
    const cell = create('span', { class: 'cell', hidden: '' });
    const values = reader(`Units of hidden layer ${k + 1}`, () => {}, { chosen, isRepeated: which < 2 });
    const plot = create('div', { class: 'plot' }, canvas, cell, values.element);
    return { canvas, surface: view.surface(canvas), cell, values, plot, title };
  });
  const element = create(
    'div',
    { class: 'three' },
    create('p', { class: 'title' }, `hidden layer ${k + 1}`),
    ...three.map(({ plot }) => plot),
    ...three.map(({ title }) => create('p', {}, title)),
  );
  /** @type {FollowedLayer | null} */ let layer = null;
  new ResizeObserver(tell).observe(three[0].canvas);

  function tell() {
    const width = three[0].canvas.clientWidth;
    if (!layer || width === 0) return;
    const { before, after, shares, order } = layer;
    const told = order.map((unit, place) => ({
      place: (((place % side) + 0.5) / side) * width,
      top: ((Math.floor(place / side) + 0.5) / side) * width,
      says: `unit ${unit + 1}: ${before[unit].toFixed(2)} → ${after[unit].toFixed(2)}, adds ${signed(shares[unit])}`,
    }));
    for (const { values } of three) values.tell(told, side);
  }
  return {
    element,
    size,
    surfaces: three.map(({ surface }) => surface),
    /** @param {FollowedLayer} next @param {(Shown | null)[]} grids at x, at x + r, and the differences */
    show(next, grids) {
      layer = next;
      for (const [which, { surface }] of three.entries()) surface.show(grids[which]);
      tell();
    },
    /** @param {number | null} place */
    mark(place) {
      for (const { cell } of three) {
        cell.hidden = place === null;
        if (place === null) continue;
        const share = (/** @type {number} */ cells) => `${(100 * cells) / side}%`;
        Object.assign(cell.style, { left: share(place % side), top: share(Math.floor(place / side)), width: share(1), height: share(1) });
      }
    },
  };
}
