// @ts-check
/** What `<pockets-demo>` is made of: pad, target, perturbation, adversarial digit, x + r = x′. */
import { create } from './dom.js';
import { NOTHING } from './numbers.js';
import { SIDE } from './pictures.js';

/** The colours of the pictures, as the style sheet names them: for each there is an invisible probe that has it. */
export const COLOURS = ['paper', 'ink', 'less', 'none', 'more'];

/** @param {string} name @param {string} part */
const canvas = (name, part) =>
  create('canvas', { class: 'picture', role: 'img', 'aria-label': name, width: String(SIDE), height: String(SIDE), part });

/** @param {string} words */
const button = (words) => create('button', { type: 'button', part: 'button' }, words);

const readout = (/** @type {string} */ id) => create('dd', { id, 'aria-labelledby': `${id}-term` }, NOTHING);

/** Readouts under their names. @param {string} part @param {[name: string, value: HTMLElement][]} rows */
const list = (part, ...rows) =>
  create(
    'dl',
    { class: part, part, 'data-part': part },
    ...rows.map(([name, value]) => create('div', {}, create('dt', { id: `${value.id}-term` }, name), value)),
  );

/** @param {string} symbol @param {(Node | string)[]} words */
const caption = (symbol, ...words) =>
  create('figcaption', {}, create('span', { class: `symbol ${symbol}` }, symbol), ' ', create('span', { class: 'words' }, ...words));

/** A picture and what stands before it. @param {Node[]} nodes */
const framed = (...nodes) => create('div', { class: 'framed' }, ...nodes);

const operator = (/** @type {string} */ sign) => create('span', { class: 'operator', 'aria-hidden': 'true' }, sign);

/** All elements of one demo. */
export function build() {
  const pieces = {
    ...drawn(),
    change: canvas('Perturbation', 'perturbation'),
    sum: canvas('Adversarial digit', 'adversarial'),
    target: create('div', { class: 'target', role: 'radiogroup', 'aria-label': 'Target' }),
    takenFor: create('span', {}, ''),
    select: create('select', { id: 'network', part: 'select' }),
    samples: create('div', { class: 'samples', role: 'group', 'aria-label': 'Sample digits', part: 'samples', 'data-part': 'samples' }),
    status: create('p', { class: 'status', part: 'status' }),
    notice: create('p', { class: 'notice', part: 'notice', role: 'alert' }),
    prediction: readout('prediction'),
    adversarial: readout('adversarial'),
    norm: readout('norm'),
    distortion: readout('distortion'),
    probes: create('div', { class: 'probes', 'aria-hidden': 'true' }, ...COLOURS.map((name) => create('i', { class: `probe-${name}` }))),
  };
  const network = create('p', { class: 'network' }, create('label', { for: 'network' }, 'Network'), ' ', pieces.select);
  return { ...pieces, network, demo: arranged({ ...pieces, network }) };
}

/** The pad, what changes a drawing, and the digit as the network sees it. */
function drawn() {
  const pad = create('canvas', { role: 'application', 'aria-label': 'Drawing pad', 'aria-describedby': 'pad-help', tabindex: '0' });
  const invitation = create('p', { class: 'invitation', 'aria-hidden': 'true' }, 'draw a digit');
  const frame = create('div', { class: 'picture pad', part: 'pad', 'data-part': 'pad' }, pad, invitation);
  const input = canvas('Network input', 'input');
  return { pad, frame, input, seen: create('div', {}, input), undo: button('Undo'), clear: button('Clear') };
}

/** @param {Record<string, HTMLElement>} pieces */
function arranged(pieces) {
  const { probes, target, network, undo, clear, samples, status, notice } = pieces;
  const ask = create('span', { class: 'ask', 'aria-hidden': 'true' }, 'Make the network predict');
  return create(
    'div',
    { class: 'demo', part: 'demo' },
    probes,
    create('div', { class: 'choices' }, create('div', { class: 'goal', part: 'target', 'data-part': 'target' }, ask, target), network),
    equation(pieces),
    create('div', { class: 'beside' }, create('div', { class: 'tools', 'data-part': 'tools' }, undo, clear), samples),
    create('div', { 'data-part': 'sentence' }, status),
    notice,
    create(
      'p',
      { id: 'pad-help', class: 'visually-hidden' },
      'Draw a digit with a mouse, a finger or a pen. With the keyboard, the arrow keys move the pen, and Space puts it down and lifts it.',
    ),
  );
}

/** x + r = x′. @param {Record<string, HTMLElement>} pieces */
function equation({ frame, seen, change, sum, takenFor, prediction, adversarial, norm, distortion }) {
  return create(
    'div',
    { class: 'equation' },
    create('figure', { class: 'drawing' }, caption('x', 'your digit'), framed(frame, seen), list('readings', ['Prediction', prediction])),
    create(
      'figure',
      { class: 'change', 'data-part': 'perturbation' },
      caption('r', 'smallest change'),
      framed(operator('+'), change),
      list('numbers', ['Norm', norm], ['Distortion', distortion]),
    ),
    create(
      'figure',
      { class: 'result', 'data-part': 'adversarial' },
      caption('x′', 'what it takes for ', takenFor),
      framed(operator('='), sum),
      list('readings', ['Adversarial prediction', adversarial]),
    ),
  );
}
