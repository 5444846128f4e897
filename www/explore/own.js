// @ts-check
/** A network of the visitor's own, from a file that stays on this computer. */
import { create } from '../dom.js';

/** @import { Tools, Update } from './stage.js' */

/** The largest file that is read, in bytes: fifty million weights. */
const LARGEST = 200e6;
const PYTHON = `from safetensors.torch import save_file
save_file(model.state_dict(), "mine.safetensors",
          metadata={"activation": "relu", "name": "mine"})`;

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { page }) {
  const input = create('input', { type: 'file', accept: '.safetensors', id: 'own-file' });
  const zone = create('div', { class: 'drop' }, input, create('label', { for: 'own-file' }, 'Choose a safetensors file, or drop one here'));
  const words = create('p', { class: 'words' });
  figure.append(
    create(
      'div',
      { class: 'columns own' },
      create('div', {}, zone, words),
      create('pre', { tabindex: '0', role: 'group', 'aria-label': 'How to save a network in Python' }, create('code', {}, PYTHON)),
    ),
  );

  /** @param {File} file */
  const take = async (file) => {
    words.textContent = `Reading ${file.name} …`;
    try {
      if (file.size > LARGEST) throw new Error(`the file has ${Math.round(file.size / 1e6)} MB; at most ${LARGEST / 1e6} are read`);
      const name = await page.addNetwork(new Uint8Array(await file.arrayBuffer()), file.name);
      words.textContent = `${name} is now attacked. It can be chosen at the top of the page.`;
    } catch (error) {
      words.textContent = `${file.name} was not taken: ${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}.`;
      page.say(words.textContent);
    }
  };
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) take(file);
    input.value = '';
  });
  // Anywhere on the page: a browser leaves the page for a file that is dropped beside the mark.
  const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    zone.classList.add('over');
  });
  document.addEventListener('dragleave', () => zone.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    zone.classList.remove('over');
    if (!hasFiles(event)) return;
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
  return () => {};
}
