// @ts-check
/** The trainer's Worker: starts the second module, which has candle in it, and from then on is src/feed/worker.rs. */
import start, { startTrainer } from '../feed.js';

start().then(
  () => startTrainer(),
  (error) => self.postMessage({ failed: { message: String(error?.message ?? error) } }),
);
