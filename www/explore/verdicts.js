// @ts-check
/** The paper's claims, one by one: what this project's own measurements say of each, and what has been found since. */
import { create } from '../dom.js';
import { reproduction } from './reproduction.js';

/** @import { Reproduction } from './reproduction.js' */
/** @import { Update } from './stage.js' */

/**
 * @typedef {object} Claim
 * @property {string} claim of the paper
 * @property {'stands' | 'contested' | 'refuted'} verdict of the ten years since
 * @property {string} tag the verdict in words
 * @property {(data: Reproduction) => { agrees: boolean, words: string } | null} [measured] what was measured here, and whether it
 *   agrees with the verdict
 * @property {string} since
 * @property {[address: string, title: string][]} references on arXiv
 */

const MAIN = 'FC100-100-10';
const HARDENED = 'FC100-100-10 (hardened)';

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
/** @param {Reproduction} data @param {string} name */
const network = (data, name) => data.networks.find((each) => each.name === name);
/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @type {Claim[]} */
const CLAIMS = [
  {
    claim: 'Beside almost every picture lies one that the network gets wrong.',
    verdict: 'stands',
    tag: 'stands',
    measured: (data) => {
      const [tried, failed] = [data.made_for.map(({ images }) => images), data.made_for.map(({ failed }) => failed)].map(
        (each) => mean(each) * each.length,
      );
      const distortion = network(data, MAIN)?.distortion ?? NaN;
      const words = `${(tried - failed).toLocaleString('en')} of ${tried.toLocaleString('en')} searches found one; for ${MAIN} the mean distortion is ${distortion.toFixed(3)}.`;
      return { agrees: failed < 0.01 * tried, words };
    },
    since: 'A classifier that errs at all, if only under noise, must have its errors close by in so many dimensions.',
    references: [
      ['1801.02774', 'Gilmer et al. 2018'],
      ['1901.10513', 'Ford et al. 2019'],
    ],
  },
  {
    claim: 'They lie in pockets of extremely low probability.',
    verdict: 'refuted',
    tag: 'mostly refuted',
    since:
      'They fill broad, connected regions: from most digits one may leave in some 25 directions at right angles, and still be misclassified. This page is named after the refuted word.',
    references: [
      ['1412.6572', 'Goodfellow et al. 2014'],
      ['1704.03453', 'Tramèr et al. 2017'],
    ],
  },
  {
    claim: 'They come from how non-linear deep networks are.',
    verdict: 'refuted',
    tag: 'rather too linear',
    measured: (data) => {
      const [linear, deep] = [network(data, 'FC10(1e-4)'), network(data, MAIN)];
      if (!linear || !deep) return null;
      const words = `A softmax without any hidden layer is fooled by a distortion of ${linear.distortion.toFixed(3)}, ${MAIN} by ${deep.distortion.toFixed(3)}.`;
      return { agrees: linear.distortion < deep.distortion, words };
    },
    since:
      'Linear models have them too. Other accounts: boundaries tilted towards the data, and features that predict well on the test set but that nobody would call a digit’s.',
    references: [
      ['1412.6572', 'Goodfellow et al. 2014'],
      ['1608.07690', 'Tanay and Griffin 2016'],
      ['1905.02175', 'Ilyas et al. 2019'],
    ],
  },
  {
    claim: 'Random sampling around a picture misses them.',
    verdict: 'stands',
    tag: 'stands',
    measured: (data) => {
      const counts = data.sampling.steps.find(({ multiple }) => multiple === 1)?.counts;
      if (!counts) return null;
      const words = `Of ${counts.tried.toLocaleString('en')} random changes as large as the searched one ${percent(counts.changed / counts.tried)} change the prediction, and ${counts.to_target.toLocaleString('en')} reach its target.`;
      return { agrees: counts.changed < 0.05 * counts.tried, words };
    },
    since: 'How often noise errs and how near the boundary is are two sides of one thing: the one can be computed from the other, roughly.',
    references: [['1901.10513', 'Ford et al. 2019']],
  },
  {
    claim: 'Other networks, trained on other digits, fall for the same examples.',
    verdict: 'stands',
    tag: 'stands',
    measured: (data) => {
      const [row, column] = ['FC100-100-10 (P1)', 'FC100-100-10 (P2)'].map((name) => data.networks.findIndex((each) => each.name === name));
      const share = data.made_for[row]?.amplified[column];
      if (share === undefined) return null;
      const words = `Made on one half of the training set and amplified to a distortion of 0.1, ${percent(share)} fool a network trained on the other half, which errs on ${percent(network(data, 'FC100-100-10 (P2)')?.errors.test ?? NaN)} of plain digits.`;
      return { agrees: share > 0.05, words };
    },
    since: 'Their boundaries lie close together, further apart from the digits than from each other.',
    references: [['1704.03453', 'Tramèr et al. 2017']],
  },
  {
    claim: 'A single unit means no more than a random direction.',
    verdict: 'contested',
    tag: 'contested',
    measured: (data) => {
      const layer = data.units[0];
      if (!layer) return null;
      const [unit, direction] = [mean(layer.unit_purity), mean(layer.direction_purity)];
      const words = `Of the test digits with the largest projections, ${percent(unit)} are of one label for a unit, ${percent(direction)} for a random direction. That cannot settle it: labels are not all that a unit may look for.`;
      return { agrees: true, words };
    },
    since:
      'In large convolutional networks units are easier to name than random mixtures of them; and one unit may serve several features at once.',
    references: [
      ['1704.05796', 'Bau et al. 2017'],
      ['2209.10652', 'Elhage et al. 2022'],
    ],
  },
  {
    claim: 'Small bounds on the layers’ norms would exclude them; large ones guarantee nothing.',
    verdict: 'stands',
    tag: 'stands',
    since: 'Products of norms are far too large to say anything. Bounds that follow each unit’s own range are the usable version.',
    references: [['1811.00866', 'Zhang et al. 2018']],
  },
  {
    claim: 'Training on them makes a network better.',
    verdict: 'stands',
    tag: 'stands',
    measured: (data) => {
      const [before, after] = [network(data, MAIN), network(data, HARDENED)];
      if (!before || !after) return null;
      const words = `It errs on ${percent(after.errors.test)} of the test digits instead of ${percent(before.errors.test)}, and needs a distortion of ${after.distortion.toFixed(3)} instead of ${before.distortion.toFixed(3)}.`;
      return { agrees: after.distortion > before.distortion && after.errors.test <= before.errors.test, words };
    },
    since: 'It is still the defence that holds best, when the examples are searched for anew all the time.',
    references: [['1706.06083', 'Mądry et al. 2017']],
  },
];

/** @param {HTMLElement} figure @returns {Update} */
export function section(figure) {
  const list = create('ol', { class: 'verdicts' });
  figure.append(list);
  reproduction().then((data) => list.replaceChildren(...CLAIMS.map((claim) => claimView(claim, data))));
  return () => {};
}

/** @param {Claim} claim @param {Reproduction | null} data */
function claimView({ claim, verdict, tag, measured, since, references }, data) {
  const found = (data && measured?.(data)) ?? null;
  const links = references.flatMap(([address, title], k) => [
    k > 0 ? ', ' : '',
    create('a', { href: `https://arxiv.org/abs/${address}` }, title),
  ]);
  return create(
    'li',
    {},
    create('p', { class: 'claim' }, claim, ' ', create('b', { class: `verdict ${verdict}` }, tag)),
    ...(found ? [create('p', {}, create('i', {}, found.agrees ? 'Here: ' : 'Here it looks otherwise: '), found.words)] : []),
    create('p', { class: 'since' }, since, ' ', create('span', { class: 'references' }, ...links)),
  );
}
