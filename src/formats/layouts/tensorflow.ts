import { ArgumentRangeError, MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { LayerSpec } from '../../model/spec.js';
import type { ModelFile, Tensor, Tensors } from '../../model/tensors.js';
import { Arrays } from './arrays.js';
import { assembleModel, type LayoutOptions } from './assemble.js';

/** How to read the variables of a TensorFlow model; `blocks`, `tolerance` and `vocab` as for a state dict. */
export interface TensorflowOptions extends LayoutOptions {
  /** the cells' forget_bias, which is added at run time and stands in no file; default 1, as in TensorFlow */
  forgetBias?: number | undefined;
}

/** Where the gates i f g o of this package lie in TensorFlow's i j f o; j is the candidate g. */
const gateOrder = [0, 2, 1, 3] as const;
const gates = gateOrder.length;

// …/cell_0/basic_lstm_cell/weights until TensorFlow 1.1, …/kernel after it; without cell_0 where there is one layer.
const cellKernel = /^(?:(.*)\/)?(?:basic_lstm_cell|lstm_cell)\/(?:weights|kernel)$/;
const cellNumber = /^(?:(.*)\/)?cell_(\d{1,6})$/;

/** What names give away, and why it is not read. */
const variants: readonly [RegExp, feature: string, problem: string][] = [
  [
    /(?:^|\/)recurrent_kernel(?::0)?$/,
    'Keras layout',
    'Keras layers (kernel and recurrent_kernel) are not read; BasicLSTMCell and LSTMCell are',
  ],
  [/(?:^|\/)(?:bidirectional_rnn|fw|bw)\//, 'bidirectional', 'bidirectional layers are not read'],
  [/(?:^|\/)w_[ifo]_diag$/, 'peepholes', 'peephole connections are not read'],
  [/(?:^|\/)lstm_cell\/projection\//, 'num_proj', 'an LSTMCell with a projection is not read'],
  [
    /(?:^|\/)(?!(?:multi_rnn|basic_lstm|lstm)_cell\/)\w+_cell(?:_\d+)?\//,
    'TensorFlow cell',
    'this kind of cell is not read; BasicLSTMCell and LSTMCell are',
  ],
];

/** What optimisers keep beside a variable, under its name. */
const slot = /^(.+)\/(?:Adam|Adam_1|Adagrad|Adadelta|Adadelta_1|Momentum|RMSProp|RMSProp_1)$/;

/** Whether variables of these names are those of a TensorFlow model with recurrent cells. */
export function isTensorflow(names: Iterable<string>): boolean {
  return [...names].some((name) => cellKernel.test(name));
}

/**
 * Makes a model of the variables of a TensorFlow 1 model: an embedding, or none; BasicLSTMCell or LSTMCell, alone or
 * in a MultiRNNCell; a linear layer, or none. The layers are named `embedding`, `lstm.0`, `lstm.1`, …, `output`.
 *
 *   [x; h] [I + H] times kernel [I + H, 4H] plus bias [4H] = i, j, f, o     (tf.nn.rnn_cell.BasicLSTMCell)
 *   c' = c σ(f + forget_bias) + σ(i) tanh(j),   h' = tanh(c') σ(o)
 *
 * The kernel's first I rows become weight_ih, the others weight_hh, both transposed; the bias becomes bias_ih. The
 * forget bias becomes bias_hh, where it is exact: added to the bias, it would be rounded, in f16 visibly.
 * Scalars (a learning rate, a step) and what optimisers keep beside a variable are left out.
 * @param arrays by the variables' names
 * @throws MismatchError naming the variable whose shape does not fit, or that belongs to no layer; UnsupportedError
 *   for other cells, Keras layouts, peepholes, projections and bidirectional layers
 */
export function decodeTensorflow(arrays: Tensors, options: TensorflowOptions = {}): ModelFile {
  const { forgetBias = 1 } = options;
  if (typeof forgetBias !== 'number' || !Number.isFinite(forgetBias))
    throw new ArgumentRangeError(`forgetBias must be a finite number, got ${show(forgetBias)}.`);
  const variables = collect(arrays);
  const layers: LayerSpec[] = [];
  const tensors: Tensors = {};
  const kernels = orderCells(variables.names);

  const embedding = onlyOne(matricesOf(variables).filter(isEmbedding), 'embeddings');
  let width: number | undefined;
  if (embedding !== undefined) {
    const table = variables.take(embedding, [-1, -1], 'an embedding is [V, E]');
    const [count, size] = table.shape as [number, number];
    layers.push({ kind: 'embedding', name: 'embedding', count, size });
    tensors['embedding.weight'] = table;
    width = size;
  }
  for (const [index, kernel] of kernels.entries()) {
    const { layer, made } = readCell(variables, kernel, `lstm.${index}`, width, forgetBias);
    layers.push(layer);
    Object.assign(tensors, made);
    width = layer.hiddenSize;
  }
  const output = onlyOne(matricesOf(variables), 'linear layers');
  if (output !== undefined) {
    const { layer, made } = readLinear(variables, output, width!);
    layers.push(layer);
    Object.assign(tensors, made);
  }
  variables.checkLeftovers(
    'An embedding, BasicLSTMCell or LSTMCell, and one linear layer are known by their names.',
  );
  return assembleModel(layers, tensors, 'these variables', options);
}

/** The variables that layers may be made of: neither scalars nor what optimisers keep. */
function collect(arrays: Tensors): Arrays {
  for (const name of Object.keys(arrays)) {
    for (const [pattern, feature, problem] of variants) {
      if (pattern.test(name)) throw new UnsupportedError(`variable ${show(name)}: ${problem}.`, feature);
    }
  }
  return new Arrays(arrays, 'variable', (name) => {
    const of = slot.exec(name)?.[1];
    return of !== undefined && Object.hasOwn(arrays, of);
  });
}

function matricesOf(variables: Arrays): string[] {
  return variables.names.filter((name) => variables.shapeOf(name)!.length === 2);
}

/**
 * The kernels of the cells, in the order of the layers.
 * @throws MismatchError when there are none, when they are of several stacks, or when one is missing
 */
function orderCells(names: readonly string[]): string[] {
  const found: { name: string; stack: string; number: number }[] = [];
  for (const name of names) {
    const match = cellKernel.exec(name);
    if (match === null) continue;
    const place = match[1] ?? '';
    const numbered = cellNumber.exec(place);
    found.push(
      numbered === null
        ? { name, stack: place, number: 0 }
        : { name, stack: numbered[1] ?? '', number: Number(numbered[2]) },
    );
  }
  if (found.length === 0) {
    const list = names.slice(0, 10).map(show).join(', ');
    throw new MismatchError(
      `there is no cell among the variables: a name that ends in "basic_lstm_cell/kernel" or ".../weights". There ` +
        `${list === '' ? 'are no variables of a layer' : `is ${list}`}.`,
    );
  }
  found.sort((a, b) => a.number - b.number);
  for (const [index, { name, stack, number }] of found.entries()) {
    const first = found[0]!;
    if (stack !== first.stack || found[index - 1]?.number === number) {
      throw new MismatchError(
        `variables ${show(first.name)} and ${show(name)} are not of one stack of layers; keep one of the two.`,
      );
    }
    if (number !== index)
      throw new MismatchError(`variable ${show(name)} is there, but nothing of cell_${index}.`);
  }
  return found.map(({ name }) => name);
}

function isEmbedding(name: string): boolean {
  return (
    name
      .split('/')
      .slice(-2)
      .some((part) => /emb/i.test(part)) && !cellKernel.test(name)
  );
}

function onlyOne(names: readonly string[], what: string): string | undefined {
  if (names.length > 1) {
    throw new MismatchError(
      `the variables ${names.slice(0, 10).map(show).join(', ')} would be ${what}; only one is read, because names do ` +
        'not tell in which order several follow each other, nor with what between them.',
    );
  }
  return names[0];
}

function readCell(
  variables: Arrays,
  name: string,
  layerName: string,
  width: number | undefined,
  forgetBias: number,
): { layer: LayerSpec & { kind: 'lstm' }; made: Tensors } {
  const kernel = variables.take(name, [-1, -1], 'a kernel is [I + H, 4 H]');
  const [rows, columns] = kernel.shape as [number, number];
  const hiddenSize = columns / gates;
  const inputSize = rows - hiddenSize;
  if (!Number.isInteger(hiddenSize) || hiddenSize < 1 || inputSize < 1)
    throw variables.mismatch(name, kernel.shape, 'a kernel is [I + H, 4 H]');
  if (width !== undefined && inputSize !== width) {
    const needed = `after a layer of width ${width} it must be [${width + hiddenSize}, ${columns}]`;
    throw variables.mismatch(name, kernel.shape, needed);
  }
  const biasName = name.replace(/weights$/, 'biases').replace(/kernel$/, 'bias');
  const bias = variables.take(biasName, [columns], `the kernel [${rows}, ${columns}] implies [${columns}]`);
  return {
    layer: { kind: 'lstm', name: layerName, inputSize, hiddenSize, blocks: 1 },
    made: {
      [`${layerName}.weight_ih`]: permuteGates(kernel.data, 0, inputSize, hiddenSize),
      [`${layerName}.weight_hh`]: permuteGates(kernel.data, inputSize, hiddenSize, hiddenSize),
      [`${layerName}.bias_ih`]: { ...permuteGates(bias.data, 0, 1, hiddenSize), shape: [columns] },
      [`${layerName}.bias_hh`]: {
        shape: [columns],
        data: new Float32Array(columns).fill(forgetBias, hiddenSize, 2 * hiddenSize),
      },
    },
  };
}

/** Rows [from, from + count) of a kernel [?, 4H] in the order i j f o → [4H, count] in the order i f g o. */
function permuteGates(kernel: Float32Array, from: number, count: number, hiddenSize: number): Tensor {
  const rows = gates * hiddenSize;
  const data = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const column = gateOrder[Math.floor(row / hiddenSize)]! * hiddenSize + (row % hiddenSize);
    for (let k = 0; k < count; k++) data[row * count + k] = kernel[(from + k) * rows + column]!;
  }
  return { shape: [rows, count], data };
}

/** `softmax_w` and `softmax_b`, `W` and `b`, `weights` and `biases`, `kernel` and `bias`. */
function readLinear(variables: Arrays, name: string, width: number): { layer: LayerSpec; made: Tensors } {
  const weight = variables.take(
    name,
    [width, -1],
    `after a layer of width ${width} it must be [${width}, O]`,
  );
  const outputSize = weight.shape[1]!;
  const data = new Float32Array(weight.data.length);
  for (let o = 0; o < outputSize; o++) {
    for (let k = 0; k < width; k++) data[o * width + k] = weight.data[k * outputSize + o]!;
  }
  const made: Tensors = { 'output.weight': { shape: [outputSize, width], data } };
  const biasName = name
    .replace(/(\/|_|^)[wW]$/, '$1b')
    .replace(/weights$/, 'biases')
    .replace(/kernel$|weight$/, 'bias');
  const bias = biasName !== name && variables.has(biasName);
  if (bias) {
    const why = `${show(name)} [${width}, ${outputSize}] implies [${outputSize}]`;
    made['output.bias'] = variables.take(biasName, [outputSize], why);
  }
  return { layer: { kind: 'linear', name: 'output', inputSize: width, outputSize, bias }, made };
}
