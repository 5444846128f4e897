// @ts-check
/**
 * Hours of use in minutes (`cargo xtask soak`): strokes, targets, networks, samples, Undo and Clear in random order on one page. After
 * a warm-up nothing may grow (the module's memory, the page's heap, listeners, nodes, Workers), and what is shown always belongs to the
 * newest question: again and again it is answered natively, and compared to the last bit. Then 20 elements on one page, and a page
 * at rest with its sections in sight.
 *
 *     node soak.mjs [STEPS] [SEED] [SECONDS AT REST]
 */
import assert from 'node:assert/strict';
import { startBrowser, startServer, watch } from './harness.mjs';
import { settled } from './helpers.mjs';
import { VERSION } from './hosts.mjs';
import { answersOf, bitsOf } from './native.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

const STEPS = Number(process.argv[2] ?? 10_000);
const SEED = Number(process.argv[3] ?? 1);
/** Looks at the page, evenly through the steps; the first fifth of them is warm-up. */
const LOOKS = 25;
/** Bytes of the largest shipped network, twice: as it is kept and as it is read. */
const LARGEST = 2 * 4 * 400 * (784 + 10);
/** How long a page rests in sight, in seconds: a leak per frame shows in one minute, one per hour only in hours. */
const REST = Number(process.argv[4] ?? 60);

/** The same numbers in every run (Park and Miller). */
let state = SEED;
const below = (/** @type {number} */ end) => {
  state = (state * 48271) % 2147483647;
  return state % end;
};

/** Keeps the newest question of the demo's channel and its answer, as they pass. @param {Page} page */
const listen = (page) =>
  page.addInitScript(() => {
    const seen = { asked: /** @type {any} */ (null), id: 0, answer: /** @type {any} */ (null), answered: 0 };
    const plain = (/** @type {any} */ value) =>
      JSON.parse(JSON.stringify(value, (_, each) => (ArrayBuffer.isView(each) ? Array.from(/** @type {any} */ (each)) : each)));
    const Original = window.MessageChannel;
    const Heard = class extends Original {
      constructor() {
        super();
        const { port1 } = this;
        const post = port1.postMessage.bind(port1);
        port1.postMessage = (/** @type {any} */ message, /** @type {any} */ handed) => {
          const { ask } = message.engine?.request ?? {};
          if (ask?.question.attack) [seen.asked, seen.id] = [plain(ask.question.attack), ask.id];
          post(message, handed);
        };
        port1.addEventListener('message', ({ data }) => {
          const { answer } = data.engine?.response ?? {};
          if (answer?.last && answer.answer.attack && answer.id === seen.id)
            [seen.answer, seen.answered] = [answer.answer.attack, answer.id];
        });
      }
    };
    const newest = () => (seen.answered === seen.id ? { asked: seen.asked, answer: plain(seen.answer) } : null);
    Object.assign(window, { MessageChannel: Heard, newest });
  });

/** One thing that a visitor does. @param {Page} page @param {{ x: number, y: number, width: number, height: number }} pad */
async function act(page, pad) {
  const kind = below(20);
  const click = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true }).click();
  if (kind < 3) return page.getByRole('radio', { name: ['any', ...'0123456789'][below(11)], exact: true }).check();
  if (kind < 4) return void (await page.getByRole('combobox', { name: 'Network' }).selectOption({ index: below(9) }));
  if (kind < 6) return click(`Sample digit ${below(10)}`);
  if (kind < 7) return click('Clear');
  if (kind < 9) return click('Undo');
  const point = () =>
    /** @type {const} */ ([pad.x + pad.width * (0.15 + 0.007 * below(101)), pad.y + pad.height * (0.15 + 0.007 * below(101))]);
  await page.mouse.move(...point());
  await page.mouse.down();
  for (let k = 0; k <= below(3); k++) await page.mouse.move(...point(), { steps: 2 });
  await page.mouse.up();
}

/** What may not grow. @param {Page} page @param {import('playwright-core').CDPSession} session */
async function measure(page, session) {
  for (let k = 0; k < 2; k++) await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (/** @type {string} */ name) => metrics.find((each) => each.name === name)?.value ?? Number.NaN;
  // The Worker's module is started already, and says what it was started with.
  const module = await page.workers()[0].evaluate(async () => {
    const name = self.location.pathname.includes('/explore/') ? '../../sections.js' : '../pockets.js';
    const engine = await import(new URL(name, self.location.href).href);
    // wasm-opt has given what it exports other names.
    const memory = Object.values(await engine.default()).find((each) => each instanceof WebAssembly.Memory);
    return memory?.buffer.byteLength ?? Number.NaN;
  });
  return { module, heap: of('JSHeapUsedSize'), listeners: of('JSEventListeners'), nodes: of('Nodes'), workers: page.workers().length };
}

