import { MismatchError, UnsupportedError } from '../../base/errors.js';
import { oneOf, show } from '../../base/guards.js';
import type { FunctionName } from '../../model/functions.js';
import type { ModelFile, Tensor, Tensors } from '../../model/tensors.js';
import { Arrays } from './arrays.js';
import { assembleModel, type LayoutOptions } from './assemble.js';
import { GraphBuilder } from './graph.js';
import { slstmLayer } from './slstm.js';
import { zeros } from './transpose.js';
import { takeCell, takeInput } from './xlstm-cell.js';

/** How to read weights of the xlstm package. */
export interface XlstmOptions extends LayoutOptions {
  /** sLSTMCellConfig.function: slstm (default) or lstm */
  cell?: string | undefined;
  /** FeedForwardConfig.act_fn, where blocks have a feedforward: swish, relu, relu^2 or sigmoid */
  activation?: string | undefined;
}

/** What each layer and block of the package begins with. */
const kernelName = /^(.*?)(slstm_cell\.)?_recurrent_kernel_$/;
const epsilon = 1e-5;

/**
 * Makes a model of sLSTM blocks of the xlstm package (NX-AI/xlstm): a language model, its block stack, one block, or one
 * layer alone, from the state dict of either backend.
 *
 *   block   x + layer(norm(x)), then x + feedforward(norm(x))      xlstm/blocks/xlstm_block.py lines 76–80
 *   layer   silu(conv(x)) before the gates i and f, x before z and o; the cell; a norm of each head
 *                                                                  xlstm/blocks/slstm/layer.py lines 123–162
 *   norms   their weights are stored less one                      xlstm/components/ln.py lines 27–34
 *
 * @throws MismatchError for missing tensors and other shapes; UnsupportedError for mLSTM blocks and for activations that
 *   are not done or not said
 */
export function decodeXlstm(arrays: Tensors, options: XlstmOptions = {}): ModelFile {
  const { layers, tensors } = planXlstm(arrays, options);
  return assembleModel(layers, tensors, 'these tensors', options);
}

/** The layers that the tensors make, unchecked. */
export function planXlstm(arrays: Tensors, options: XlstmOptions = {}): GraphBuilder {
  const cell = oneOf(options.cell ?? 'slstm', 'cell', ['slstm', 'lstm']);
  const mlstm = Object.keys(arrays).find((name) => /(?:^|\.)(?:mlstm_cell|mlstm_layer)\./.test(name));
  if (mlstm !== undefined)
    throw new UnsupportedError(
      `tensor ${show(mlstm)} is of an mLSTM, which is not done; sLSTM blocks are.`,
      'mLSTM',
    );
  const store = new Arrays(arrays);
  const builder = new GraphBuilder();
  const prefixes = findLayers(store.names);
  let x = 'input';
  const table = store.names.find((name) => /(?:^|\.)token_embedding\.weight$/.test(name));
  if (table !== undefined) {
    const weight = store.take(table, [-1, -1], 'an embedding is [V, E]');
    const [count, size] = weight.shape as [number, number];
    x = builder.add('token_embedding', { kind: 'embedding', count, size }, [], { weight });
  }
  for (const prefix of prefixes) {
    if (!isInBlock(prefix)) {
      x = addLayer(store, builder, prefix, x, cell);
      continue;
    }
    const block = prefix.slice(0, -'xlstm.'.length);
    const normed = addNorm(store, builder, `${block}xlstm_norm`, x, 1);
    const y = addLayer(store, builder, prefix, normed, cell);
    x = builder.add(`${block}sum`, { kind: 'combine', combine: 'add' }, [x, y]);
    if (store.has(`${block}ffn.proj_up.weight`))
      x = addFeedforward(store, builder, block, x, options.activation);
  }
  const post = store.names.find((name) => /(?:^|\.)post_blocks_norm\.weight$/.test(name));
  if (post !== undefined) x = addNorm(store, builder, post.replace(/\.weight$/, ''), x, 1);
  const head = store.names.find((name) => /(?:^|\.)lm_head\.weight$/.test(name));
  if (head !== undefined) {
    const weight = store.take(head, [-1, -1], 'a head is [V, E]');
    const [outputSize, inputSize] = weight.shape as [number, number];
    builder.add('lm_head', { kind: 'linear', inputSize, outputSize, bias: false }, [x], { weight });
  }
  store.checkLeftovers('sLSTM blocks, token_embedding, post_blocks_norm and lm_head are known.');
  return builder;
}

