// @ts-check
/** This very example, shown to every network there is, then to one of them more closely; and how often that works, on the whole test set. */
import { create } from '../dom.js';
import { fetchNetwork } from '../networks.js';
import { NOTHING, percent } from '../numbers.js';
import { Comparison } from './comparison.js';
import { picture } from './picture.js';
import { reproduction } from './reproduction.js';

/** @import { Client } from '../client.js' */
/** @import { Judged, Transferred } from '../protocol.js' */
/** @import { Cell, Reproduction } from './reproduction.js' */
/** @import { Small } from './picture.js' */
/** @import { Page, Scene, Tools, Update } from './stage.js' */

/** The paper's tables 2 and 3, each by the network of its first row. */
const TABLES = [
  {
    main: 'FC100-100-10',
    title:
      'On the whole test set: how many of the examples made for one network (row) another (column) misclassifies too. Large ours, small the paper’s.',
    amplified: false,
  },
  {
    main: 'FC100-100-10 (P1)',
    title: 'The same for networks that were trained on disjoint halves of the training set, amplified to a distortion of 0.1.',
    amplified: true,
  },
];
/** The distortion that examples are amplified to, as in the paper. */
const AMPLIFIED = 0.1;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { client, view, page }) {
  const body = create('tbody', {});
  const caption = create('p', { class: 'caption' });
  const pair = new Comparison(view);
  figure.append(frame(caption, body), pair.element, tables());
  /** @type {Scene | null} */ let scene = null;
  /** Each network's own r. @type {Map<string, Small>} */ const own = new Map();
  const ownOf = (/** @type {string} */ name) => own.get(name) ?? own.set(name, picture(view, `own ${name}`)).get(name);
  const loader = networksOf(client, page, () => ask());

  const ask = () => {
    const { answer, network, target } = scene ?? {};
    const r = answer?.perturbation?.values;
    if (!answer?.digit || !r || !network || target === undefined) {
      view.cancel('transfer');
      caption.textContent = 'There is no example to show to the others.';
      body.replaceChildren();
      pair.show(null);
      return;
    }
    const { digit, adversarial, distortion, perturbation, outcome } = answer;
    const networks = loader.names();
    view.ask('transfer', 'transfer', { networks, image: digit.values, r, target, amplify: AMPLIFIED }, (rows, pictures) => {
      caption.textContent = `Made for ${network}, distortion ${(distortion ?? 0).toFixed(3)}; amplified to ${AMPLIFIED}. What each network predicts:`;
      const label = adversarial?.label ?? -1;
      body.replaceChildren(
        ...rows.map((row, k) => {
          const own = ownOf(row.network);
          own?.show(pictures[k]);
          return rowView(row, own, row.network === network, digit.label, label, page.chooseNetwork);
        }),
      );
      pair.show({ network, rows, image: digit.values, r, limit: perturbation?.limit ?? 1, norm: outcome?.norm ?? 0, label });
    });
  };
  return (next) => {
    scene = next;
    loader.load(next);
    ask();
  };
}

/** The table of this example. @param {Node} caption @param {Node} body */
function frame(caption, body) {
  const heads = ['network', 'your digit', 'x + r', 'amplified', 'its own smallest r'];
  const head = create('tr', {}, ...heads.map((name) => create('th', { scope: 'col' }, name)));
  return create(
    'div',
    {},
    caption,
    create(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'This example on every network' },
      create('table', { class: 'transfer' }, create('thead', {}, head), body),
    ),
  );
}

/** All networks of the page, fetched once, for the engine. @param {Client} client @param {Page} page @param {() => void} arrived one more is there */
function networksOf(client, page, arrived) {
  /** @type {Map<string, Uint8Array>} */ const loaded = new Map();
  /** @type {Map<string, Promise<void>>} */ const loading = new Map();
  const take = (/** @type {string} */ name, /** @type {Uint8Array} */ bytes) => {
    loaded.set(name, bytes);
    client.network(name, bytes);
  };
  return {
    /** Those that are there, in the page's order. */
    names() {
      const names = page.networks().map(({ name }) => name);
      return names.filter((name) => loaded.has(name));
    },
    /** Asks for those that are not. @param {Scene} scene whose network the engine has already */
    load({ network, bytes }) {
      loaded.set(network, bytes);
      for (const entry of page.networks()) {
        if (entry.bytes && loaded.get(entry.name) !== entry.bytes) take(entry.name, entry.bytes);
        if (loaded.has(entry.name) || loading.has(entry.name)) continue;
        const arrival = fetchNetwork(entry).then(
          (bytes) => {
            take(entry.name, bytes);
            arrived();
          },
          () => void loading.delete(entry.name),
        );
        loading.set(entry.name, arrival);
      }
    },
  };
}

