import { isRecurrent, type ModelSpec } from '#dist/model/spec.js';
import { type CellKind, cellKinds } from '../oracle/arbitraries.js';
import { layerOf } from './draw.js';

/** All five cells one after the other, of odd sizes that leave padding in vectors, panels and shares. */
function allCells(hiddenSize: number, blocks: number): ModelSpec {
  const layers = cellKinds.map((kind, k) =>
    layerOf(kind, `rnn.${k}`, k === 0 ? 7 : hiddenSize, hiddenSize, blocks),
  );
  return { layers: [...layers, { kind: 'linear', name: 'out', inputSize: hiddenSize, outputSize: 11 }] };
}

/** The same cells with what ONNX lets them say, and zoneout. */
function generalCells(hiddenSize: number, blocks: number): ModelSpec {
  const said: Record<CellKind, object> = {
    lstm: {
      ...{ activations: ['hardSigmoid', 'softsign', 'elu'], coupled: true, peepholes: true },
      ...{ zoneout: 0.25, zoneoutCell: 0.5 },
    },
    gruAfter: {
      activations: ['sigmoid', { function: 'scaledTanh', alpha: 0.75, beta: 0.5 }],
      clip: 1,
      zoneout: 0.1,
    },
    gruBefore: { activations: ['hardSigmoid', 'softplus'], clip: 0.5, zoneout: 0.2 },
    elmanTanh: { activation: 'silu', clip: 2, zoneout: 0.3 },
    elmanRelu: { activation: { function: 'leakyRelu', alpha: 0.25 } },
  };
  const { layers } = allCells(hiddenSize, blocks);
  return {
    layers: layers.map((layer, k) => ({ ...layer, ...(k < cellKinds.length ? said[cellKinds[k]!] : {}) })),
  };
}

/** Cells and structures of the family, of odd sizes; `blocks` are the sLSTM's heads and those of what is normalised. */
function familyStack(hiddenSize: number, blocks: number): ModelSpec {
  const sizes = { inputSize: hiddenSize, hiddenSize };
  return {
    layers: [
      { kind: 'conv', name: 'conv', size: 7, width: 4 },
      { kind: 'slstm', name: 'slstm', inputSize: 7, hiddenSize, blocks },
      { kind: 'sru', name: 'sru', ...sizes, scale: 1.5 },
      { kind: 'qrnn', name: 'qrnn', ...sizes },
      { kind: 'lnlstm', name: 'normed', ...sizes, blocks },
      { kind: 'lngru', name: 'normed gru', ...sizes, blocks },
      { kind: 'delay', name: 'delay', size: hiddenSize, steps: 2 },
      { kind: 'lstm', name: 'projected', ...sizes, projectionSize: Math.ceil(hiddenSize / 3), zoneout: 0.1 },
      { kind: 'sru', name: 'widened', inputSize: Math.ceil(hiddenSize / 3), hiddenSize: 19 },
      { kind: 'linear', name: 'out', inputSize: 19, outputSize: 11 },
    ],
  };
}

/** Linear layers in blocks that are as wide as nothing is, and diagonal. */
const linearInBlocks: ModelSpec = {
  layers: [
    { kind: 'linear', name: 'five', inputSize: 12, outputSize: 20, blocks: 4 },
    { kind: 'linear', name: 'nine', inputSize: 20, outputSize: 45, blocks: 5 },
    { kind: 'linear', name: 'diagonal', inputSize: 45, outputSize: 45, blocks: 45 },
    { kind: 'linear', name: 'one', inputSize: 45, outputSize: 9, blocks: 9, bias: false },
    { kind: 'linear', name: 'wide', inputSize: 9, outputSize: 99, blocks: 3 },
    { kind: 'gru', name: 'gru', inputSize: 99, hiddenSize: 22, blocks: 2 },
    { kind: 'linear', name: 'out', inputSize: 22, outputSize: 22, blocks: 2 },
  ],
};

/** Every cell over blocks of inputs: as many as blocks of units, fewer, more, and of sizes that leave padding. */
const inputsInBlocks: ModelSpec = {
  layers: [
    { ...layerOf('lstm', 'dense', 15, 35), inputBlocks: 5 },
    { ...layerOf('gruAfter', 'fewer', 35, 45, 15), inputBlocks: 5 },
    { ...layerOf('gruBefore', 'units', 45, 36), inputBlocks: 9 },
    { kind: 'slstm', name: 'same', inputSize: 36, hiddenSize: 54, blocks: 6, inputBlocks: 6 },
    { kind: 'lnlstm', name: 'normed', inputSize: 54, hiddenSize: 54, inputBlocks: 27 },
    { kind: 'lstm', name: 'projected', inputSize: 54, hiddenSize: 30, inputBlocks: 3, projectionSize: 10 },
    { kind: 'sru', name: 'sru', inputSize: 10, hiddenSize: 20, inputBlocks: 10 },
    { kind: 'qrnn', name: 'qrnn', inputSize: 20, hiddenSize: 30, inputBlocks: 10 },
    { ...layerOf('elmanTanh', 'diagonal', 30, 60, 60), inputBlocks: 15 },
    { ...layerOf('lstm', 'all', 60, 60, 60), inputBlocks: 60 },
  ],
};

/** Stacks in which work is shared out in every way: units of one block, blocks, groups of diagonal units. */
export const structures: Record<string, ModelSpec> = {
  dense: allCells(37, 1),
  'dense, fewer units than workers': allCells(3, 1),
  'two blocks': allCells(2 * 21, 2),
  'five blocks': allCells(5 * 9, 5),
  'many small blocks': allCells(12 * 3, 12),
  diagonal: allCells(101, 101),
  mixed: {
    layers: [
      { kind: 'embedding', name: 'embedding', count: 13, size: 10 },
      layerOf('gruAfter', 'a', 10, 30, 3),
      layerOf('lstm', 'b', 30, 25),
      { kind: 'activation', name: 'between', activation: 'tanh' },
      layerOf('elmanTanh', 'c', 25, 70, 70),
      layerOf('gruBefore', 'd', 70, 18),
      { kind: 'linear', name: 'out', inputSize: 18, outputSize: 13, bias: false },
      { kind: 'activation', name: 'softmax', activation: 'logSoftmax' },
    ],
  },
};

/** The same ways for cells of the family. */
export const familyStructures: Record<string, ModelSpec> = {
  'general, dense': generalCells(37, 1),
  'general, five blocks': generalCells(5 * 9, 5),
  'general, diagonal': generalCells(101, 101),
  'family, one head': familyStack(61, 1),
  'family, five heads': familyStack(5 * 9, 5),
  'family, heads of one': familyStack(37, 37),
  'linear in blocks': linearInBlocks,
  'inputs in blocks': inputsInBlocks,
};

/** Rows beside each other that a state has, for reading one stream out of it. */
export function widthsOf(spec: ModelSpec): number[] {
  return spec.layers.filter(isRecurrent).map((layer) => layer.hiddenSize);
}
