// @ts-check
/**
 * The explorer's answers, over the wasm module. Each topic is a generator that yields wherever it may rest; the pace
 * is set by whoever drives it. It knows nothing of where it runs.
 *
 * @import * as Pockets from '../../pockets.js'
 * @import { FromExplorer, ToExplorer, Topics } from './messages.js'
 */

/** Cells along one side of a tile of the plane, and of the first, coarse picture. */
const TILE = 12;
const COARSE = 24;
/** Random perturbations between two rests. */
const BATCH = 20;
/** Test digits between two rests. */
const DIGITS = 10;
const PIXELS = 784;

/**
 * @template {keyof Topics} T
 * @typedef {Generator<undefined, Topics[T][1], void>} Answering
 */
/**
 * @template {keyof Topics} T
 * @typedef {(part: Topics[T][1]) => void} Tell
 */

export class Rooms {
  #wasm;
  /** @type {Map<string, Pockets.Network>} */ #networks = new Map();
  /** @type {Map<string, Float64Array>} */ #bounds = new Map();
  /** What a layer made of the test digits, kept for the next unit. */
  #phis = { network: /** @type {Pockets.Network | null} */ (null), layer: -1, values: new Float32Array() };

  /** @param {typeof Pockets} wasm the module's exports, initialised */
  constructor(wasm) {
    this.#wasm = wasm;
  }

  /** @param {string} key @param {Uint8Array} bytes */
  load(key, bytes) {
    const network = new this.#wasm.Network(bytes);
    this.#networks.get(key)?.free();
    this.#bounds.delete(key);
    this.#networks.set(key, network);
  }

