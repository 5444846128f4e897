// @ts-check
/**
 * Runs files of page tests, so many at once: each process takes a file, has its tests one after the other, and takes the next. Node.js,
 * Playwright and a browser are started once for all of its files.
 *
 *     node run.mjs 5 draw.test.mjs touch.test.mjs …
 */
import { fork } from 'node:child_process';
import { basename, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Takes files from the process that started this one, until there are no more. @param {(message: string) => void} tell */
async function take(tell) {
  const { closeBrowsers } = await import('./harness.mjs');
  process.on('message', (/** @type {string} */ file) => {
    if (file === '') return closeBrowsers().then(() => process.disconnect());
    describe(basename(file), async () => {
      after(() => tell('next'));
      await import(pathToFileURL(resolve(file)).href).catch((error) => {
        test('the file can be loaded', () => Promise.reject(error));
      });
    });
  });
  tell('next');
}

/** @param {number} atOnce @param {string[]} files */
function give(atOnce, files) {
  for (let k = 0; k < atOnce; k++) {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: ['--test-reporter=tap'], stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    let said = '';
    const flush = () => {
      process.stdout.write(said);
      said = '';
    };
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    child.on('message', () => {
      flush();
      child.send(files.shift() ?? '');
    });
    child.on('close', (code) => {
      flush();
      if (code !== 0) process.exitCode = 1;
    });
  }
}

if (process.send) take((message) => process.send?.(message));
else give(Number(process.argv[2]), process.argv.slice(3));