/** @param {Awaited<ReturnType<typeof measure>>[]} looks */
function assertFlat(looks) {
  const rested = looks.slice(Math.ceil(looks.length / 5));
  const [half, end] = [rested.slice(0, rested.length / 2), rested.slice(rested.length / 2)];
  const least = (/** @type {typeof rested} */ some, /** @type {keyof (typeof rested)[0]} */ name) =>
    Math.min(...some.map((each) => each[name]));
  const most = (/** @type {keyof (typeof rested)[0]} */ name) => Math.max(...rested.map((each) => each[name]));
  assert.equal(most('workers'), looks[0].workers, 'as many Workers as at first');
  // A module's memory never shrinks: it is the most that was ever held at once, and rises when a rare coincidence (a network taken
  // anew while a search holds the old one) is met for the first time. What is held is counted by tests/leaks.rs.
  assert(end[end.length - 1].module - end[0].module <= LARGEST, 'the module’s memory grew in the second half');
  // A leak raises even the smallest of many looks.
  assert(
    least(end, 'heap') < 1.05 * least(half, 'heap') + 100_000,
    `the heap grew from ${least(half, 'heap')} to ${least(end, 'heap')} bytes`,
  );
  assert(least(end, 'listeners') <= least(half, 'listeners') + 2, 'listeners');
  assert(least(end, 'nodes') <= least(half, 'nodes') + 50, 'nodes');
}

/** The newest question, answered; waits until it is. @param {Page} page @returns {Promise<{ asked: any, answer: any }>} */
async function newest(page) {
  for (let k = 0; k < 400; k++) {
    const found = await page.evaluate(() => /** @type {any} */ (window).newest());
    if (found) return found;
    await page.waitForTimeout(25);
  }
  throw new Error('the newest question is not answered');
}

const server = await startServer({
  extra: {
    '/many.html': `<!doctype html><title>20</title><link rel="icon" href="data:,"><script type="module" src="element.js"></script>${'<pockets-demo></pockets-demo>'.repeat(20)}`,
  },
});
const browser = await startBrowser();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', serviceWorkers: 'block' });
context.setDefaultTimeout(20_000);
const { faults } = watch(context);
try {
  const page = await context.newPage();
  await listen(page);
  await page.goto(server.url);
  await settled(page);
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const pad = await page.getByLabel('Drawing pad').boundingBox();
  assert(pad);

  // Each network is kept once it was chosen: so all of them are, before anything is measured.
  const network = page.getByRole('combobox', { name: 'Network' });
  const count = await network.locator('option').count();
  for (let index = 0; index < count; index++) {
    await network.selectOption({ index });
    await page.waitForTimeout(500);
    await newest(page);
  }
  const begun = Date.now();
  /** @type {Awaited<ReturnType<typeof measure>>[]} */ const looks = [];
  /** @type {{ asked: any, answer: any }[]} */ const pairs = [];
  for (let step = 1; step <= STEPS; step++) {
    await act(page, pad);
    if (step % 25 === 0) pairs.push(await newest(page));
    if (step % Math.ceil(STEPS / LOOKS) === 0) {
      looks.push(await measure(page, session));
      console.log(`${step} steps, ${Math.round((Date.now() - begun) / 1000)} s: ${JSON.stringify(looks[looks.length - 1])}`);
    }
  }
  const natively = await answersOf(pairs.map(({ asked }) => asked));
  for (const [k, { asked, answer }] of pairs.entries()) assert.deepEqual(bitsOf(answer), natively[k], JSON.stringify(asked));
  console.log(
    `${pairs.length} results are those of their questions, to the last bit; ${natively.filter(({ state }) => state === 'found').length} found an example`,
  );

  assertFlat(looks);

  await page.getByRole('region', { name: 'One digit, nine disguises' }).scrollIntoViewIfNeeded();
  await page.waitForTimeout(3000);
  const before = await measure(page, session);
  await page.waitForTimeout(1000 * REST);
  const after = await measure(page, session);
  console.log(`${REST} s at rest: ${JSON.stringify(before)} ${JSON.stringify(after)}`);
  assert(
    after.heap < before.heap + 100_000 &&
      after.module === before.module &&
      after.listeners <= before.listeners &&
      after.workers === before.workers,
  );
  await page.close();

  const many = await context.newPage();
  await many.goto(`${server.url}many.html`);
  const elements = many.locator('pockets-demo');
  for (let k = 0; k < 20; k++) {
    await elements.nth(k).scrollIntoViewIfNeeded();
    await elements
      .nth(k)
      .locator('.status')
      .filter({ hasText: /makes it predict/ })
      .waitFor();
  }
  assert.equal(many.workers().length, 1, 'they share one Worker');
  console.log(`20 elements share a Worker of version ${VERSION}`);
  assert.deepEqual(faults, [], 'the page did something wrong');
} finally {
  await browser.close();
  await server.close();
}