function isInBlock(prefix: string): boolean {
  return /(?:^|\.)xlstm\.$/.test(prefix);
}

/** What stands before the tensors of each sLSTM layer, block after block. */
function findLayers(names: readonly string[]): string[] {
  const prefixes: string[] = [];
  for (const name of names) {
    const match = kernelName.exec(name);
    if (match === null) continue;
    if (match[2] === undefined)
      throw new UnsupportedError(
        `tensor ${show(name)} is of a cell alone; save the layer that has it, with its fgate, igate, zgate and ogate.`,
        'sLSTM cell',
      );
    prefixes.push(match[1]!);
  }
  if (prefixes.length === 0)
    throw new MismatchError(
      'there is no sLSTM among the tensors: a name that ends in "slstm_cell._recurrent_kernel_".',
    );
  const numbers = prefixes.map((prefix) =>
    Number(/(?:^|\.)(\d{1,4})\.xlstm\.$/.exec(prefix)?.[1] ?? Number.NaN),
  );
  // One that is in no stack has no number.
  if (prefixes.length === 1 && Number.isNaN(numbers[0])) return prefixes;
  const order = prefixes.map((_, index) => index).sort((a, b) => numbers[a]! - numbers[b]!);
  for (const [place, index] of order.entries()) {
    if (numbers[index] !== place)
      throw new MismatchError(
        `sLSTM layers must be in blocks 0, 1, …; none is in block ${place}. There are ` +
          `${prefixes.slice(0, 10).map(show).join(', ')}.`,
      );
  }
  return order.map((index) => prefixes[index]!);
}

/** A norm whose weights are stored less one; where it has none, they are one. */
function addNorm(
  store: Arrays,
  builder: GraphBuilder,
  name: string,
  input: string,
  groups: number,
  sizeIfBare?: number,
): string {
  const found = `${name}.weight`;
  const stored =
    sizeIfBare === undefined || store.has(found)
      ? store.take(found, [sizeIfBare ?? -1], `it is the norm before ${show(input)}`)
      : zeros(sizeIfBare);
  const size = stored.data.length;
  const weight: Tensor = { shape: [size], data: stored.data.map((value) => 1 + value) };
  const bias = store.takeIfThere(`${name}.bias`, [size], `${show(found)} implies [${size}]`) ?? zeros(size);
  return builder.add(name, { kind: 'norm', size, norm: 'layer', groups, epsilon }, [input], { weight, bias });
}

