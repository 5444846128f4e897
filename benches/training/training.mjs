// @ts-check
/**
 * Images per second of training 784-100-100-10 (sigmoid, Adam, batches of 128): the page's trainer in Chromium, and TensorFlow.js on
 * its wasm and cpu backends in the same browser, each in a Worker. Prints one JSON object, on the last line. For
 * `cargo xtask bench --training`.
 */
import { readFile } from 'node:fs/promises';
import { startBrowser, startServer } from '../../tests/page/harness.mjs';

const BATCH = 128;
/** Whether it only has to be seen that it runs. */
const IS_BRIEF = process.argv.includes('--brief');
/** Each is timed so often, in turns, and the median counts. */
const ROUNDS = IS_BRIEF ? 1 : 3;
/** Milliseconds to train for, after as many to get warm in the first round. */
const TIME = IS_BRIEF ? 400 : 4000;

/** What TensorFlow.js does in its Worker: the same network, loss and optimiser, on batches of the same digits. */
const PEER = `
importScripts('/tf.js', '/tf-wasm.js');
self.onmessage = async ({ data: { backend, time, batch, levels } }) => {
  tf.wasm.setWasmPaths('/');
  await tf.setBackend(backend);
  await tf.ready();
  if (tf.getBackend() !== backend) throw new Error('the backend is ' + tf.getBackend());
  const digits = levels.labels.length;
  const images = Float32Array.from(levels.images, (level) => level / 15);
  const dense = (units, activation) => tf.layers.dense({ units, activation, kernelInitializer: 'glorotUniform' });
  const first = tf.layers.dense({ units: 100, activation: 'sigmoid', inputShape: [784] });
  const model = tf.sequential({ layers: [first, dense(100, 'sigmoid'), dense(10)] });
  const adam = tf.train.adam(4e-3);
  let at = 0;
  const step = () => {
    at = at + batch > digits ? 0 : at;
    const x = tf.tensor2d(images.subarray(784 * at, 784 * (at + batch)), [batch, 784]);
    const y = tf.oneHot(tf.tensor1d(levels.labels.subarray(at, at + batch), 'int32'), 10);
    at += batch;
    return tf.tidy(() => {
      const loss = adam.minimize(() => tf.losses.softmaxCrossEntropy(y, model.apply(x)), true);
      const value = loss.dataSync()[0];
      x.dispose();
      y.dispose();
      return value;
    });
  };
  const first_loss = step();
  const warm = performance.now();
  while (performance.now() - warm < time / 4) step();
  const begun = performance.now();
  let steps = 0;
  let loss = 0;
  while (performance.now() - begun < time) { loss = step(); steps++; }
  postMessage({ speed: (1000 * steps * batch) / (performance.now() - begun), first_loss, loss });
};`;

/** @param {string} file */
const of = (file) => readFile(new URL(`node_modules/@tensorflow/${file}`, import.meta.url));
const html = await readFile(`${process.env.POCKETS_DIST}/index.html`, 'utf8');
const base = `/${/(?:src|href)="(?:\.\/)?([^"]*)www\//.exec(html)?.[1] ?? ''}www/`;
const server = await startServer({
  extra: {
    '/peer.js': PEER,
    '/tf.js': (await of('tfjs/dist/tf.min.js')).toString(),
    '/tf-wasm.js': (await of('tfjs-backend-wasm/dist/tf-backend-wasm.min.js')).toString(),
    '/tfjs-backend-wasm-simd.wasm': await of('tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'),
    '/tfjs-backend-wasm.wasm': await of('tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm'),
    '/bench.html': '<!doctype html><title>bench</title>',
  },
});
const browser = await startBrowser();