/**
 * @param {Transferred} row
 * @param {Small | undefined} small its own r
 * @param {boolean} made the example was made for this network
 * @param {number} label what the attacked network predicts
 * @param {number} target
 * @param {(name: string) => void} chosen
 */
function rowView({ network, digit, example, amplified, own }, small, made, label, target, chosen) {
  const button = create('button', { type: 'button', 'aria-pressed': String(made) }, network);
  button.addEventListener('click', () => chosen(network));
  const cell = (/** @type {Judged} */ { label: found, share }, kind = '') =>
    create('td', { class: kind }, create('b', {}, String(found)), create('small', {}, ` ${percent(share)}`));
  const fooled = (/** @type {Judged} */ { label: found }) => (found === target ? 'hit' : found !== digit.label ? 'astray' : '');
  return create(
    'tr',
    { class: made ? 'made' : '' },
    create('th', { scope: 'row' }, button),
    cell(digit, digit.label === label ? '' : 'astray'),
    cell(example, fooled(example)),
    cell(amplified, fooled(amplified)),
    create('td', { class: 'own' }, ...(own && small ? [small.element, ` ${own.norm.toFixed(2)}`] : [NOTHING])),
  );
}

/** The paper's tables beside ours; nothing where their data is not part of this site. */
function tables() {
  const place = create('div', { class: 'tables' });
  reproduction().then((data) => {
    if (!data) return;
    for (const { main, title, amplified } of TABLES) {
      const table = tableView(data, main, title, amplified);
      if (table) place.append(table);
    }
    if (place.childElementCount === 0) return;
    place.append(create('p', { class: 'note' }, 'A number of the paper with * is recalled, and not confirmed by a second source.'));
  });
  return place;
}

/** @param {Reproduction} data @param {string} main @param {string} title @param {boolean} amplified */
function tableView(data, main, title, amplified) {
  const of = (/** @type {Reproduction['made_for'][0]} */ row) => (amplified ? row.paper_amplified : row.paper);
  const first = data.made_for.find(({ network }) => network === main);
  if (!first) return null;
  // The networks that stand in one table of the paper.
  const columns = of(first).flatMap((cell, k) => (cell ? [k] : []));
  if (columns.length < 2) return null;
  const cell = (/** @type {number} */ share, /** @type {Cell | null} */ paper) => {
    const made = create(
      'td',
      {},
      `${(100 * share).toFixed(1)}\u00a0%`,
      create('small', {}, paper ? `${paper.value}\u00a0%${paper.confirmed ? '' : '*'}` : NOTHING),
    );
    made.style.setProperty('--share', `${Math.round(42 * share)}%`);
    return made;
  };
  const rows = columns.map((k) => {
    const row = data.made_for[k];
    const size = create(
      'small',
      {},
      `distortion ${row.distortion.toFixed(3)}${data.networks[k].paper ? `, paper ${data.networks[k].paper?.distortion.value}` : ''}`,
    );
    return create(
      'tr',
      {},
      create('th', { scope: 'row' }, row.network, amplified ? '' : size),
      ...columns.map((c) => cell((amplified ? row.amplified : row.errors)[c], of(row)[c])),
    );
  });
  for (const noise of data.noise) {
    if (!columns.some((c) => noise.paper[c])) continue;
    rows.push(
      create(
        'tr',
        {},
        create('th', { scope: 'row' }, `Gaussian noise of deviation ${noise.deviation.toFixed(2)}, not clipped to the box`),
        ...columns.map((c) => cell(noise.errors[c], noise.paper[c])),
      ),
    );
  }
  const head = create('tr', {}, create('td', {}, 'made for'), ...columns.map((c) => create('th', { scope: 'col' }, data.networks[c].name)));
  const table = create('table', { class: 'heat' }, create('thead', {}, head), create('tbody', {}, ...rows));
  return create(
    'div',
    {},
    create('p', { class: 'caption' }, title),
    create('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': title }, table),
  );
}
