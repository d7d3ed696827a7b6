import { draw } from './draw.mjs';

const gates = { lstm: 4, gru: 3, elman: 1 };

/** Tensors for a spec, as the README's table of shapes has them. */
export function drawTensors(spec, seed) {
  const source = draw(seed);
  const tensors = {};
  const add = (name, ...shape) => {
    tensors[name] = {
      shape,
      data: source.floats(
        shape.reduce((a, b) => a * b),
        0.4,
      ),
    };
  };
  for (const layer of spec.layers) {
    const { kind, name } = layer;
    if (kind === 'embedding') add(`${name}.weight`, layer.count, layer.size);
    else if (kind === 'linear') {
      add(`${name}.weight`, layer.outputSize, layer.inputSize);
      if (layer.bias !== false) add(`${name}.bias`, layer.outputSize);
    } else if (kind in gates) {
      const rows = gates[kind] * layer.hiddenSize;
      add(`${name}.weight_ih`, rows, layer.inputSize);
      add(`${name}.weight_hh`, rows, layer.hiddenSize / layer.blocks);
      add(`${name}.bias_ih`, rows);
      add(`${name}.bias_hh`, rows);
    }
  }
  return tensors;
}

const cells = {
  lstm: { kind: 'lstm' },
  'gru after': { kind: 'gru', resetAfter: true },
  'gru before': { kind: 'gru', resetAfter: false },
  'elman tanh': { kind: 'elman', activation: 'tanh' },
  'elman relu': { kind: 'elman', activation: 'relu' },
};

/** Sizes that fill vectors and tiles, and sizes that leave a rest. */
const structures = {
  dense: { inputSize: 5, hiddenSize: 13, blocks: 1 },
  blocks: { inputSize: 16, hiddenSize: 64, blocks: 4 },
  'odd blocks': { inputSize: 7, hiddenSize: 35, blocks: 5 },
  diagonal: { inputSize: 3, hiddenSize: 18, blocks: 18 },
};

/** One layer of every cell in every structure. */
export const single = Object.entries(cells).flatMap(([cell, what]) =>
  Object.entries(structures).map(([structure, sizes]) => ({
    name: `${cell}, ${structure}`,
    inputs: sizes.inputSize,
    spec: { layers: [{ ...what, name: 'layer', ...sizes }] },
  })),
);

const recurrent = (kind, name, inputSize, hiddenSize, blocks, more) => ({
  kind,
  name,
  inputSize,
  hiddenSize,
  blocks,
  ...more,
});
const activation = (name) => ({ kind: 'activation', name, activation: name });

/** Stacks: ids in and probabilities out, and every activation. */
export const stacks = [
  {
    name: 'ids, lstm, gru, linear, softmax',
    ids: 20,
    spec: {
      layers: [
        { kind: 'embedding', name: 'embedding', count: 20, size: 8 },
        recurrent('lstm', 'lstm', 8, 24, 3),
        recurrent('gru', 'gru', 24, 24, 24, { resetAfter: true }),
        { kind: 'linear', name: 'decoder', inputSize: 24, outputSize: 20 },
        activation('softmax'),
      ],
    },
  },
  {
    name: 'linear, tanh, elman, sigmoid, gru, relu, linear, logSoftmax',
    inputs: 6,
    spec: {
      layers: [
        { kind: 'linear', name: 'encoder', inputSize: 6, outputSize: 10, bias: false },
        activation('tanh'),
        recurrent('elman', 'elman', 10, 12, 2, { activation: 'tanh' }),
        activation('sigmoid'),
        recurrent('gru', 'gru', 12, 9, 3, { resetAfter: false }),
        activation('relu'),
        { kind: 'linear', name: 'decoder', inputSize: 9, outputSize: 4 },
        activation('logSoftmax'),
      ],
    },
  },
];