/** The page's trainer, told to make no adversarial example and hardly a measurement. @returns {Promise<number>} */
async function ours() {
  const page = await browser.newPage();
  await page.goto(`${server.url}bench.html`);
  const speed = await page.evaluate(
    async ({ base, batch, time }) => {
      const fetched = async (/** @type {string} */ name) => new Uint8Array(await (await fetch(`${base}digits/${name}`)).arrayBuffer());
      const [train, test] = await Promise.all(['train-10000.bin', 'test-10000.bin'].map(fetched));
      const worker = new Worker(`${base}explore/trainer-worker.js`, { type: 'module' });
      const options = { steps: 1e6, digits: batch, examples: 0, fresh: 0, pool: 1, norms: [0, 0], moved: 0, rate: 4e-3, rounds: 1, decay: 1e-4, smoothness: 0, distillation: 0, rest: 1e6, sample: 0, seed: 1 };
      return new Promise((done, refuse) => {
        /** @type {{ step: number, at: number } | null} */ let begun = null;
        const start = performance.now();
        worker.onerror = ({ message }) => refuse(new Error(message));
        const { port1, port2 } = new MessageChannel();
        worker.onmessage = async ({ data }) => {
          if (data !== 'listening') return refuse(new Error(data));
          const module = await WebAssembly.compileStreaming(fetch(`${base}../feed_bg.wasm`));
          worker.postMessage({ module, port: port2, slice: 24 }, [port2]);
        };
        port1.onmessage = ({ data }) => {
          const now = performance.now();
          if (data === 'ready') {
            port1.postMessage({ digits: { train, test } });
            port1.postMessage({ scratch: { hidden: [100, 100], activation: 'sigmoid', decay: 1e-4, options } });
          } else if (data.failed) refuse(new Error(data.failed.message));
          else if (data.progress && data.progress.step > 0) {
            const { step } = data.progress;
            if (!begun && now - start > time / 4) begun = { step, at: now };
            else if (begun && now - begun.at > time) {
              worker.terminate();
              done((1000 * (step - begun.step) * batch) / (now - begun.at));
            }
          }
        };
      });
    },
    { base, batch: BATCH, time: TIME },
  );
  await page.close();
  return /** @type {number} */ (speed);
}

/** @param {'wasm' | 'cpu'} backend @returns {Promise<number>} */
async function peer(backend) {
  const page = await browser.newPage();
  await page.goto(`${server.url}bench.html`);
  const { speed, first_loss: first, loss } = await page.evaluate(
    async ({ base, backend, batch, time }) => {
      const packed = new Uint8Array(await (await fetch(`${base}digits/train-10000.bin`)).arrayBuffer());
      const levels = unpack(packed);
      const worker = new Worker('/peer.js');
      return new Promise((done, refuse) => {
        worker.onerror = ({ message }) => refuse(new Error(message));
        worker.onmessage = ({ data }) => {
          worker.terminate();
          done(data);
        };
        worker.postMessage({ backend, batch, time, levels });
      });

      /** As src/feed/pack.rs packs them. @param {Uint8Array} packed */
      function unpack(packed) {
        const digits = new DataView(packed.buffer).getUint32(4, true);
        const [labels, tops, lefts, heights, widths] = [0, 1, 2, 3, 4].map((k) => packed.subarray(8 + k * digits, 8 + (k + 1) * digits));
        const images = new Uint8Array(784 * digits);
        let run = 8 + 5 * digits;
        for (let digit = 0; digit < digits; digit++) {
          const [size, width] = [heights[digit] * widths[digit], widths[digit]];
          for (let k = 0; k < size; run++) {
            for (let left = (packed[run] & 15) + 1; left > 0; left--, k++) {
              const [row, column] = [tops[digit] + Math.floor(k / width), lefts[digit] + (k % width)];
              images[784 * digit + 28 * row + column] = packed[run] >> 4;
            }
          }
        }
        return { labels: Int32Array.from(labels), images };
      }
    },
    { base, backend, batch: BATCH, time: TIME },
  );
  await page.close();
  if (!(loss < first)) throw new Error(`TensorFlow.js on ${backend} did not learn: ${first} to ${loss}`);
  return speed;
}

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const found = { browser: /** @type {number[]} */ ([]), tfjs_wasm: /** @type {number[]} */ ([]), tfjs_cpu: /** @type {number[]} */ ([]) };
try {
  for (let round = 0; round < ROUNDS; round++) {
    found.browser.push(await ours());
    found.tfjs_wasm.push(await peer('wasm'));
    found.tfjs_cpu.push(await peer('cpu'));
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(JSON.stringify(Object.fromEntries(Object.entries(found).map(([name, values]) => [name, Math.round(median(values))]))));
