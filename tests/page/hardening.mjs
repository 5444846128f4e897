// @ts-check
/**
 * How hardening goes in Chromium, with a drawn digit attacked every second: every ten seconds the last measure on held-out digits.
 */
import { open } from './harness.mjs';
import { STILL, settled, written } from './helpers.mjs';

/** Whether it only has to be seen that it runs: then the first measures are the last. */
const IS_BRIEF = process.argv.includes('--brief');
const EVERY = IS_BRIEF ? 500 : 10_000;
/** Milliseconds after which something is wrong. */
const PATIENCE = 300_000;

/** @type {(() => Promise<void>)[]} */ const endings = [];
const { page, draw } = await open(
  { after: (end) => void endings.push(end) },
  {
    ...STILL,
    before: (page) =>
      page.addInitScript(() => {
        const measures = /** @type {any[]} */ ([]);
        Object.assign(window, { measures });
        window.MessageChannel = class extends MessageChannel {
          constructor() {
            super();
            this.port1.addEventListener('message', ({ data }) => data?.measured && measures.push(data.measured));
          }
        };
      }),
  },
);
await draw(await written(3));
await settled(page, /your digit as 3.*predict 8/);
const section = page.getByRole('region', { name: 'Feed it back' });
await section.scrollIntoViewIfNeeded();
await section.getByRole('button', { name: 'Harden FC100-100-10' }).click();
const begun = Date.now();
let isDone = false;
while (!isDone && Date.now() - begun < PATIENCE) {
  await page.waitForTimeout(EVERY);
  isDone = (await section.getByText(/^Done: /).count()) > 0;
  const measures = await page.evaluate(() => /** @type {any} */ (window).measures);
  const [first, last] = [measures[0], measures.at(-1)];
  if (!last) continue;
  isDone ||= IS_BRIEF;
  const [seconds, times] = [(Date.now() - begun) / 1000, last.distortion / first.distortion];
  const error = `${(100 * last.error).toFixed(2)} % (${(100 * first.error).toFixed(2)})`;
  console.log(`${seconds.toFixed(0).padStart(4)} s  step ${last.step}  distortion ${times.toFixed(3)} times  error ${error}`);
}
if (!isDone) throw new Error('Hardening did not come to its end.');
const browser = page.context().browser();
for (const end of endings) await end();
await browser?.close();