  /** @param {string} key */
  #network(key) {
    const network = this.#networks.get(key);
    if (!network) throw new Error(`The network ${key} has not been loaded.`);
    return network;
  }

  /** @param {Topics['targets'][0]} request @returns {Answering<'targets'>} */
  *targets({ network, reading, image, prediction }) {
    const search = new this.#wasm.Search(this.#network(network), reading);
    try {
      const found = [];
      for (let target = 0; target < 10; target++) {
        if (target === prediction) continue;
        const outcome = yield* attack(search, image, target);
        const success = outcome.ending === 'success';
        found.push({ target, norm: success ? outcome.norm : null, values: success ? plus(image, search.perturbation) : null });
      }
      return found;
    } finally {
      search.free();
    }
  }

  /** @param {Topics['way'][0]} request @returns {Answering<'way'>} */
  *way({ network, image, r, until, count }) {
    const reader = new this.#wasm.Reader(this.#network(network));
    try {
      return reader.along(image, r, until, count);
    } finally {
      reader.free();
    }
  }

  /** @param {Topics['trace'][0]} request @returns {Answering<'trace'>} */
  *trace({ network, reading, image, target }) {
    const search = new this.#wasm.Search(this.#network(network), reading);
    try {
      search.start(image, target === 'any' ? undefined : target);
      const steps = [];
      const changes = [];
      for (let going = true; going; ) {
        going = search.step();
        steps.push(search.seen);
        changes.push(search.perturbation);
        yield;
      }
      const all = new Float32Array(changes.length * PIXELS);
      changes.forEach((r, k) => all.set(r, k * PIXELS));
      return { steps, changes: all, outcome: search.outcome };
    } finally {
      search.free();
    }
  }

  /** @param {Topics['readings'][0]} request @returns {Answering<'readings'>} */
  *readings({ network, image, targets }) {
    const reader = new this.#wasm.Reader(this.#network(network));
    const shares = reader.probabilities(image);
    reader.free();
    const prediction = shares.indexOf(Math.max(...shares));
    const compared = [];
    for (const reading of /** @type {const} */ (['weight', 'scale', 'both'])) {
      const search = new this.#wasm.Search(this.#network(network), reading);
      try {
        for (const target of targets) {
          const outcome = target === prediction ? null : yield* attack(search, image, target);
          compared.push({ reading, target, outcome });
        }
      } finally {
        search.free();
      }
    }
    return compared;
  }

  /** @param {Topics['plane'][0]} request @param {Tell<'plane'>} tell @returns {Answering<'plane'>} */
  *plane({ network, image, r, a, b, reach, side, seed }, tell) {
    const plane = new this.#wasm.Plane(this.#network(network), image, r, seed);
    try {
      /** @param {number} side @returns {Generator<undefined, { side: number, labels: Uint8Array }>} */
      function* picture(side) {
        const labels = new Uint8Array(side * side);
        const tiles = side / TILE;
        for (let row = 0; row < tiles; row++) {
          for (let column = 0; column < tiles; column++) {
            const middle = (/** @type {number} */ k) => reach * ((2 * k + 1) / tiles - 1);
            const tile = plane.labels(a + middle(column), b - middle(row), reach / tiles, TILE);
            for (let y = 0; y < TILE; y++) {
              labels.set(tile.subarray(y * TILE, (y + 1) * TILE), (row * TILE + y) * side + column * TILE);
            }
            yield;
          }
        }
        return { side, labels };
      }
      tell(yield* picture(COARSE));
      return yield* picture(side);
    } finally {
      plane.free();
    }
  }

  /** @param {Topics['noise'][0]} request @param {Tell<'noise'>} tell @returns {Answering<'noise'>} */
  *noise({ network, image, prediction, norm, tries, seed }, tell) {
    const noise = new this.#wasm.Noise(this.#network(network), seed);
    try {
      const sample = noise.perturbed(image, norm);
      let changed = 0;
      for (let tried = 0; tried < tries; tried += BATCH) {
        changed += noise.changed(image, prediction, norm, BATCH);
        if ((tried + BATCH) % (5 * BATCH) === 0) tell({ tried: tried + BATCH, changed, sample: sample.slice() });
        yield;
      }
      return { tried: tries, changed, sample };
    } finally {
      noise.free();
    }
  }

  /** @param {Topics['rounded'][0]} request @returns {Answering<'rounded'>} */
  *rounded({ network, image, r, prediction, target }) {
    const reader = new this.#wasm.Reader(this.#network(network));
    try {
      return reader.rounded(image, r, prediction, target === 'any' ? undefined : target);
    } finally {
      reader.free();
    }
  }

  /** @param {Topics['transfer'][0]} request @returns {Answering<'transfer'>} */
  *transfer({ networks, image, r, target, amplify }) {
    const amplified = this.#wasm.amplified(image, r, amplify);
    const example = plus(image, r);
    const rows = [];
    for (const key of networks) {
      const network = this.#network(key);
      const reader = new this.#wasm.Reader(network);
      const search = new this.#wasm.Search(network, 'both');
      try {
        const read = (/** @type {Float32Array} */ pixels) => {
          const shares = reader.probabilities(pixels);
          const label = shares.indexOf(Math.max(...shares));
          return { label, share: shares[label] };
        };
        const own = read(image).label === target ? null : yield* attack(search, image, target);
        rows.push({
          network: key,
          read: read(image),
          example: read(example),
          amplified: read(amplified),
          own: own?.ending === 'success' ? { norm: own.norm, r: search.perturbation } : null,
        });
        yield;
      } finally {
        reader.free();
        search.free();
      }
    }
    return rows;
  }

  /** @param {Topics['layers'][0]} request @returns {Answering<'layers'>} */
  *layers({ network: key, image, adversarial, norm, seed }) {
    const network = this.#network(key);
    const bounds = this.#bounds.get(key) ?? this.#wasm.spectralBounds(network);
    this.#bounds.set(key, bounds);
    yield;
    const noise = new this.#wasm.Noise(network, seed);
    try {
      const random = this.#wasm.amplification(network, image, noise.perturbed(image, norm));
      return { bounds: bounds.slice(), searched: this.#wasm.amplification(network, image, adversarial), random };
    } finally {
      noise.free();
    }
  }

  /** @param {Topics['units'][0]} request @returns {Answering<'units'>} */
  *units({ network: key, image, digits, layer, unit, seed, count }) {
    const network = this.#network(key);
    const width = network.widths[layer + 1];
    if (this.#phis.network !== network || this.#phis.layer !== layer) {
      const phis = new Float32Array(((2 * digits.length) / PIXELS) * width);
      for (let at = 0; at < digits.length; at += (DIGITS * PIXELS) / 2) {
        const pixels = Float32Array.from({ length: DIGITS * PIXELS }, (_, k) => (k % 2 ? digits[at + (k >> 1)] & 15 : digits[at + (k >> 1)] >> 4) / 15);
        phis.set(this.#wasm.activations(network, layer, pixels), ((2 * at) / PIXELS) * width);
        yield;
      }
      this.#phis = { network, layer, values: phis };
    }
    const phis = this.#phis.values;
    const own = image && this.#wasm.activations(network, layer, image);
    const axis = new Float32Array(width);
    axis[unit] = 1;
    return [axis, this.#wasm.randomDirection(width, seed)].map((direction) => {
      const scores = this.#wasm.scoresAlong(phis, direction);
      return { scores, top: this.#wasm.topScores(scores, count), own: own ? this.#wasm.scoresAlong(own, direction)[0] : NaN };
    });
  }
}

/** @param {Float32Array} image @param {Float32Array} r */
const plus = (image, r) => image.map((x, k) => Math.min(Math.max(x + r[k], 0), 1));

/**
 * @param {Pockets.Search} search
 * @param {Float32Array} image
 * @param {number | 'any'} target
 * @returns {Generator<undefined, import('../messages.js').Outcome, void>}
 */
function* attack(search, image, target) {
  search.start(image, target === 'any' ? undefined : target);
  while (search.step()) yield;
  yield;
  return search.outcome;
}

/**
 * Serves questions. Of each channel the newest counts: it ends the one before at its next rest.
 * @param {Rooms} rooms
 * @param {object} surroundings
 * @param {(message: FromExplorer) => void} surroundings.post
 * @param {() => Promise<void>} surroundings.pause lets waiting messages and events through
 * @param {number} surroundings.slice milliseconds to work between pauses
 * @returns {(message: ToExplorer) => Promise<void>}
 */
export function serve(rooms, { post, pause, slice }) {
  /** @type {Map<string, number>} */ const newest = new Map();
  return async (message) => {
    if (message.kind === 'load') {
      // A network that is none has been refused, in words, by the engine of the live attack.
      try {
        rooms.load(message.key, message.bytes);
      } catch {}
      return;
    }
    const { id, topic, channel, request } = message;
    newest.set(channel, id);
    try {
      const tell = (/** @type {any} */ answer) => post({ kind: 'told', id, answer, last: false });
      const answering = rooms[topic](request, tell);
      for (;;) {
        const begun = performance.now();
        let step;
        do step = answering.next();
        while (!step.done && performance.now() - begun < slice);
        if (step.done) return post({ kind: 'told', id, answer: step.value, last: true });
        await pause();
        if (newest.get(channel) !== id) {
          answering.return(/** @type {never} */ (undefined));
          return;
        }
      }
    } catch (error) {
      // A trap leaves the module's memory in an unknown state.
      const kind = error instanceof WebAssembly.RuntimeError ? 'broken' : 'failed';
      post({ kind, id, message: error instanceof Error ? error.message : String(error) });
    }
  };
}
