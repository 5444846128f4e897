// @ts-check
/** How small a change could be at all: a bound that tightens while the visitor looks, under the norm that was found. */
import { create } from '../dom.js';

/** @import { Client } from '../client.js' */
/** @import { Certified } from '../protocol.js' */
/** @import { Update } from './stage.js' */

/** A drawing that has not changed for so long, in milliseconds, is worth a proof, and a proof so much work. */
const REST = 250;
const WORTH = 20_000;
const CLOSED = 'Proofs are for fully connected networks.';

/** @type {Set<(certified: Certified | null) => void>} */ const listeners = new Set();
/** @type {Certified | null} */ let latest = null;
/** Begins the proof of the digit of the moment, if it has not begun. @type {(() => void) | null} */ let due = null;
/** What shows a proof and is on screen. @type {Set<Element>} */ const looked = new Set();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) looked.add(target);
    else looked.delete(target);
  }
  beginIfSeen();
});

/** A proof is seconds of work: for somebody who sees what comes of it. */
function beginIfSeen() {
  if (looked.size === 0) return;
  due?.();
  due = null;
}

/** Listens for what is proved of the digit of the moment. @param {Element} place where it is shown @param {(certified: Certified | null) => void} listener */
export function watchProof(place, listener) {
  observer.observe(place);
  listeners.add(listener);
  listener(latest);
}

/** @param {Client} client @param {HTMLElement} place @returns {Update} */
export function proofView(client, place) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let rest;
  watchProof(place, (certified) => place.replaceChildren(...(certified ? words(certified) : [])));
  /** @param {Certified | null} certified */
  const show = (certified) => {
    latest = certified;
    for (const listener of listeners) listener(certified);
  };
  return ({ answer, network, bytes, widths, target }) => {
    clearTimeout(rest);
    due = null;
    client.cancel('certify');
    show(null);
    const [digit, outcome] = [answer?.digit, answer?.outcome];
    // A step of a proof takes too long for the page's own thread.
    if (answer?.state !== 'found' || !digit || !outcome || client.isLocal) return;
    if (widths.length === 0) return place.replaceChildren(CLOSED);
    rest = setTimeout(() => {
      due = () => {
        client.network(network, bytes);
        client.ask('certify', 'certify', { network, image: digit.values, target, norm: outcome.norm, milliseconds: WORTH }, show);
      };
      beginIfSeen();
    }, REST);
  };
}

/** @param {Certified} certified */
function words({ target, is_smallest: isSmallest }) {
  const r = create('i', { class: 'r' }, 'r');
  if (isSmallest) return ['Proved: no smaller ', r, ' can do it.'];
  if (!(target > 0)) return [];
  return ['Proved: no ', r, ' below ', create('b', {}, rounded(target)), ' can do it.'];
}

/** Three digits, and never more than what is proved. @param {number} bound */
function rounded(bound) {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(bound)));
  return (Math.floor(bound * 10 ** digits) / 10 ** digits).toFixed(digits);
}
