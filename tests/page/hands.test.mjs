// @ts-check
/** Under anybody's hand: palms, fingers that are gone, keyboards of other letters, a pad that the page has turned. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './harness.mjs';
import { STILL, pixels, settled, written } from './helpers.mjs';

/** @typedef {import('./harness.mjs').Page} Page */

/** @param {Page} page */
const pad = (page) => page.getByLabel('Drawing pad', { exact: true });

/**
 * Pointer events of a kind of hand, at places on a pad of side 1.
 * @param {Page} page @param {{ type: string, id: number, kind: string, x: number, y: number }[]} events
 */
const point = (page, events) =>
  pad(page).evaluate((canvas, events) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    for (const { type, id, kind, x, y } of events) {
      const place = { clientX: left + x * width, clientY: top + y * height, button: type === 'pointermove' ? -1 : 0 };
      canvas.dispatchEvent(
        new PointerEvent(type, { pointerId: id, pointerType: kind, isPrimary: true, bubbles: true, cancelable: true, ...place }),
      );
    }
  }, events);

/** A 1 from top to bottom. @param {number} id @param {string} kind */
const one = (id, kind) => [
  { type: 'pointerdown', id, kind, x: 0.5, y: 0.2 },
  ...Array.from({ length: 12 }, (_, k) => ({ type: 'pointermove', id, kind, x: 0.5, y: 0.2 + 0.05 * (k + 1) })),
  { type: 'pointerup', id, kind, x: 0.5, y: 0.8 },
];

/** Where the ink on the pad is, from 0 to 1, and how much of the pad it covers. @param {Page} page */
async function ink(page) {
  const data = await pixels(pad(page));
  const side = Math.sqrt(data.length / 4);
  let [x, y, count] = [0, 0, 0];
  for (let k = 0; k < side * side; k++) {
    if (data[4 * k + 3] < 128) continue;
    x += k % side;
    y += Math.floor(k / side);
    count++;
  }
  return { x: x / count / side, y: y / count / side, share: count / side / side };
}

test('a pen draws though a palm was there first, and the palm leaves nothing', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page);
  const palm = { id: 7, kind: 'touch', x: 0.9, y: 0.9 };
  await point(page, [
    { type: 'pointerdown', ...palm },
    { type: 'pointermove', ...palm, x: 0.85 },
  ]);
  await point(page, [...one(8, 'pen'), { type: 'pointermove', ...palm, x: 0.8 }, { type: 'pointerup', ...palm }]);
  await settled(page, /your digit as 1/);
  const { x } = await ink(page);
  assert(Math.abs(x - 0.5) < 0.03, `the ink is at ${x}`);
  await page.getByRole('button', { name: 'Undo' }).click();
  await settled(page, /sample 3/);
});

test('a finger that is gone when its turn comes leaves its stroke all the same', async (t) => {
  const before = (/** @type {Page} */ page) =>
    page.addInitScript(() => {
      Element.prototype.setPointerCapture = () => {
        throw new DOMException('No active pointer with the given id is found.', 'NotFoundError');
      };
    });
  const { page, draw } = await open(t, { ...STILL, before });
  await draw(await written(5));
  await settled(page, /your digit as 5/);
});

test('a tap on a clear pad is seen on the pad, as it is in x', async (t) => {
  const { page } = await open(t, STILL);
  await settled(page);
  await page.getByRole('button', { name: 'Clear' }).click();
  await settled(page, /blank/);
  await pad(page).click();
  await settled(page, /your digit as/);
  const { share } = await ink(page);
  assert(share > 0.002, `${share} of the pad has ink`);
});

for (const [what, key] of /** @type {const} */ ([
  ['with Caps Lock', { key: 'Z', code: 'KeyZ' }],
  ['on a Cyrillic keyboard', { key: 'я', code: 'KeyZ' }],
  ['on a Greek keyboard', { key: 'ζ', code: 'KeyZ' }],
  ['on a French keyboard', { key: 'z', code: 'KeyW' }],
])) {
  test(`Control and the Z key undo ${what}`, async (t) => {
    const { page, draw } = await open(t, STILL);
    await draw(await written(3));
    await settled(page, /your digit as 3/);
    const undo = (/** @type {object} */ given) =>
      pad(page).evaluate((canvas, given) => {
        canvas.dispatchEvent(new KeyboardEvent('keydown', { ctrlKey: true, bubbles: true, cancelable: true, ...given }));
      }, given);
    await undo({ key: 'w', code: 'KeyZ' }); // another letter in that place
    assert.match(await settled(page), /your digit as 3/);
    await undo(key);
    await settled(page, /sample 3 as 3/);
  });
}

for (const transform of ['rotate(180deg)', 'scaleX(-1)', 'rotate(90deg) scale(0.7)']) {
  test(`on a pad with transform: ${transform} the ink is under the pointer`, async (t) => {
    const { page } = await open(t, STILL);
    await settled(page);
    await page.getByRole('button', { name: 'Clear' }).click();
    await pad(page).evaluate((canvas, transform) => {
      /** @type {HTMLElement} */ (canvas.parentElement).style.transform = transform;
    }, transform);
    const box = await pad(page).boundingBox();
    assert(box);
    // A short stroke near the upper left corner of what is seen.
    const at = (/** @type {number} */ x, /** @type {number} */ y) => /** @type {const} */ ([box.x + x * box.width, box.y + y * box.height]);
    await page.mouse.move(...at(0.2, 0.3));
    await page.mouse.down();
    await page.mouse.move(...at(0.25, 0.3), { steps: 4 });
    await page.mouse.up();
    await settled(page, /your digit as/);
    const { x, y } = await ink(page);
    const expected =
      { 'rotate(180deg)': [0.775, 0.7], 'scaleX(-1)': [0.775, 0.3], 'rotate(90deg) scale(0.7)': [0.3, 0.775] }[transform] ?? [];
    assert(Math.hypot(x - expected[0], y - expected[1]) < 0.03, `${x}, ${y}, not ${expected}`);
  });
}
