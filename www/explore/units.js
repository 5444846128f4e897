// @ts-check
/** The test digits with the largest projections on one unit, and on a random direction of the same layer. */
import { create } from '../dom.js';
import { significant } from '../numbers.js';
import { chart } from './chart.js';
import { testDigits } from './digits.js';
import { picture } from './picture.js';

/** @import { Shown, View } from '../pictures.js' */
/** @import { Ranked } from '../protocol.js' */
/** @import { Scene, Tools, Update } from './stage.js' */

/** Digits in a row. */
const TOP = 10;
const BINS = 40;
const CLOSED = 'This looks into networks of fully connected layers alone. Choose one of those at the top to see its units.';

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, view }) {
  /** @type {Scene | null} */ let scene = null;
  let hasDigits = false;
  let [layer, unit, seed] = [0, 0, 1];
  const layers = create('div', { class: 'choices', role: 'radiogroup', 'aria-label': 'Layer' });
  const rows = [
    rowView(view, 'One unit', 'Another unit', () => {
      unit = Math.floor(Math.random() * width());
      ask();
    }),
    rowView(view, 'A random direction', 'Another direction', () => {
      seed++;
      ask();
    }),
  ];
  const note = create('p', { class: 'note' }, 'The first thousand test digits of MNIST.');
  const inside = create('div', { class: 'stack' }, layers, ...rows.map(({ element }) => element), note);
  const closed = create('p', { class: 'words' }, CLOSED);
  figure.append(inside, closed);

  const width = () => scene?.widths[layer + 1] ?? 1;
  const ask = () => {
    if (!scene || !hasDigits || scene.widths.length === 0) return;
    unit = Math.min(unit, width() - 1);
    const { network, answer } = scene;
    const image = answer?.digit?.values ?? null;
    view.ask('units', 'units', { network, image, layer, unit, seed, bins: BINS, shown: TOP }, (ranked, digits) => {
      const each = digits.length / rows.length;
      for (const [k, row] of rows.entries()) row.show(ranked[k], digits.slice(k * each, (k + 1) * each));
      rows[0].title(`Unit ${unit + 1} of ${width()}`);
      rows[1].title(`A random direction in the same ${width()} dimensions`);
    });
  };
  testDigits(client)
    .then(() => {
      hasDigits = true;
      ask();
    })
    .catch((error) => {
      note.textContent = `The test digits could not be loaded (${error.message}).`;
    });

  /** @param {number[]} widths */
  function offerLayers(widths) {
    const hidden = Math.max(1, widths.length - 2);
    layer = Math.min(layer, hidden - 1);
    if (layers.childElementCount === hidden && layers.dataset.widths === String(widths)) return;
    layers.dataset.widths = String(widths);
    layers.replaceChildren(
      ...Array.from({ length: hidden }, (_, k) => {
        const input = create('input', { type: 'radio', name: 'layer', value: String(k) });
        input.checked = k === layer;
        input.addEventListener('change', () => {
          layer = k;
          ask();
        });
        const name = widths.length === 2 ? 'the logits' : `hidden layer ${k + 1}`;
        return create('label', { class: 'option' }, input, create('span', {}, name, create('small', {}, `${widths[k + 1]} units`)));
      }),
    );
  }
  return (next) => {
    scene = next;
    const isOpen = next.widths.length > 0;
    [inside.hidden, closed.hidden] = [!isOpen, isOpen];
    if (!isOpen) return view.cancel('units');
    offerLayers(next.widths);
    ask();
  };
}

/** @param {View} view @param {string} title @param {string} again @param {() => void} reroll */
function rowView(view, title, again, reroll) {
  const heading = create('h3', {}, title);
  const button = create('button', { type: 'button' }, again);
  button.addEventListener('click', reroll);
  const pictures = Array.from({ length: TOP }, (_, k) => picture(view, `${title} ${k}`));
  const tops = create(
    'div',
    { class: 'tops', role: 'img', 'aria-label': `${title}: its ten test digits` },
    ...pictures.map(({ element }) => element),
  );
  const histogram = chart({ name: `${title}: all test digits and yours`, height: 130 });
  const words = create('p', { class: 'words' });
  const element = create(
    'div',
    { class: 'columns unit' },
    create('div', {}, heading, button),
    create('div', {}, tops, histogram.element, words),
  );
  return {
    element,
    /** @param {string} text */
    title(text) {
      heading.textContent = text;
    },
    /** @param {Ranked} ranked @param {(Shown | null)[]} best */
    show({ range: [low, high], counts, digits, own, larger }, best) {
      for (const [place, each] of pictures.entries()) each.show(best[place]);
      const size = (high - low) / counts.length;
      const most = Math.max(...counts);
      const steps = counts.flatMap(
        (count, k) =>
          /** @type {[number, number][]} */ ([
            [low + k * size, count],
            [low + (k + 1) * size, count],
          ]),
      );
      histogram.draw({
        x: { label: 'projection', domain: [low, high] },
        y: { label: 'test digits', domain: [0, most], ticks: [0, most] },
        lines: [{ points: steps }],
        stops: counts.map((count, k) => ({
          x: low + (k + 0.5) * size,
          says: `projection ${significant(low + k * size)} to ${significant(low + (k + 1) * size)}: ${count} test digits`,
        })),
        marks: own === null ? [] : [{ x: own, label: 'your digit', kind: 'own' }],
      });
      words.textContent =
        own === null
          ? ''
          : `${larger.toLocaleString('en')} of ${digits.toLocaleString('en')} test digits have a larger projection than yours.`;
      histogram.describe(words.textContent);
    },
  };
}
