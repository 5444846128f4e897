// @ts-check
/**
 * One engine for all the demos of a page: they take turns. Each has its own network; the engine is given another
 * one only when the turn goes to a demo with another network.
 *
 * @import { Answer, AttackRequest } from './messages.js'
 */
import { Client } from './client.js';

/**
 * @typedef {object} Job
 * @property {Seat} seat
 * @property {AttackRequest} request
 * @property {(answer: Answer) => void} answer
 * @property {(sentence: string) => void} refuse
 */

/** @type {Client | null} */ let client = null;
/** Why nothing can run on this page, once that is known. */
let fatal = '';
/** @type {Set<Seat>} */ const seats = new Set();
/** Waiting, at most one for each seat, the longest first. @type {Map<Seat, Job>} */ const waiting = new Map();
/** @type {Job | null} */ let current = null;
/** The network that the engine has. @type {Uint8Array | null} */ let loaded = null;

/** A demo's place at the engine. */
export class Seat {
  /** @type {Uint8Array | null} */ #network = null;
  #onFatal;

  /** @param {{ onFatal: (sentence: string) => void }} events `onFatal`: nothing can run on this page */
  constructor({ onFatal }) {
    this.#onFatal = onFatal;
    seats.add(this);
    client ??= new Client({ onFatal: failAll });
    if (fatal) queueMicrotask(() => onFatal(fatal));
  }

  /** @param {Uint8Array} bytes the network of this demo from now on; whether it is one shows at the next attack */
  use(bytes) {
    this.#network = bytes;
  }

  get network() {
    return this.#network;
  }

  /**
   * Asks for a drawing to be read and attacked; an earlier request of this demo is dropped.
   * @param {AttackRequest} request
   * @param {{ answer: (answer: Answer) => void, refuse: (sentence: string) => void, follows: boolean }} callbacks
   */
  attack(request, { answer, refuse, follows }) {
    if (fatal) return;
    const job = { seat: this, request, answer, refuse };
    if (current?.seat === this && waiting.size === 0 && loaded === this.#network) {
      current = job;
      run(job, follows);
      return;
    }
    waiting.set(this, job);
    if (current?.seat === this) current = null; // the engine ends a search when the next begins
    if (!current) next();
  }

  /** Gives up the place. */
  leave() {
    seats.delete(this);
    waiting.delete(this);
    if (current?.seat !== this) return;
    current = null;
    next();
  }

  /** @param {string} sentence */
  fail(sentence) {
    this.#onFatal(sentence);
  }
}

/** @param {string} sentence */
function failAll(sentence) {
  fatal = sentence;
  current = null;
  waiting.clear();
  for (const seat of seats) seat.fail(sentence);
}

async function next() {
  const [job] = waiting.values();
  if (!job || !client) return;
  waiting.delete(job.seat);
  current = job;
  const { network } = job.seat;
  if (loaded !== network) {
    loaded = null;
    try {
      if (!network) throw new Error('No network has been loaded.');
      await client.load(network);
      loaded = network;
    } catch (error) {
      if (current === job) job.refuse(error instanceof Error ? error.message : String(error));
      return done(job);
    }
    if (current !== job) return;
  }
  run(job, false);
}

/** @param {Job} job @param {boolean} follows */
function run(job, follows) {
  client?.attack(job.request, {
    answer: (answer) => {
      if (current?.seat === job.seat) job.answer(answer);
      if (answer.state !== 'searching') done(job);
    },
    refuse: (sentence) => {
      if (current === job) job.refuse(sentence);
      done(job);
    },
    follows,
  });
}

/** @param {Job} job */
function done(job) {
  if (current !== job) return;
  current = null;
  next();
}
