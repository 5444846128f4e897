// @ts-check
/** The forms of what can be chosen: what is written is understood again, and what was not written by us does no harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from '../../www/drawing.js';
import { NAMES, initialState, printLink, readFrame, readLink, readSettings } from '../../www/link.js';

/** The same numbers in every run (Park and Miller). @param {number} seed */
function random(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** @param {(below: number) => number} next @returns {number[][]} */
const someDrawing = (next) =>
  Array.from({ length: 1 + next(4) }, () => Array.from({ length: 1 + next(60) }, () => [next(1025) / 1024, next(1025) / 1024, 0]).flat());

/** Hostile links tried; docs/testing.md says how many were. */
const LINKS = Number(process.env.LINKS ?? 20_000);

test('a drawing comes back from its text exactly', () => {
  const next = random(1);
  for (let k = 0; k < 2000; k++) {
    const drawing = someDrawing(next);
    assert.deepEqual(decode(encode(drawing)), drawing);
  }
  assert.deepEqual(decode(encode([])), []);
});

test('a state comes back from its link exactly', () => {
  const next = random(2);
  const names = ['FC100-100-10', 'AE400-10', 'mine; = & % #', 'größer ‖r‖₂', '%zz', '../a.safetensors?b=c;d'];
  for (let k = 0; k < 2000; k++) {
    const state = {
      network: names[next(names.length)],
      target: next(11) < 10 ? next(10) : /** @type {const} */ ('any'),
      reading: /** @type {const} */ (['weight', 'scale', 'both'])[next(3)],
      digit: someDrawing(next),
    };
    assert.deepEqual(readLink(printLink(state)), { kind: 'state', state, wrong: [] });
    const { attributes } = readFrame(printLink(state));
    const { settings, wrong } = readSettings((name) => attributes.get(name) ?? null);
    assert.deepEqual([settings.network, settings.target, settings.reading, settings.digit, wrong], [...Object.values(state), []]);
  }
});

test('an empty address is none, another version’s is named, and nothing of it is taken', () => {
  assert.deepEqual(readLink(''), { kind: 'none' });
  assert.deepEqual(readLink('#'), { kind: 'none' });
  assert.deepEqual(readLink('#v2;target=3'), { kind: 'foreign', version: 'v2' });
  assert.deepEqual(readFrame('#v2;target=3'), { isForeign: true, attributes: new Map() });
  assert.deepEqual(readLink('#v1'), { kind: 'state', state: {}, wrong: [] });
});

test('what is not understood is named, and the rest is taken', () => {
  const link = readLink('#v1;target=12;reading=both;digit=!!;network=;__proto__=x;constructor=y;=z;target');
  assert(link.kind === 'state');
  assert.deepEqual(link.state, { reading: 'both' });
  assert.deepEqual(link.wrong.sort(), ['digit', 'network', 'target']);
  const { settings, wrong } = readSettings((name) => ({ hide: 'pad everything', target: 'eleven' })[name] ?? null);
  assert.deepEqual([...settings.hide], ['pad']);
  assert.equal(settings.target, initialState().target);
  assert.equal(wrong.length, 2);
});

test('hostile text neither throws, nor hangs, nor brings anything but what is allowed', () => {
  const next = random(3);
  const words = [
    'v1',
    'digit',
    'target',
    'network',
    'hide',
    '__proto__',
    '=',
    ';',
    '#',
    '%',
    '%ff',
    '%E2%82',
    'A',
    '_',
    '-',
    '/',
    '\u0000',
    '\ud800',
    '9'.repeat(400),
    'gICAgA',
  ];
  for (let k = 0; k < LINKS; k++) {
    const text = (next(2) ? '#v1;' : '#') + Array.from({ length: next(12) }, () => words[next(words.length)]).join('');
    const link = readLink(text);
    if (link.kind === 'state') {
      for (const [name, value] of Object.entries(link.state)) {
        assert(['network', 'target', 'reading', 'digit'].includes(name));
        if (name === 'target') assert(value === 'any' || (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 9));
      }
    }
    for (const name of readFrame(text).attributes.keys()) assert(NAMES.some((known) => known === name));
  }
  assert.equal(/** @type {any} */ ({}).x, undefined, 'no prototype was changed');
});

test('a drawing’s text that is cut, too long, or off the pad is none', () => {
  const text = encode([[0.5, 0.5, 0, 0.25, 0.75, 0]]);
  for (let end = 1; end < text.length; end++) {
    const cut = decode(text.slice(0, end));
    assert(cut === null || cut.flat().every((value) => value >= 0 && value <= 1));
  }
  assert.equal(decode('_____w'), null, 'a number without end');
  assert.equal(decode('gIAB'), null, 'more points than there are');
  assert.equal(decode('AQEB'), null, 'left of the pad');
  const many = encode([Array.from({ length: 30_000 }, () => [0.5, 0.5, 0]).flat()]);
  assert.equal(decode(many), null, 'more points than a hand draws');
  assert.equal(decode('a b'), null);
  assert.equal(decode('ä'), null);
});
