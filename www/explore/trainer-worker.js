// @ts-check
/** The trainer's Worker: starts the module that has candle in it, and from then on is src/feed/worker.rs. */
import start, { startTrainer } from '../../feed.js';

start().then(
  () => startTrainer(),
  (error) => self.postMessage({ failed: { message: `The trainer cannot run in this browser: ${error?.message ?? error}` } }),
);
