// @ts-check
/** The npm package, packed, installed and bundled by Vite as somebody else's page would. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { build } from 'vite';
import { startBrowser, startServer, watch } from './harness.mjs';
import { stubborn } from './helpers.mjs';

const PACKAGE = process.env.POCKETS_NPM ?? fileURLToPath(new URL('../../target/npm/pockets-demo', import.meta.url));

const INDEX = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Vite</title><link rel="icon" href="data:,">
<pockets-demo target="8"></pockets-demo><script type="module" src="./main.ts"></script></html>`;

const MAIN = `import { start, type AttackResult, type Step } from 'pockets-demo';
import 'pockets-demo/element';

const steps: Step[] = [];
async function run() {
  const pockets = await start();
  const network = await pockets.load();
  const x = await pockets.digit([[50, 12, 0, 49, 40, 60, 48, 88, 120]], 100);
  if (!x) throw new Error('no ink');
  const seen = await pockets.classify(x);
  const result: AttackResult = await pockets.attack(x, { target: 8, onStep: (step) => steps.push(step) });
  const again = await pockets.classify(result.image ?? x);
  const refusals: string[] = [];
  const refused = (work: Promise<unknown>) => work.then(() => refusals.push('nothing'), (error: Error) => refusals.push(error.name + ': ' + error.message));
  await refused(pockets.load(new Uint8Array(16)));
  await refused(pockets.classify([1, 2, 3]));
  await refused(pockets.attack(x, { target: 8, signal: AbortSignal.abort() }));
  // A search that takes long: a wide network that never predicts 8.
  const controller = new AbortController();
  await pockets.load(new URL('./stubborn.safetensors', location.href));
  const begun = performance.now();
  const endless = pockets.attack(x, { target: 8, signal: controller.signal });
  setTimeout(() => controller.abort(), 300);
  await refused(endless);
  const waited = performance.now() - begun;
  const next = await pockets.classify(x);
  // What only the larger module can search.
  const { name } = await pockets.load(new URL('./cnn.safetensors', location.href));
  const { success, adversarial } = await pockets.attack(x, { target: 8 });
  pockets.close();
  await refused(pockets.classify(x));
  return { network, label: seen.label, probabilities: seen.probabilities.length, result: { ...result, perturbation: [...(result.perturbation ?? [])], image: [...(result.image ?? [])] }, again: again.label, steps, refusals, waited, next: next.label, convolutional: { name, success, adversarial } };
}
Object.assign(window, { done: run().catch((error) => ({ error: String(error) })) });
`;

const site = await mkdtemp(join(tmpdir(), 'pockets-vite-'));

before(async () => {
  const run = promisify(execFile);
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', site, PACKAGE]);
  const installed = join(site, 'node_modules/pockets-demo');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(site, stdout.trim()), '-C', installed, '--strip-components=1']);
  await writeFile(join(site, 'index.html'), INDEX);
  await writeFile(join(site, 'main.ts'), MAIN);
  await mkdir(join(site, 'public'));
  await writeFile(join(site, 'public/stubborn.safetensors'), stubborn(20_000));
  await copyFile(join(PACKAGE, 'www/networks/CNN8-16-10.safetensors'), join(site, 'public/cnn.safetensors'));
  await build({ root: site, base: './', logLevel: 'error', configFile: false, build: { target: 'es2022' } });
});
after(() => rm(site, { recursive: true, force: true }));

test('the package bundles with Vite; its element and its functions work in Workers, below a path', async (t) => {
  const server = await startServer({ folder: join(site, 'dist'), below: '/app/' });
  const browser = await startBrowser();
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(60_000);
  const { faults, requests } = watch(context);
  t.after(async () => {
    await browser.close();
    await server.close();
  });
  const page = await context.newPage();
  await page.goto(server.url);
  await page
    .locator('pockets-demo .status')
    .filter({ hasText: /sample 3 as 3.*makes it predict 8/ })
    .waitFor();
  const found = await page.evaluate(() => /** @type {any} */ (window).done);
  assert.equal(found.error, undefined);

  assert.deepEqual(found.network, { name: 'FC100-100-10 (pens)', widths: [784, 100, 100, 10] });
  assert.deepEqual([found.label, found.probabilities], [1, 10]);
  const { result } = found;
  assert.deepEqual([result.label, result.target, result.adversarial, result.success, found.again], [1, 8, 8, true, 8]);
  const norm = Math.hypot(...result.perturbation);
  assert(Math.abs(norm - result.norm) < 1e-3 * norm && Math.abs(result.distortion - norm / 28) < 1e-3, `${norm} ${result.norm}`);
  assert(result.image.every((/** @type {number} */ v) => v >= 0 && v <= 1));
  assert.equal(found.steps.length, result.evaluations);
  assert.deepEqual(
    found.steps.map((/** @type {any} */ step) => step.evaluations),
    found.steps.map((/** @type {any} */ _, /** @type {number} */ k) => k + 1),
  );

  const [noNetwork, noImage, abortedBefore, aborted, closed] = found.refusals;
  assert.match(noNetwork, /safetensors/);
  assert.match(noImage, /3 pixels; expected 784/);
  assert.match(abortedBefore, /^AbortError/);
  assert.match(aborted, /^AbortError/);
  assert(found.waited < 5000, 'an abort does not wait for the search’s end');
  assert.equal(found.next, 3, 'after an abort the Worker serves again');
  assert.match(closed, /closed/);
  assert.deepEqual(found.convolutional, { name: 'CNN8-16-10', success: true, adversarial: 8 });
  assert.deepEqual(faults, []);
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(server.url) && !/^(data|blob):/.test(url)),
    [],
  );
});

test('its types hold in a strict project', async () => {
  const program = ts.createProgram([join(site, 'main.ts')], {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: [],
  });
  const problems = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  assert.deepEqual(problems, []);
});

test('the package brings its own licences, description and no page', async () => {
  const installed = join(site, 'node_modules/pockets-demo');
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  assert.match(manifest.version, /^\d+\.\d+\.\d+$/);
  assert.notEqual(manifest.version, '0.0.0');
  await readFile(join(installed, 'LICENSE-MIT'));
  await readFile(join(installed, 'README.md'));
  await assert.rejects(readFile(join(installed, 'www/main.js')));
});
