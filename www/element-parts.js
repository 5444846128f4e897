// @ts-check
/** What `<pockets-demo>` is made of: pad, target, perturbation, adversarial digit, x + r = x′. */
import { create } from './dom.js';
import { NOTHING } from './numbers.js';
import { SIDE } from './surface.js';

/** The colours of the pictures, as the style sheet names them: for each there is an invisible probe that has it. */
export const COLOURS = ['paper', 'ink', 'less', 'none', 'more'];

/** All elements of one demo. */
export function build() {
  const canvas = (/** @type {string} */ name, /** @type {string} */ part) =>
    create('canvas', { class: 'picture', role: 'img', 'aria-label': name, width: String(SIDE), height: String(SIDE), part });
  const pad = create('canvas', { role: 'application', 'aria-label': 'Drawing pad', 'aria-describedby': 'pad-help', tabindex: '0' });
  const frame = create(
    'div',
    { class: 'picture pad', part: 'pad', 'data-part': 'pad' },
    pad,
    create('p', { class: 'invitation', 'aria-hidden': 'true' }, 'draw a digit'),
  );
  const [input, change, sum] = [
    canvas('Network input', 'input'),
    canvas('Perturbation', 'perturbation'),
    canvas('Adversarial digit', 'adversarial'),
  ];
  const seen = create('div', {}, input);
  const undo = create('button', { type: 'button', part: 'button' }, 'Undo');
  const clear = create('button', { type: 'button', part: 'button' }, 'Clear');
  const readout = (/** @type {string} */ id, /** @type {string} */ name) => {
    const value = create('dd', { id, 'aria-labelledby': `${id}-term` }, NOTHING);
    return { value, row: create('div', {}, create('dt', { id: `${id}-term` }, name), value) };
  };
  const [prediction, adversarial] = [readout('prediction', 'Prediction'), readout('adversarial', 'Adversarial prediction')];
  const [norm, distortion] = [readout('norm', 'Norm'), readout('distortion', 'Distortion')];
  const list = (/** @type {string} */ part, /** @type {Node[]} */ ...rows) =>
    create('dl', { class: part, part, 'data-part': part }, ...rows);
  const takenFor = create('span', {}, '');
  const caption = (/** @type {string} */ symbol, /** @type {(Node | string)[]} */ ...words) =>
    create('figcaption', {}, create('span', { class: `symbol ${symbol}` }, symbol), ' ', create('span', { class: 'words' }, ...words));
  const target = create('div', { class: 'target', role: 'radiogroup', 'aria-label': 'Target' });
  const select = create('select', { id: 'network', part: 'select' });
  const network = create('p', { class: 'network' }, create('label', { for: 'network' }, 'Network'), ' ', select);
  const samples = create('div', {
    class: 'samples',
    role: 'group',
    'aria-label': 'Sample digits',
    part: 'samples',
    'data-part': 'samples',
  });
  const status = create('p', { class: 'status', part: 'status' });
  const notice = create('p', { class: 'notice', part: 'notice', role: 'alert' });
  const probes = create(
    'div',
    { class: 'probes', 'aria-hidden': 'true' },
    ...COLOURS.map((name) => create('i', { class: `probe-${name}` })),
  );
  const operator = (/** @type {string} */ sign) => create('span', { class: 'operator', 'aria-hidden': 'true' }, sign);

  const demo = create(
    'div',
    { class: 'demo', part: 'demo' },
    probes,
    create(
      'div',
      { class: 'choices' },
      create(
        'div',
        { class: 'goal', part: 'target', 'data-part': 'target' },
        create('span', { class: 'ask', 'aria-hidden': 'true' }, 'Make the network predict'),
        target,
      ),
      network,
    ),
    create(
      'div',
      { class: 'equation' },
      create(
        'figure',
        { class: 'drawing' },
        caption('x', 'your digit'),
        create('div', { class: 'framed' }, frame, seen),
        list('readings', prediction.row),
      ),
      create(
        'figure',
        { class: 'change', 'data-part': 'perturbation' },
        caption('r', 'smallest change'),
        create('div', { class: 'framed' }, operator('+'), change),
        list('numbers', norm.row, distortion.row),
      ),
      create(
        'figure',
        { class: 'result', 'data-part': 'adversarial' },
        caption('x′', 'what it takes for ', takenFor),
        create('div', { class: 'framed' }, operator('='), sum),
        list('readings', adversarial.row),
      ),
    ),
    create('div', { class: 'beside' }, create('div', { class: 'tools', 'data-part': 'tools' }, undo, clear), samples),
    create('div', { 'data-part': 'sentence' }, status),
    notice,
    create(
      'p',
      { id: 'pad-help', class: 'visually-hidden' },
      'Draw a digit with a mouse, a finger or a pen. With the keyboard, the arrow keys move the pen, and Space puts it down and lifts it.',
    ),
  );
  return {
    demo,
    probes,
    pad,
    frame,
    seen,
    input,
    change,
    sum,
    undo,
    clear,
    target,
    takenFor,
    select,
    network,
    samples,
    status,
    notice,
    prediction: prediction.value,
    adversarial: adversarial.value,
    norm: norm.value,
    distortion: distortion.value,
  };
}
