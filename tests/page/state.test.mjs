// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { STILL, colours, settled, status, target, written } from './helpers.mjs';

/** @param {import('./harness.mjs').Page} page */
const hash = (page) => page.evaluate(() => location.hash);

test('the address brings back the drawing, the network, the target and the reading, to the last digit', async (t) => {
  const { page, draw, url, readout } = await open(t, STILL);
  await draw(await written(5));
  await target(page, '6').check();
  const said = await settled(page, /your digit as 5.*makes it predict 6/);
  const link = await hash(page);
  assert.match(link, /^#v1;network=FC100-100-10%20\(pens\);target=6;reading=both;digit=[\w-]+$/);
  const seen = await Promise.all([colours(page, 'Network input'), colours(page, 'Adversarial digit')]);
  const c = await readout('c').innerText();

  await page.goto('about:blank');
  await page.goto(url + link);
  assert.equal(await settled(page), said);
  assert.deepEqual(await Promise.all([colours(page, 'Network input'), colours(page, 'Adversarial digit')]), seen);
  assert.equal(await readout('c').innerText(), c);
  assert(await target(page, '6').isChecked());
  assert.equal(await hash(page), link);
});

test('the address stays as it is until the visitor does something', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page);
  assert.equal(await hash(page), '');
  await page.getByRole('button', { name: 'Sample digit 9', exact: true }).click();
  await settled(page, /sample 9/);
  assert.match(await hash(page), /digit=[\w-]{20,}$/);
});

test('a link opened in the same tab is followed, and Undo goes back', async (t) => {
  const { page, draw } = await open(t, STILL);
  await draw(await written(1));
  await settled(page, /your digit as 1/);
  const link = await hash(page);
  await page.getByRole('button', { name: 'Sample digit 0', exact: true }).click();
  await settled(page, /sample 0/);
  await page.evaluate((to) => location.assign(to), link);
  await settled(page, /your digit as 1/);
  await page.getByRole('button', { name: 'Undo' }).click();
  await settled(page, /sample 0/);
});

test('a link of another version is named, and neither it nor the drawing is lost', async (t) => {
  const { page, draw } = await open(t, STILL);
  await draw(await written(1));
  await settled(page, /your digit as 1/);
  await page.evaluate(() => location.assign('#v9;digit=abc'));
  await settled(page, /another version of this page \(v9\).*your digit as 1/);
  await page.getByRole('button', { name: 'Sample digit 0', exact: true }).click();
  await settled(page, /sample 0/);
  assert.match(await hash(page), /^#v1;/);
  // There the page soon puts its own address beside it again.
  await page.evaluate(() => {
    window.addEventListener('popstate', () => Object.assign(window, { wentTo: location.hash }), { once: true });
  });
  await page.goBack();
  await page.waitForFunction(() => 'wentTo' in window);
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).wentTo), '#v9;digit=abc');
});

test('what is wrong in a link is named, and the rest is taken', async (t) => {
  const { page } = await open(t, { ...STILL, path: '#v1;network=FC1;target=5;reading=sideways;digit=%%%' });
  const said = await settled(page, /reading and digit could not be understood/);
  assert.match(said, /no network called FC1/);
  assert.match(said, /makes it predict 5/);
  assert(await target(page, '5').isChecked());
  assert.equal(await page.getByRole('combobox', { name: 'Network' }).inputValue(), 'FC100-100-10 (pens)');
});

test('the reading of c in a link is used', async (t) => {
  const { page, readout, url } = await open(t, { ...STILL, path: '#v1;reading=both' });
  await settled(page);
  const both = Number(await readout('Norm').innerText());
  await page.goto('about:blank');
  await page.goto(`${url}#v1;reading=weight`);
  await settled(page, /makes it predict 8/);
  const weight = Number(await readout('Norm').innerText());
  assert(weight >= both, `${weight} is not below ${both}`);
  assert(weight < 1.05 * both);
  assert.equal(await status(page).count(), 1);
});
