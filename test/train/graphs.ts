import type { FunctionName } from '#dist/model/functions.js';
import { functions } from '#dist/model/functions.js';
import type { LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { layerOf } from '../session/draw.js';

/** Graphs that train: every layer that plain stacks have not, in each place in which it does something else. */

const linear = (name: string, inputSize: number, outputSize: number, inputs?: string[]): LayerSpec => ({
  kind: 'linear',
  name,
  inputSize,
  outputSize,
  ...(inputs === undefined ? {} : { inputs }),
});
const activation = (name: string, of: FunctionName, inputs?: string[]): LayerSpec => ({
  kind: 'activation',
  name,
  activation: of,
  ...(inputs === undefined ? {} : { inputs }),
});
const combine = (
  name: string,
  kind: 'add' | 'subtract' | 'multiply' | 'divide',
  inputs: string[],
): LayerSpec => ({ kind: 'combine', name, combine: kind, inputs });

const others = Object.keys(functions).filter(
  (name) => !['tanh', 'sigmoid', 'relu'].includes(name),
) as FunctionName[];

/** Reads by name, sums, products, slices and functions. */
export const wired: Record<string, LayerSpec[]> = {
  'residual connections around recurrent layers': [
    { kind: 'embedding', name: 'e', count: 7, size: 5 },
    layerOf('lstm', 'a', 5, 5),
    combine('sum', 'add', ['a', 'e']),
    layerOf('gruAfter', 'b', 5, 5, 5),
    combine('out.sum', 'add', ['b', 'sum', 'e']),
    linear('out', 5, 7),
  ],
  'layers that read several side by side': [
    layerOf('gruBefore', 'a', 3, 6, 2),
    { ...layerOf('lstm', 'b', 9, 5), inputs: ['a', 'input'] } as LayerSpec,
    { ...layerOf('elmanTanh', 'c', 14, 4, 4), inputs: ['input', 'b', 'a'] } as LayerSpec,
    linear('out', 12, 3, ['c', 'input', 'b']),
  ],
  'gated sums': [
    linear('value', 3, 9),
    linear('gate', 3, 9, ['input']),
    activation('open', 'sigmoid'),
    combine('gated', 'multiply', ['value', 'open']),
    layerOf('elmanTanh', 'a', 9, 9, 3),
    combine('rest', 'subtract', ['a', 'gated', 'value']),
    combine('three', 'multiply', ['rest', 'open', 'gated']),
    linear('out', 9, 4),
  ],
  quotients: [
    layerOf('lstm', 'a', 3, 6, 2),
    activation('under', 'softplus', ['a']),
    { kind: 'activation', name: 'apart', activation: 'affine', beta: 1, inputs: ['under'] },
    combine('divided', 'divide', ['a', 'apart', 'under']),
    // 0 / 0 past a stream's end, where what a recurrent layer gives is 0
    combine('square', 'multiply', ['a', 'a']),
    combine('itself', 'divide', ['square', 'square']),
    combine('all', 'add', ['divided', 'itself']),
    linear('out', 6, 3),
  ],
  slices: [
    { kind: 'embedding', name: 'e', count: 6, size: 10 },
    { kind: 'slice', name: 'low', inputSize: 10, from: 0, to: 7 },
    { kind: 'slice', name: 'high', inputSize: 10, from: 4, to: 9, inputs: ['e'] },
    layerOf('gruAfter', 'a', 5, 7),
    combine('sum', 'add', ['a', 'low']),
    { kind: 'slice', name: 'few', inputSize: 12, from: 5, to: 10, inputs: ['sum', 'high'] },
    activation('same', 'identity'),
    combine('end', 'multiply', ['same', 'high', 'few']),
    linear('out', 10, 6, ['end', 'few']),
  ],
  'slices of the input, and what nobody reads': [
    { kind: 'slice', name: 'first', inputSize: 5, from: 0, to: 2 },
    { kind: 'slice', name: 'rest', inputSize: 5, from: 2, to: 5, inputs: ['input'] },
    layerOf('elmanRelu', 'a', 3, 3),
    linear('idle', 2, 4, ['first']),
    { kind: 'slice', name: 'cut', inputSize: 9, from: 4, to: 9, inputs: ['idle', 'a', 'first'] },
    linear('out', 5, 2),
  ],
  'the same layer twice': [
    linear('in', 3, 4),
    combine('square', 'multiply', ['in', 'in']),
    combine('double', 'add', ['square', 'square']),
    combine('none', 'subtract', ['double', 'in', 'in']),
    linear('out', 8, 3, ['none', 'none']),
  ],
  'functions of the input alone': [
    { kind: 'scale', name: 'scaled', size: 3 },
    activation('bent', 'softsign', ['input']),
    combine('both', 'add', ['scaled', 'bent']),
    linear('out', 3, 3),
  ],
  'every function': [
    linear('in', 3, 5),
    ...others.map((of, k): LayerSpec => activation(`f.${k}`, of, ['in'])),
    combine(
      'sum',
      'add',
      others.map((_, k) => `f.${k}`),
    ),
    layerOf('elmanTanh', 'a', 5, 5),
    activation('last', 'silu'),
    linear('out', 5, 3),
  ],
};

/** Norms and scales. */
export const normed: Record<string, LayerSpec[]> = {
  'norms before and behind recurrent layers': [
    { kind: 'norm', name: 'first', size: 5, epsilon: 1e-2 },
    layerOf('lstm', 'a', 5, 9),
    { kind: 'norm', name: 'groups', size: 9, groups: 3, epsilon: 1e-2 },
    layerOf('gruAfter', 'b', 9, 6, 2),
    { kind: 'norm', name: 'rms', size: 6, norm: 'rms', epsilon: 1e-2 },
    { kind: 'norm', name: 'pairs', size: 6, norm: 'rms', groups: 3, epsilon: 1e-2 },
    linear('out', 6, 3),
  ],
  'a norm of several, and scales': [
    { kind: 'embedding', name: 'e', count: 6, size: 7 },
    layerOf('elmanTanh', 'a', 7, 4),
    { kind: 'norm', name: 'n', size: 11, epsilon: 1e-2, inputs: ['a', 'e'] },
    { kind: 'scale', name: 's', size: 11 },
    combine('sum', 'add', ['s', 'n']),
    { kind: 'scale', name: 'end', size: 15, inputs: ['sum', 'a'] },
    linear('out', 15, 6),
  ],
  'wide rows': [
    linear('in', 2, 37),
    { kind: 'norm', name: 'n', size: 37, epsilon: 1e-2 },
    combine('sum', 'add', ['n', 'in']),
    { kind: 'scale', name: 's', size: 37 },
    linear('out', 37, 3),
  ],
};

/** Linear layers in blocks: their columns are whole panels, or none, or one alone. */
export const blocked: Record<string, LayerSpec[]> = {
  'linear layers in blocks': [
    { kind: 'linear', name: 'odd', inputSize: 9, outputSize: 15, blocks: 3 },
    layerOf('elmanTanh', 'a', 15, 10),
    { kind: 'linear', name: 'narrow', inputSize: 10, outputSize: 5, blocks: 5 },
    { kind: 'linear', name: 'wide', inputSize: 5, outputSize: 20, blocks: 5, bias: false },
    combine('sum', 'add', ['wide', 'wide']),
    linear('out', 20, 3),
  ],
  'blocks of whole panels, and diagonals': [
    linear('in', 3, 16),
    { kind: 'linear', name: 'panels', inputSize: 16, outputSize: 32, blocks: 2 },
    { kind: 'linear', name: 'back', inputSize: 32, outputSize: 9, blocks: 1 },
    { kind: 'linear', name: 'diagonal', inputSize: 9, outputSize: 9, blocks: 9 },
    { kind: 'linear', name: 'bare', inputSize: 9, outputSize: 9, blocks: 9, bias: false },
    linear('out', 9, 3),
  ],
};

/** The last linear layer in blocks: odd ones, whole panels, diagonal, without bias, and where nothing trains before. */
export const ended: Record<string, LayerSpec[]> = {
  'a last layer in blocks': [
    layerOf('lstm', 'a', 3, 9, 3),
    { kind: 'linear', name: 'out', inputSize: 9, outputSize: 15, blocks: 3 },
  ],
  'a last layer in blocks of whole panels': [
    { kind: 'embedding', name: 'e', count: 16, size: 16 },
    layerOf('gruAfter', 'a', 16, 16, 2),
    { kind: 'linear', name: 'out', inputSize: 16, outputSize: 16, blocks: 2, bias: false },
  ],
  'a last layer that is diagonal': [
    layerOf('elmanTanh', 'a', 3, 5),
    { kind: 'linear', name: 'out', inputSize: 5, outputSize: 5, blocks: 5 },
  ],
  'a last layer in blocks alone': [{ kind: 'linear', name: 'out', inputSize: 6, outputSize: 4, blocks: 2 }],
};

/** Features in another order: of the input, between blocks, of a value that others read as it is, where nothing trains before. */
export const shuffled: Record<string, LayerSpec[]> = {
  'shuffles between blocks': [
    { kind: 'linear', name: 'in', inputSize: 3, outputSize: 12 },
    { kind: 'shuffle', name: 'first', size: 12 },
    { kind: 'linear', name: 'blocks', inputSize: 12, outputSize: 12, blocks: 4 },
    { kind: 'shuffle', name: 'second', size: 12 },
    layerOf('lstm', 'a', 12, 9, 3),
    { kind: 'shuffle', name: 'third', size: 9 },
    { kind: 'scale', name: 'scale', size: 9 },
    combine('sum', 'add', ['scale', 'a', 'third']),
    linear('out', 9, 3),
  ],
  'shuffles of the input and of several': [
    { kind: 'shuffle', name: 'bare', size: 5 },
    layerOf('gruAfter', 'a', 5, 6, 2),
    { kind: 'shuffle', name: 'both', size: 17, inputs: ['a', 'bare', 'a'] },
    { kind: 'shuffle', name: 'again', size: 17 },
    linear('out', 22, 4, ['again', 'bare']),
  ],
  'a shuffle of an embedding': [
    { kind: 'embedding', name: 'e', count: 6, size: 8 },
    { kind: 'shuffle', name: 'mix', size: 8 },
    layerOf('gruBefore', 'a', 8, 5),
    { kind: 'shuffle', name: 'one', size: 5 },
    linear('out', 5, 6),
  ],
};

/** Recurrent layers whose units read blocks of inputs, of which a block of units has some, one, or a part of one. */
export const inputBlocked: Record<string, LayerSpec[]> = {
  'blocks of inputs': [
    linear('in', 3, 6),
    { ...layerOf('lstm', 'same', 6, 6, 3), inputBlocks: 3 } as LayerSpec,
    { ...layerOf('gruAfter', 'fewer', 6, 6, 6), inputBlocks: 2 } as LayerSpec,
    { ...layerOf('gruBefore', 'more', 6, 6, 2), inputBlocks: 6 } as LayerSpec,
    linear('out', 6, 3),
  ],
  'blocks of inputs that units’ blocks have in common': [
    linear('in', 3, 6),
    { ...layerOf('elmanTanh', 'other', 6, 12, 4), inputBlocks: 3 } as LayerSpec,
    { kind: 'shuffle', name: 'mix', size: 12 },
    { ...layerOf('elmanRelu', 'units', 12, 12, 12), inputBlocks: 12 } as LayerSpec,
    linear('out', 12, 3),
  ],
  'blocks of inputs of an embedding, and of several': [
    { kind: 'embedding', name: 'e', count: 6, size: 8 },
    { ...layerOf('lstm', 'a', 8, 4), inputBlocks: 2 } as LayerSpec,
    { kind: 'sru', name: 'b', inputSize: 12, hiddenSize: 12, inputBlocks: 4, inputs: ['a', 'e'] },
    { kind: 'qrnn', name: 'c', inputSize: 16, hiddenSize: 8, inputBlocks: 8, inputs: ['b', 'a'] },
    linear('out', 8, 6),
  ],
};

/** Blocks of different sizes, of the input, of several, and read by others than a linear layer. */
export const ragged: Record<string, LayerSpec[]> = {
  'blocks of different sizes': [
    { kind: 'gru', name: 'a', inputSize: 3, hiddenSize: 11, blockSizes: [2, 2, 1, 1, 5] },
    { kind: 'shuffle', name: 'mix', size: 11 },
    { kind: 'lstm', name: 'b', inputSize: 14, hiddenSize: 11, blockSizes: [8, 3], inputs: ['mix', 'input'] },
    combine('sum', 'add', ['b', 'a']),
    { kind: 'norm', name: 'n', size: 11, epsilon: 1e-2 },
    linear('out', 11, 3),
  ],
  'blocks of different sizes behind an embedding': [
    { kind: 'embedding', name: 'e', count: 6, size: 5 },
    { kind: 'lstm', name: 'a', inputSize: 5, hiddenSize: 9, blockSizes: [1, 4, 4], peepholes: true },
    { kind: 'slstm', name: 'b', inputSize: 9, hiddenSize: 8, blockSizes: [3, 5] },
    { kind: 'elman', name: 'c', inputSize: 17, hiddenSize: 6, blockSizes: [4, 2], inputs: ['b', 'a'] },
    linear('out', 6, 6),
  ],
};

/** Layers that look back. */
export const looking: Record<string, LayerSpec[]> = {
  'a causal convolution behind a gate': [
    linear('in', 3, 10),
    { kind: 'conv', name: 'conv', size: 10, width: 4 },
    activation('bent', 'silu'),
    layerOf('gruAfter', 'a', 10, 10, 5),
    combine('gated', 'multiply', ['a', 'bent']),
    { kind: 'conv', name: 'last', size: 10, width: 2, bias: false },
    linear('out', 10, 3),
  ],
  'convolutions of the input and of several': [
    { kind: 'conv', name: 'first', size: 3, width: 3 },
    layerOf('lstm', 'a', 3, 6, 2),
    { kind: 'conv', name: 'both', size: 9, width: 6, inputs: ['a', 'input'] },
    linear('out', 9, 4),
  ],
  'delays, of a window and of a state': [
    { kind: 'embedding', name: 'e', count: 6, size: 5 },
    { kind: 'delay', name: 'before', size: 5 },
    { ...layerOf('elmanTanh', 'a', 10, 7), inputs: ['e', 'before'] } as LayerSpec,
    { kind: 'delay', name: 'long', size: 12, steps: 3, inputs: ['a', 'before'] },
    { kind: 'slice', name: 'some', inputSize: 12, from: 2, to: 9 },
    combine('sum', 'subtract', ['a', 'some']),
    linear('out', 7, 6),
  ],
};

const delay = (name: string, size: number, input: string, steps = 1): LayerSpec => ({
  ...{ kind: 'delay', name, size, inputs: [input] },
  ...(steps === 1 ? {} : { steps }),
});

/** Layers that come back to themselves. */
export const looped: Record<string, LayerSpec[]> = {
  'an Elman cell of layers': [
    { kind: 'slice', name: 'x', inputSize: 3, from: 0, to: 3 },
    delay('before', 5, 'h'),
    linear('sum', 8, 5, ['x', 'before']),
    activation('h', 'tanh'),
    linear('out', 5, 3),
  ],
  'a gated cell in blocks, with norms': [
    { kind: 'embedding', name: 'e', count: 7, size: 6 },
    delay('before', 6, 'h'),
    { kind: 'linear', name: 'own', inputSize: 6, outputSize: 9, blocks: 3 },
    { kind: 'norm', name: 'n', size: 9, norm: 'rms', epsilon: 1e-2 },
    activation('u', 'silu'),
    { ...linear('gate', 15, 6, ['u', 'e']), bias: false } as LayerSpec,
    activation('z', 'sigmoid'),
    { kind: 'linear', name: 'cand', inputSize: 9, outputSize: 6, blocks: 3, inputs: ['u'] },
    combine('candidate', 'add', ['cand', 'e']),
    { kind: 'norm', name: 'centred', size: 6, epsilon: 1e-2 },
    activation('n.tanh', 'tanh'),
    combine('difference', 'subtract', ['n.tanh', 'before']),
    combine('change', 'multiply', ['z', 'difference']),
    combine('h', 'add', ['before', 'change']),
    layerOf('gruAfter', 'behind', 6, 6, 2),
    combine('both', 'add', ['behind', 'h']),
    linear('out', 6, 7),
  ],
  'two loops, one behind the other, and a layer between': [
    linear('in', 3, 5),
    delay('a.before', 5, 'a', 2),
    { kind: 'scale', name: 'a.own', size: 5 },
    combine('a.sum', 'add', ['a.own', 'in']),
    activation('a', 'relu'),
    layerOf('lstm', 'between', 5, 4),
    delay('b.before', 3, 'b', 3),
    linear('b.sum', 7, 3, ['between', 'b.before']),
    activation('b', 'softsign'),
    linear('out', 13, 4, ['b', 'a', 'in']),
  ],
  'a loop of several delays, convolutions and slices': [
    linear('in', 3, 6),
    delay('near', 4, 'some'),
    delay('far', 4, 'near', 2),
    { kind: 'conv', name: 'conv', size: 8, width: 3, inputs: ['near', 'far'] },
    combine('twice', 'multiply', ['conv', 'conv']),
    linear('mix', 14, 9, ['twice', 'in']),
    activation('bent', 'tanh'),
    { kind: 'slice', name: 'some', inputSize: 9, from: 2, to: 6 },
    { kind: 'slice', name: 'rest', inputSize: 9, from: 4, to: 9, inputs: ['bent'] },
    linear('out', 13, 3, ['rest', 'far', 'some']),
  ],
  'loops that stand in each other’s way in the spec': [
    { kind: 'slice', name: 'x', inputSize: 4, from: 0, to: 4 },
    delay('late', 3, 'b'),
    delay('early', 4, 'a'),
    delay('ahead', 3, 'c', 2),
    linear('a.own', 8, 4, ['early', 'x']),
    { ...layerOf('elmanTanh', 'c', 4, 3), inputs: ['x'] } as LayerSpec,
    activation('a', 'tanh', ['a.own']),
    linear('b.sum', 10, 3, ['late', 'c', 'a']),
    activation('b', 'sigmoid'),
    delay('alone', 2, 'alone'),
    combine('of.it', 'add', ['alone', 'alone']),
    linear('out', 12, 3, ['b', 'a', 'of.it', 'ahead']),
  ],
  'blocks that a shuffle brings together from step to step': [
    linear('in', 3, 6),
    delay('before', 6, 'h'),
    { kind: 'shuffle', name: 'mix', size: 6 },
    { kind: 'linear', name: 'own', inputSize: 6, outputSize: 6, blocks: 3 },
    combine('sum', 'add', ['own', 'in']),
    activation('h', 'tanh'),
    linear('out', 6, 3),
  ],
  'a quotient in a loop': [
    linear('in', 3, 5),
    delay('before', 5, 'h'),
    activation('under', 'softplus', ['before']),
    { kind: 'activation', name: 'apart', activation: 'affine', beta: 1, inputs: ['under'] },
    combine('h', 'divide', ['in', 'apart']),
    linear('out', 10, 3, ['h', 'before']),
  ],
};

export const graphs: Record<string, ModelSpec> = Object.fromEntries(
  Object.entries({
    ...wired,
    ...normed,
    ...blocked,
    ...ended,
    ...shuffled,
    ...inputBlocked,
    ...ragged,
    ...looking,
    ...looped,
  }).map(([name, layers]) => [name, { layers }]),
);
