import { createModel } from 'blockrnn';

/** One LSTM layer over 64 inputs; `blocks` of 1 is dense, of `hidden` diagonal. `draw` makes tensors of a shape. */
export function openLayer(hidden, blocks, draw, options) {
  const layer = { kind: 'lstm', name: 'lstm', inputSize: 64, hiddenSize: hidden, blocks };
  const tensors = {
    'lstm.weight_ih': draw([4 * hidden, 64]),
    'lstm.weight_hh': draw([4 * hidden, hidden / blocks]), // of each row its own block, and no zeros
    'lstm.bias_ih': draw([4 * hidden]),
    'lstm.bias_hh': draw([4 * hidden]),
  };
  return createModel({ layers: [layer] }, tensors, options);
}

/** Microseconds per step of a run over x, of shape [steps, 64]. */
export async function time(model, x, steps) {
  const start = performance.now();
  await model.run(x, { steps });
  return ((performance.now() - start) * 1000) / steps;
}