/** One sLSTM layer. @returns its output's name */
function addLayer(store: Arrays, builder: GraphBuilder, prefix: string, x: string, cell: string): string {
  const convName = `${prefix}conv1d.conv.weight`;
  const parts = takeCell(store, `${prefix}slstm_cell.`);
  const { heads, units, weightHh, bias } = parts;
  const size = heads * units;
  const hasConv = store.has(convName);
  let read = [x];
  if (hasConv) {
    const { shape, data } = store.take(convName, [size, 1, -1], `the cell implies [${size}, 1, width]`);
    const width = shape[2]!;
    const shift =
      store.takeIfThere(`${prefix}conv1d.conv.bias`, [size], `${show(convName)} implies [${size}]`) ??
      zeros(size);
    const name = `${prefix}conv1d`;
    // Over one step a convolution is a factor.
    if (width === 1)
      builder.add(name, { kind: 'scale', size }, [x], { weight: { shape: [size], data }, bias: shift });
    else
      builder.add(name, { kind: 'conv', size, width }, [x], {
        weight: { shape: [size, width], data },
        bias: shift,
      });
    read = [builder.add(`${prefix}conv_act_fn`, { kind: 'activation', activation: 'silu' }, [name]), x];
  }
  const weightIh = takeInput(store, prefix, parts, hasConv);
  const name = `${prefix}slstm_cell`;
  if (cell === 'lstm') {
    const fields = { kind: 'lstm' as const, inputSize: weightIh.shape[1]!, hiddenSize: size, blocks: heads };
    const tensors = { weight_ih: weightIh, weight_hh: weightHh, bias_ih: bias, bias_hh: zeros(4 * size) };
    builder.add(name, fields, read, tensors);
  } else {
    const made = slstmLayer(name, heads, { weightIh, weightHh, bias });
    builder.layers.push({ ...made.layer, inputs: read });
    Object.assign(builder.tensors, made.tensors);
  }
  return addNorm(store, builder, `${prefix}group_norm`, name, heads, size);
}

/** y = x + down(f(gate) · up), where gate and up are halves of one product. @returns its output's name */
function addFeedforward(
  store: Arrays,
  builder: GraphBuilder,
  block: string,
  x: string,
  activation: string | undefined,
): string {
  const normed = addNorm(store, builder, `${block}ffn_norm`, x, 1);
  const up = addLinear(store, builder, `${block}ffn.proj_up`, normed);
  const [rows] = builder.tensors[`${up}.weight`]!.shape as [number, number];
  const half = rows / 2;
  if (!Number.isInteger(half))
    throw new MismatchError(`tensor ${show(`${up}.weight`)} must have 2·F rows, it has ${rows}.`);
  const slice = (end: string, from: number) =>
    builder.add(`${block}ffn.${end}`, { kind: 'slice', inputSize: rows, from, to: from + half }, [up]);
  const gate = addFunction(builder, `${block}ffn.act_fn`, slice('gate', 0), activation);
  const product = builder.add(`${block}ffn.product`, { kind: 'combine', combine: 'multiply' }, [
    gate,
    slice('up', half),
  ]);
  const down = addLinear(store, builder, `${block}ffn.proj_down`, product);
  return builder.add(`${block}ffn.sum`, { kind: 'combine', combine: 'add' }, [x, down]);
}

function addLinear(store: Arrays, builder: GraphBuilder, name: string, input: string): string {
  const weight = store.take(`${name}.weight`, [-1, -1], 'a projection is [O, I]');
  const [outputSize, inputSize] = weight.shape as [number, number];
  const why = `${show(`${name}.weight`)} implies [${outputSize}]`;
  const bias = store.takeIfThere(`${name}.bias`, [outputSize], why);
  const fields = { kind: 'linear' as const, inputSize, outputSize, bias: bias !== undefined };
  return builder.add(name, fields, [input], { weight, ...(bias && { bias }) });
}

/** act_fn of xlstm/components/feedforward.py lines 12–19. */
function addFunction(
  builder: GraphBuilder,
  name: string,
  input: string,
  activation: string | undefined,
): string {
  const add = (of: FunctionName, to = name) =>
    builder.add(to, { kind: 'activation', activation: of }, [input]);
  switch (activation) {
    case 'swish':
    case 'silu':
      return add('silu');
    case 'gelu':
    case 'relu':
    case 'sigmoid':
      return add(activation);
    case 'relu^2': {
      const relu = add('relu', `${name}.relu`);
      return builder.add(name, { kind: 'combine', combine: 'multiply' }, [relu, relu]);
    }
    default:
      throw new UnsupportedError(
        `${activation === undefined ? 'act_fn is not said in the file' : `act_fn ${show(activation)} is not done`}. ` +
          "The option activation says which it is: gelu, the package's default, swish, relu, relu^2 or sigmoid.",
        'activation',
      );
  }
}
