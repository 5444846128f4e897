// @ts-check
/**
 * Runs a compiled wasm test in Firefox, as cargo's runner: `wasm-bindgen-test-runner` serves it to any browser that comes, here one
 * that needs no driver.
 *
 *     CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER='node tests/page/wasm-in-firefox.mjs' cargo test --target wasm32-unknown-unknown …
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { startBrowser } from './harness.mjs';

/** So long, in milliseconds, may all tests of a file take. */
const PATIENCE = 120_000;

/** A port that was free just now. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}

const address = `127.0.0.1:${await freePort()}`;
const runner = spawn(process.env.WASM_BINDGEN_TEST_RUNNER ?? 'wasm-bindgen-test-runner', process.argv.slice(2), {
  env: { ...process.env, NO_HEADLESS: '1', WASM_BINDGEN_TEST_ADDRESS: address },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await startBrowser({ engine: 'firefox' });
try {
  for await (const said of runner.stdout) if (String(said).includes(address)) break;
  const page = await browser.newPage();
  await page.goto(`http://${address}/`);
  const output = page.locator('#output');
  await output.filter({ hasText: /test result:/ }).waitFor({ timeout: PATIENCE });
  const text = (await output.textContent()) ?? '';
  console.log(`${text}\n(in Firefox ${browser.version()})`);
  process.exitCode = /test result: ok/.test(text) && !/test result: FAILED/.test(text) ? 0 : 1;
} finally {
  await browser.close();
  runner.kill();
}
