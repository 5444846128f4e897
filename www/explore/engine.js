// @ts-check
/**
 * The sections' engine: one of their own, so that nothing of theirs delays the live attack, and a larger build, which is asked for after
 * the first attack.
 */
import { Client } from '../client.js';

/** @type {import('../client.js').Build} */
const SECTIONS = {
  module: new URL('../../sections_bg.wasm', import.meta.url),
  script: new URL('worker.js', import.meta.url),
  start: () => new Worker(new URL('worker.js', import.meta.url), { type: 'module', name: 'sections' }),
  load: () => import('../../sections.js'),
};

export const sectionsEngine = () => new Client(SECTIONS);
