// @ts-check
/** The same questions, answered by the same engine compiled for this machine (examples/answers.rs). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** `cargo xtask` builds it and says where it is. */
const PROGRAM = process.env.POCKETS_ANSWERS ?? join(ROOT, 'target/debug/examples/answers');

/**
 * What is compared: numbers by their bits.
 * @typedef {{ state: string, norm: string | null, r: string, evaluations: number | null }} Bits
 */

/** The bits of numbers of 32 bits each, in hexadecimal. @param {Iterable<number>} values */
const hexadecimal = (values) =>
  [...new Uint32Array(Float32Array.from(values).buffer)].map((each) => each.toString(16).padStart(8, '0')).join('');

/** An `Attacked` whose arrays have become lists. @param {any} attacked @returns {Bits} */
export function bitsOf({ state, outcome, perturbation }) {
  return {
    state,
    norm: outcome ? hexadecimal([outcome.norm]) : null,
    r: hexadecimal(perturbation?.values ?? []),
    evaluations: outcome?.evaluations ?? null,
  };
}

/** What the program prints for each question. @param {object[]} questions `attack`s with lists in the place of typed arrays @returns {Promise<any[]>} */
async function asked(questions) {
  const folder = await mkdtemp(join(tmpdir(), 'pockets-answers-'));
  try {
    const file = join(folder, 'questions.json');
    await writeFile(file, JSON.stringify(questions));
    const { stdout } = await promisify(execFile)(PROGRAM, [file], { cwd: ROOT, maxBuffer: 1 << 30 });
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(answers.length, questions.length);
    return answers;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @param {object[]} questions @returns {Promise<Bits[]>} */
export async function answersOf(questions) {
  return (await asked(questions)).map(({ state, norm, r, evaluations }) => ({ state, norm, r, evaluations }));
}

/**
 * What pictures are of: 784 values each, and the limit of r's colours; null where there is nothing to show.
 * @typedef {{ x: Float32Array | null, r: Float32Array | null, sum: Float32Array | null, limit: number }} Values
 */

/** @param {string | null} bits */
function numbers(bits) {
  if (!bits) return null;
  return new Float32Array(Uint32Array.from(bits.match(/.{8}/g) ?? [], (each) => parseInt(each, 16)).buffer);
}

/** @param {object} question @returns {Promise<Values>} */
export async function valuesOf(question) {
  const [{ x, r, sum, limit }] = await asked([question]);
  return { x: numbers(x), r: numbers(r), sum: numbers(sum), limit: limit ?? 1 };
}
