// @ts-check
/**
 * A network of the visitor's own, from the file that they have. It stays on this computer.
 *
 * @import { Choice, File as Dropped, Imported } from '../import.js'
 * @import { Tools, Update } from './stage.js'
 */
import { create } from '../dom.js';
import { readNetwork } from './importer.js';

/** The most that is read, in bytes: fifty million weights. */
const LARGEST = 200e6;
/** @type {Record<Imported['format'], string>} */
const FORMATS = {
  KerasH5: 'Keras file (HDF5)',
  Keras: 'Keras file',
  PyTorch: 'PyTorch file',
  Onnx: 'ONNX file',
  TensorFlowJs: 'TensorFlow.js network',
  TfLite: 'TensorFlow Lite file',
  Safetensors: 'safetensors file',
};
/** What a file may leave open, as a label. @type {Record<Choice['subject'], string>} */
const SUBJECTS = {
  Input: 'How it wants its image',
  Size: 'How 28×28 pixels become its size',
  Activation: 'Activation of hidden layers',
  Pooling: 'Pooling',
  Arrangement: 'Padding and pooling of convolutions',
  Unactivated: 'Layers without an activation',
};

/** `tools/export.py`, which is tested with PyTorch, and how it is used. */
const PYTHON = [
  'from safetensors.torch import save_file',
  '',
  'KEYS = "kernel_size stride padding dilation groups padding_mode ceil_mode count_include_pad divisor_override approximate eps".split()',
  'KEYS += "alpha negative_slope min_val max_val beta threshold".split()',
  '',
  '',
  'def export(model, path, name="mine", mean=0.0, deviation=1.0):',
  '    lines = [f"normalise mean={mean} deviation={deviation}"]',
  '    # One that is used twice stands in both places.',
  '    for place, module in model.named_modules(remove_duplicate=False):',
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
  // Without `accept`: a telephone's file chooser greys out endings that it does not know.
  const input = create('input', { type: 'file', multiple: '', id: 'own-file' });
  const label = create('label', { for: 'own-file' }, 'Choose your network’s file, or drop it here');
  const zone = create('div', { class: 'drop' }, input, label);
  const words = create('p', { class: 'words' });
  const reading = create('div', { class: 'reading-of' });
  const kept = keptView(page, words);
  const python = create(
    'details',
    {},
    create('summary', {}, 'Or save it with PyTorch, and say how its inputs were normalised'),
    create('pre', { tabindex: '0', role: 'group', 'aria-label': 'How to save a network in Python' }, create('code', {}, PYTHON)),
  );
  figure.append(create('div', { class: 'own' }, zone, words, reading, kept.element, python));

  /** @param {Dropped[]} files @param {Choice[]} choices */
  const attack = async (files, choices) => {
    // What is a file of this project's own needs no reader.
    if (files.length === 1 && choices.length === 0 && /\.safetensors$/i.test(files[0].name)) {
      const name = await page.addNetwork(files[0].bytes, files[0].name).catch(() => null);
      if (name) return { name, about: null };
    }
    const { network, about } = await readNetwork(files, choices);
    return { name: await page.addNetwork(network, files[0].name), about };
  };
  /** @param {Dropped[]} files @param {Choice[]} [choices] */
  const take = async (files, choices = []) => {
    const names = files.map(({ name }) => name).join(' and ');
    words.textContent = `Reading ${names} …`;
    try {
      const { name, about } = await attack(files, choices);
      words.textContent = `${name} is now attacked. It can be chosen at the top of the page, on your next visit too: it is kept on this computer.`;
      reading.replaceChildren(...(about ? aboutView(about, (chosen) => take(files, chosen)) : []));
      kept.list();
    } catch (error) {
      words.textContent = `${names} was not taken: ${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}.`;
      reading.replaceChildren();
      page.say(words.textContent);
    }
  };
  /** @param {Iterable<File>} given */
  const open = async (given) => {
    const files = [...given];
    const size = files.reduce((sum, file) => sum + file.size, 0);
    if (files.length === 0) return;
    if (size > LARGEST) {
      words.textContent = `That is ${Math.round(size / 1e6)} MB; at most ${LARGEST / 1e6} are read.`;
      return page.say(words.textContent);
    }
    await take(await Promise.all(files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }))));
  };
  input.addEventListener('change', async () => {
    await open(input.files ?? []);
    input.value = '';
  });
  listenForDrops(zone, open);
  return kept.list;
}

/**
 * What was read, and what the file left open, to be chosen otherwise.
 * @param {Imported} about @param {(choices: Choice[]) => void} chosen
 */
function aboutView({ format, weights, operations, accuracy, assumptions, warnings }, chosen) {
  const says = [`${FORMATS[format]}, ${weights.toLocaleString('en')} weights: ${operations.join(', ')}.`];
  if (accuracy)
    says.push(
      `It classifies ${((100 * accuracy.right) / accuracy.of).toFixed(1)} % of MNIST’s first ${accuracy.of} test digits as labelled.`,
    );
  const selects = assumptions.map(({ subject, taken, alternatives }) => {
    const others = alternatives.filter(({ value }) => value !== taken);
    const select = create(
      'select',
      {},
      create('option', { value: taken, selected: '' }, taken),
      ...others.map(({ value, accuracy }) =>
        create('option', { value }, accuracy ? `${value} (${((100 * accuracy.right) / accuracy.of).toFixed(1)} %)` : value),
      ),
    );
    select.addEventListener('change', () => chosen(selects.map((each) => ({ subject: each.subject, value: each.select.value }))));
    return { subject, select };
  });
  const choices = selects.map(({ subject, select }) =>
    create('p', { class: 'assumed' }, create('label', {}, `${SUBJECTS[subject]} `, select)),
  );
  return [
    create('p', { class: 'note' }, says.join(' ')),
    ...warnings.map((warning) => create('p', { class: 'note' }, warning)),
    ...(choices.length > 0
      ? [create('p', { class: 'note' }, 'The file does not say this; it was assumed, and can be changed:'), ...choices]
      : []),
  ];
}

/** The visitor's own networks, each of which can be forgotten. @param {Tools['page']} page @param {HTMLElement} words */
function keptView(page, words) {
  const element = create('ul', { class: 'kept' });
  const list = () => {
    const own = page.networks().filter(({ bytes }) => bytes);
    element.hidden = own.length === 0;
    element.replaceChildren(
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
  return { element, list };
}

/**
 * Anywhere on the page: a browser leaves the page for a file that is dropped beside the mark.
 * @param {HTMLElement} zone @param {(files: Iterable<File>) => void} dropped
 */
function listenForDrops(zone, dropped) {
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
    dropped(event.dataTransfer?.files ?? []);
  });
}
