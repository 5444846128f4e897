// @ts-check
/** One search, one result: to the last bit the same in V8, in SpiderMonkey, in JavaScriptCore, and compiled for this machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, startBrowser } from './harness.mjs';
import { written } from './helpers.mjs';
import { VERSION } from './hosts.mjs';
import { answersOf, bitsOf } from './native.mjs';

const NETWORKS = ['FC100-100-10', 'FC200-200-10', 'FC10(1e-2)', 'AE400-10'];
const READINGS = ['both', 'weight', 'scale'];

async function questions() {
  const asked = [];
  for (let digit = 0; digit < 10; digit++) {
    const strokes = await written(digit, digit % 2 ? 'schoolbook' : 'child');
    const points = strokes.flatMap((stroke) => stroke.flatMap(([x, y]) => [x, y, 0]));
    const starts = strokes.map((_, k) => strokes.slice(0, k).reduce((sum, stroke) => sum + stroke.length, 0));
    for (const [k, network] of NETWORKS.entries()) {
      const target = k === 3 ? 'any' : (digit + 1 + k) % 10;
      asked.push({
        network,
        subject: { strokes: { points, starts } },
        target,
        reading: READINGS[(digit + k) % 3],
        steps: false,
      });
    }
  }
  return asked;
}

/** What the page's own client is answered. @param {any} browser @param {string} url @param {object[]} asked */
async function answersIn(browser, url, asked) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${url}embed.html`);
  const attacked = await page.evaluate(
    async (/** @type {{ version: string, asked: any[] }} */ { version, asked }) => {
      const at = (/** @type {string} */ path) => new URL(`${version}/www/${path}`, location.href).href;
      const { Client } = await import(at('client.js'));
      const client = new Client();
      for (const { name, file } of await (await fetch(at('networks/index.json'))).json()) {
        await client.load(name, new Uint8Array(await (await fetch(at(`networks/${file}`))).arrayBuffer()));
      }
      const answers = [];
      for (const { subject, ...rest } of asked) {
        const { points, starts } = subject.strokes;
        const question = { ...rest, subject: { strokes: { points: Float32Array.from(points), starts } } };
        const answer = await new Promise((done, failed) => {
          client.ask('bits', 'attack', question, (/** @type {any} */ answer, /** @type {boolean} */ last) => last && done(answer), {
            failed,
          });
        });
        answers.push({
          state: answer.state,
          outcome: answer.outcome,
          perturbation: answer.perturbation && { values: [...answer.perturbation.values] },
        });
      }
      return answers;
    },
    { version: VERSION, asked },
  );
  return attacked.map(bitsOf);
}

test('searches end in the same bits in this browser and natively', async (t) => {
  const [server, browser] = await Promise.all([startServer(), startBrowser()]);
  t.after(async () => {
    await browser.close();
    await server.close();
  });
  const asked = await questions();
  const natively = await answersOf(asked);
  assert(natively.filter(({ state }) => state === 'found').length > 30, 'most of them find an example');
  const here = await answersIn(browser, server.url, asked);
  t.diagnostic(`${asked.length} searches in ${browser.browserType().name()} ${browser.version()}`);
  assert.deepEqual(here, natively);
});
