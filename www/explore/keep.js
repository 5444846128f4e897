// @ts-check
/** What a visitor can take away: a link, a picture that still works, the numbers. */
import { create, download } from '../dom.js';

/** @import { Rounded } from '../protocol.js' */
/** @import { Scene, Tools, Update } from './stage.js' */

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, page }) {
  /** @type {Scene | null} */ let scene = null;
  /** @type {Rounded | null} */ let rounded = null;
  const row = (/** @type {string} */ name, /** @type {string} */ words, /** @type {() => void} */ clicked) => {
    const button = create('button', { type: 'button' }, name);
    const note = create('p', {}, words);
    button.addEventListener('click', clicked);
    figure.firstElementChild?.append(button, note);
    return { button, note };
  };
  figure.append(create('div', { class: 'keep' }));

  const link = row('Copy link', '', async () => {
    const text = page.link();
    try {
      await navigator.clipboard.writeText(text);
      told(link.note, 'Copied.');
    } catch {
      told(link.note, 'This browser does not let the page copy. Here it is: ', create('a', { href: text }, 'the link'));
    }
  });
  const picture = row('Picture (PNG)', '', () => {
    if (!scene || !rounded) return;
    download(`${name(scene)}.png`, rounded.png, 'image/png');
    page.say(`Saved. ${verdict(rounded)}`);
  });
  const numbers = (/** @type {string} */ file, /** @type {Float32Array | undefined} */ values) => {
    if (values) client.ask(file, 'npy', { values }, (bytes) => download(file, bytes, 'application/octet-stream'));
  };
  const change = row('r (npy)', '28 × 28 floats, exactly as computed; numpy.load reads them.', () => {
    if (scene) numbers(`${name(scene)}-r.npy`, scene.answer?.perturbation?.values);
  });
  const sum = row('x + r (npy)', 'The same for the adversarial digit, from 0 (paper) to 1 (ink).', () => {
    if (scene) numbers(`${name(scene)}.npy`, scene.answer?.adversarial?.values);
  });
  const trace = row('Search (CSV)', 'Every evaluation with its phase, c, loss, objective, norm, margin and bracket.', () => {
    if (!scene?.answer?.digit) return;
    const { network, reading, target } = scene;
    const file = `${name(scene)}.csv`;
    const asked = { network, reading, target, image: scene.answer.digit.values };
    client.ask(file, 'csv', asked, (bytes) => download(file, bytes, 'text/csv'), { failed: (why) => told(trace.note, why) });
  });

  /** @param {HTMLElement} note @param {(Node | string)[]} words */
  function told(note, ...words) {
    note.replaceChildren(...words);
    page.say(note.textContent ?? '');
  }

  return (next) => {
    scene = next;
    rounded = null;
    const { answer, network, target } = next;
    const own = page.networks().some(({ name, bytes }) => name === network && bytes);
    link.note.textContent = `Whoever opens it sees this digit, attacked in the same way. The drawing is in the link itself${own ? '; your own network is not' : ''}.`;
    const r = answer?.perturbation?.values;
    for (const { button } of [change, sum, trace, picture]) button.disabled = true;
    picture.note.textContent = r ? '' : 'There is no example to keep.';
    if (!answer?.digit || !r) {
      client.cancel('rounded');
      return;
    }
    for (const { button } of [change, sum, trace]) button.disabled = false;
    client.ask('rounded', 'rounded', { network, image: answer.digit.values, r, target }, (found) => {
      rounded = found;
      picture.button.disabled = false;
      picture.note.textContent = `28 × 28 pixels, white on black as in MNIST. ${verdict(found)}`;
    });
  };
}

/** @param {Rounded} rounded */
function verdict({ rounding, label, norm, scale }) {
  const still = `still classified as ${label}, norm ${norm.toFixed(3)}`;
  switch (rounding) {
    case 'nearest':
      return `Rounded to 256 levels it is ${still}.`;
    case 'towards':
      return `Plain rounding would lose it; rounded in the direction of r it is ${still}.`;
    case 'further':
      return `Plain rounding would lose it; with r lengthened by ${Math.round(100 * (scale - 1))} % it is ${still}.`;
    case 'lost':
      return `Rounded to 256 levels it no longer fools the network: it is classified as ${label}.`;
  }
}

/** What a file is called, without its ending. @param {Scene} scene */
const name = ({ answer }) => `pockets-${answer?.digit?.label}-as-${answer?.adversarial?.label}`;
