import { MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { CombineSpec } from '../../model/spec.js';
import type { ModelFile, Tensor, Tensors } from '../../model/tensors.js';
import { Arrays } from './arrays.js';
import { assembleModel, type LayoutOptions } from './assemble.js';
import { GraphBuilder } from './graph.js';
import { transpose } from './transpose.js';

/** How to read the recurrent core of DreamerV3. */
export interface DreamerOptions extends LayoutOptions {
  /** `act` of the RSSM's config: silu (default), relu, tanh or sigmoid */
  activation?: string | undefined;
}

const activations = ['silu', 'relu', 'tanh', 'sigmoid', 'elu', 'softplus'] as const;
type Activation = (typeof activations)[number];
/** embodied/jax/nets.py: eps of Norm. */
const epsilon = 1e-4;
const kernelName = /^(?:(.*)\/)?dyngru\/kernel$/;
/** Three gates in each block: reset, candidate, update. */
const gates = ['reset', 'cand', 'update'] as const;

/** A core as its kernels tell it. */
interface Core {
  /** what stands before the names, with its slash */
  prefix: string;
  /** N */
  blocks: number;
  /** H, of the deterministic state */
  deter: number;
  hidden: number;
  stoch: number;
  action: number;
  layers: number;
}

/**
 * Makes a model of the recurrent core of DreamerV3 (Hafner et al. 2023; danijar/dreamerv3, dreamerv3/rssm.py `_core`,
 * lines 135–159, with the reset of lines 76–79), out of the parameters of its RSSM; the encoder, the heads and what makes
 * the stochastic state are left out.
 *
 *   x = [stoch, action, is_first] → deter [H]
 *   stoch, action, deter = 0 where is_first is 1; action limited to ±1
 *   e = [act(norm(deter K0 + b0)), act(norm(stoch K1 + b1)), act(norm(action K2 + b2))]
 *   u = act(norm(blocks of [deter, e]))                       dynhid0, dynhid1, …: kernel [N, I/N, H/N]
 *   reset, cand, update = blocks of u, block by block         dyngru: kernel [N, H/N, 3·H/N]
 *   deter' = z tanh(σ(reset) cand) + (1 − z) deter,  z = σ(update − 1): 1 means new
 *
 * deter comes back through a delay of one step, so that what is made of it runs step by step, and what is made of stoch and
 * action alone over all steps at once. The first block-linear layer reads e whole in every block, so e's share of it is dense:
 * one matrix for what comes back, and one for the rest. The rows of dyngru lie block after block, three gates in each; they
 * become three matrices.
 * @throws MismatchError for missing kernels and other shapes; UnsupportedError for another norm or activation
 */
export function decodeDreamer(arrays: Tensors, options: DreamerOptions = {}): ModelFile {
  const { layers, tensors } = planDreamer(arrays, options);
  return assembleModel(layers, tensors, 'these tensors', options);
}

/** The layers that the parameters make, unchecked. */
export function planDreamer(arrays: Tensors, { activation = 'silu' }: DreamerOptions = {}): GraphBuilder {
  const known = activations.find((one) => one === activation);
  if (known === undefined) {
    throw new UnsupportedError(
      `the activation ${show(activation)} is not done; ${activations.join(', ')} are.`,
      'activation',
    );
  }
  const prefixes = Object.keys(arrays).flatMap((name) => {
    const match = kernelName.exec(name);
    return match === null ? [] : [match[1] === undefined ? '' : `${match[1]}/`];
  });
  const [prefix] = prefixes;
  if (prefix === undefined || prefixes.length > 1) {
    const found = prefixes.slice(0, 5).map((each) => show(`${each}dyngru/kernel`));
    throw new MismatchError(
      prefix === undefined
        ? 'there is no core of DreamerV3 among the tensors: a name that ends in "dyngru/kernel".'
        : `there is more than one core among the tensors: ${found.join(', ')}; keep one.`,
    );
  }
  // What the file has beside the core is of the encoder, the heads and the optimiser.
  const isCore = (name: string) =>
    name.startsWith(prefix) && /^dyn(?:in|hid|gru)/.test(name.slice(prefix.length));
  const store = new Arrays(arrays, 'tensor', (name) => !isCore(name));
  const core = measure(store, prefix);
  const builder = new GraphBuilder();
  const { kept, deter } = addReset(builder, core);
  const act = (name: string) => addNorm(store, builder, core, name, known);

  const slice = (name: string, from: number, to: number) =>
    builder.add(name, { kind: 'slice', inputSize: core.stoch + core.action, from, to }, [kept]);
  const stoch = slice('stoch', 0, core.stoch);
  const raw = slice('action', core.stoch, core.stoch + core.action);
  // a / max(1, |a|) = 2 max(0, min(1, a/2 + 1/2)) − 1
  const half = builder.add(
    'action.half',
    { kind: 'activation', activation: 'hardSigmoid', alpha: 0.5, beta: 0.5 },
    [raw],
  );
  const action = builder.add(
    'action.limited',
    { kind: 'activation', activation: 'affine', alpha: 2, beta: -1 },
    [half],
  );
  const embeddings = [deter, stoch, action].map((input, index) => {
    const name = `dynin${index}`;
    const size = [core.deter, core.stoch, core.action][index]!;
    const kernel = store.take(`${prefix}${name}/kernel`, [size, core.hidden], 'an embedding of the core');
    const bias = takeBias(store, `${prefix}${name}`, core.hidden);
    const fields = { kind: 'linear' as const, inputSize: size, outputSize: core.hidden, bias: true };
    builder.add(name, fields, [input], { weight: transpose(kernel.data, size, core.hidden), bias });
    return act(name);
  });
  let x = addFirst(store, builder, core, deter, embeddings);
  x = act(x);
  for (let layer = 1; layer < core.layers; layer++) {
    const name = `dynhid${layer}`;
    const [size, width] = [core.deter, core.deter / core.blocks];
    const kernel = store.take(`${prefix}${name}/kernel`, [core.blocks, width, width], 'a layer of the core');
    const bias = takeBias(store, `${prefix}${name}`, size);
    const weight = turnBlocks(kernel.data, core.blocks, width, width, 0, width, 0, width);
    addBlocks(builder, core, name, x, weight, bias);
    x = act(name);
  }
  addCell(store, builder, core, x, deter);
  store.checkLeftovers('Kernels, biases and norms of dynin, dynhid and dyngru are known.');
  return builder;
}

function measure(store: Arrays, prefix: string): Core {
  const sizesOf = (name: string, axes: number) => {
    const shape = store.shapeOf(`${prefix}${name}/kernel`);
    if (shape?.length === axes && shape.every((size) => size > 0)) return shape;
    const found = shape === undefined ? 'is missing' : `has shape ${show(shape)}`;
    throw new MismatchError(`tensor ${show(`${prefix}${name}/kernel`)} ${found}; it must have ${axes} axes.`);
  };
  const [blocks, width] = sizesOf('dyngru', 3) as [number, number];
  const [, hidden] = sizesOf('dynin0', 2) as [number, number];
  let layers = 1;
  while (store.has(`${prefix}dynhid${layers}/kernel`)) layers++;
  return {
    ...{ prefix, blocks, hidden, layers },
    deter: blocks * width,
    stoch: sizesOf('dynin1', 2)[0]!,
    action: sizesOf('dynin2', 2)[0]!,
  };
}

function takeBias(store: Arrays, name: string, size: number): Tensor {
  return store.take(`${name}/bias`, [size], `${show(`${name}/kernel`)} implies [${size}]`);
}

/** Zeros in place of everything from before an episode. @returns names of stoch and action together, and of deter */
function addReset(builder: GraphBuilder, { stoch, action, deter }: Core): { kept: string; deter: string } {
  const inputs = stoch + action;
  const first = builder.add(
    'is_first',
    { kind: 'slice', inputSize: inputs + 1, from: inputs, to: inputs + 1 },
    ['input'],
  );
  const spread = (name: string, size: number) =>
    builder.add(name, { kind: 'linear', inputSize: 1, outputSize: size, bias: true }, [first], {
      weight: { shape: [size, 1], data: new Float32Array(size).fill(-1) },
      bias: { shape: [size], data: new Float32Array(size).fill(1) },
    });
  const multiply = (name: string, a: string, b: string) =>
    builder.add(name, { kind: 'combine', combine: 'multiply' }, [a, b]);
  const given = builder.add('given', { kind: 'slice', inputSize: inputs + 1, from: 0, to: inputs }, [
    'input',
  ]);
  const kept = multiply('given.kept', given, spread('given.keep', inputs));
  const before = builder.add('deter.before', { kind: 'delay', size: deter, steps: 1 }, ['deter']);
  return { kept, deter: multiply('deter.kept', before, spread('deter.keep', deter)) };
}

/** The norm and the activation behind a layer. @returns the activation's name */
function addNorm(
  store: Arrays,
  builder: GraphBuilder,
  { prefix, hidden, deter }: Core,
  name: string,
  activation: Activation,
): string {
  const size = name.startsWith('dynin') ? hidden : deter;
  const own = `${prefix}${name}norm`;
  if (store.has(`${own}/shift`))
    throw new UnsupportedError(`tensor ${show(`${own}/shift`)}: a norm other than rms is not done.`, 'norm');
  const weight = store.take(`${own}/scale`, [size], `${show(`${prefix}${name}/kernel`)} implies [${size}]`);
  builder.add(`${name}norm`, { kind: 'norm', size, norm: 'rms', groups: 1, epsilon }, [name], { weight });
  return builder.add(`${name}.${activation}`, { kind: 'activation', activation }, [`${name}norm`]);
}

/** dynhid0 = blocks of deter, plus dense matrices of its embedding and of the two others. */
function addFirst(
  store: Arrays,
  builder: GraphBuilder,
  core: Core,
  deter: string,
  embeddings: readonly string[],
): string {
  const { prefix, blocks, hidden } = core;
  const width = core.deter / blocks;
  const rows = width + 3 * hidden;
  const why = `dyngru and dynin0 imply [${blocks}, ${rows}, ${width}]`;
  const kernel = store.take(`${prefix}dynhid0/kernel`, [blocks, rows, width], why);
  const bias = takeBias(store, `${prefix}dynhid0`, core.deter);
  const ofDeter = turnBlocks(kernel.data, blocks, rows, width, 0, width, 0, width);
  addBlocks(builder, core, 'dynhid0.deter', deter, ofDeter, bias);
  const addDense = (name: string, inputs: readonly string[], from: number) => {
    const inputSize = inputs.length * hidden;
    const weight = turnBlocks(kernel.data, blocks, rows, width, from, from + inputSize, 0, width);
    const fields = { kind: 'linear' as const, inputSize, outputSize: core.deter, bias: false };
    return builder.add(name, fields, inputs, { weight });
  };
  const [own, ...given] = embeddings;
  const ofOwn = addDense('dynhid0.embedding', [own!], width);
  const ofGiven = addDense('dynhid0.given', given, width + hidden);
  return builder.add('dynhid0', { kind: 'combine', combine: 'add' }, ['dynhid0.deter', ofOwn, ofGiven]);
}

function addCell(store: Arrays, builder: GraphBuilder, core: Core, x: string, deter: string): void {
  const { prefix, blocks } = core;
  const width = core.deter / blocks;
  const columns = gates.length * width;
  const kernel = store.take(`${prefix}dyngru/kernel`, [blocks, width, columns], `it must be [N, H/N, 3·H/N]`);
  const bias = takeBias(store, `${prefix}dyngru`, gates.length * core.deter);
  for (const [gate, name] of gates.entries()) {
    const [from, to] = [gate * width, (gate + 1) * width];
    const weight = turnBlocks(kernel.data, blocks, width, columns, 0, width, from, to);
    const own = new Float32Array(core.deter);
    for (let block = 0; block < blocks; block++)
      own.set(bias.data.subarray(block * columns + from, block * columns + to), block * width);
    // σ(update − 1)
    const shifted = name === 'update' ? own.map((value) => value - 1) : own;
    addBlocks(builder, core, `dyngru.${name}`, x, weight, { shape: [core.deter], data: shifted });
  }
  const apply = (name: string, activation: Activation, input: string) =>
    builder.add(name, { kind: 'activation', activation }, [input]);
  const combine = (name: string, how: CombineSpec['combine'], a: string, b: string) =>
    builder.add(name, { kind: 'combine', combine: how }, [a, b]);
  const reset = apply('reset', 'sigmoid', 'dyngru.reset');
  const cand = apply('cand', 'tanh', combine('cand.reset', 'multiply', reset, 'dyngru.cand'));
  const update = apply('update', 'sigmoid', 'dyngru.update');
  const change = combine('change', 'multiply', update, combine('difference', 'subtract', cand, deter));
  combine('deter', 'add', deter, change);
}

function addBlocks(
  builder: GraphBuilder,
  { deter, blocks }: Core,
  name: string,
  input: string,
  weight: Tensor,
  bias: Tensor,
): void {
  const fields = { kind: 'linear' as const, inputSize: deter, outputSize: deter, blocks, bias: true };
  builder.add(name, fields, [input], { weight, bias });
}

/**
 * Of a kernel [N, rows, columns] the rows [fromRow, toRow) and columns [fromColumn, toColumn) of every block, turned:
 * [N·(toColumn − fromColumn), toRow − fromRow].
 */
function turnBlocks(
  data: Float32Array,
  blocks: number,
  rows: number,
  columns: number,
  fromRow: number,
  toRow: number,
  fromColumn: number,
  toColumn: number,
): Tensor {
  const [height, width] = [toColumn - fromColumn, toRow - fromRow];
  const turned = new Float32Array(blocks * height * width);
  let at = 0;
  for (let block = 0; block < blocks; block++)
    for (let column = fromColumn; column < toColumn; column++)
      for (let row = fromRow; row < toRow; row++)
        turned[at++] = data[(block * rows + row) * columns + column]!;
  return { shape: [blocks * height, width], data: turned };
}
