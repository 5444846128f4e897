// @ts-check
/** A network of the visitor's own, from a file that stays on this computer. */
import { create } from '../dom.js';

/** @import { Tools, Update } from './stage.js' */

/** The largest file that is read, in bytes: fifty million weights. */
const LARGEST = 200e6;
/** `tools/export.py`, which is tested with PyTorch, and how it is used. */
const PYTHON = [
  'from safetensors.torch import save_file',
  '',
  'KEYS = "kernel_size stride padding dilation groups padding_mode ceil_mode count_include_pad divisor_override approximate eps".split()',
  '',
  '',
  'def export(model, path, name="mine", mean=0.0, deviation=1.0):',
  '    lines = [f"normalise mean={mean} deviation={deviation}"]',
  '    for place, module in model.named_modules():',
  '        if list(module.children()):',
  `            assert type(module).__name__ == "Sequential", f"{place or 'the model'} is no nn.Sequential"`,
  '        else:',
  '            said = [f"{key}={getattr(module, key)}".replace(" ", "") for key in KEYS if hasattr(module, key)]',
  '            lines.append(" ".join([type(module).__name__.lower(), place, *said]))',
  '    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}',
  '    save_file(tensors, path, {"name": name, "architecture": "\\n".join(lines)})',
  '',
  'export(model, "mine.safetensors", mean=0.1307, deviation=0.3081)',
].join('\n');

/** @param {HTMLElement} figure @param {Tools} tools @returns {Update} */
export function section(figure, { page }) {
  const input = create('input', { type: 'file', accept: '.safetensors', id: 'own-file' });
  const zone = create('div', { class: 'drop' }, input, create('label', { for: 'own-file' }, 'Choose a safetensors file, or drop one here'));
  const words = create('p', { class: 'words' });
  const kept = create('ul', { class: 'kept' });
  figure.append(
    create(
      'div',
      { class: 'columns own' },
      create('div', {}, zone, words, kept),
      create('pre', { tabindex: '0', role: 'group', 'aria-label': 'How to save a network in Python' }, create('code', {}, PYTHON)),
    ),
  );

  /** The visitor's own networks, each of which can be forgotten. */
  const list = () => {
    const own = page.networks().filter(({ bytes }) => bytes);
    kept.hidden = own.length === 0;
    kept.replaceChildren(
      ...own.map(({ name }) => {
        const button = create('button', { type: 'button', 'aria-label': `Forget ${name}` }, 'Forget');
        button.addEventListener('click', async () => {
          await page.forgetNetwork(name);
          words.textContent = `${name} is forgotten.`;
          list();
        });
        return create('li', {}, create('span', {}, name), ' ', button);
      }),
    );
  };
  list();

  /** @param {File} file */
  const take = async (file) => {
    words.textContent = `Reading ${file.name} …`;
    try {
      if (file.size > LARGEST) throw new Error(`the file has ${Math.round(file.size / 1e6)} MB; at most ${LARGEST / 1e6} are read`);
      const name = await page.addNetwork(new Uint8Array(await file.arrayBuffer()), file.name);
      words.textContent = `${name} is now attacked. It can be chosen at the top of the page, on your next visit too: it is kept on this computer.`;
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
  return list;
}
