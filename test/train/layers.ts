import { fullFunc } from '#dist/model/functions.js';
import type { CombineSpec, LayerSpec } from '#dist/model/spec.js';
import { applyOn } from './slopes.js';
import type { Node, Tape } from './tape.js';

/** One step through a layer that knows nothing of time. */
export function stepLayer(
  tape: Tape,
  layer: LayerSpec,
  parameter: (name: string) => Node,
  read: readonly Node[],
): Node {
  if (layer.kind === 'combine') return read.reduce((a, b) => combine(tape, layer.combine, a, b));
  const x = tape.join(...read);
  switch (layer.kind) {
    case 'embedding':
      return tape.slice(parameter('weight'), x.value[0]! * layer.size, layer.size);
    case 'linear': {
      const { inputSize, outputSize, blocks = 1 } = layer;
      const [own, depth] = [outputSize / blocks, inputSize / blocks];
      const parts = Array.from({ length: blocks }, (_, n) =>
        tape.product(parameter('weight'), n * own, own, depth, tape.slice(x, n * depth, depth)),
      );
      const y = blocks === 1 ? tape.product(parameter('weight'), 0, own, depth, x) : tape.join(...parts);
      return layer.bias === false ? y : tape.add(y, parameter('bias'));
    }
    case 'activation': {
      const { activation } = layer;
      if (activation === 'softmax' || activation === 'logSoftmax')
        throw new Error('a model in training ends in logits: the losses have the softmax.');
      const { alpha, beta } = fullFunc({ ...layer, function: activation });
      // The program has them as floats.
      return applyOn(tape, { function: activation, alpha: Math.fround(alpha), beta: Math.fround(beta) }, x);
    }
    case 'shuffle':
      return tape.join(...Array.from(parameter('order').value, (from) => tape.slice(x, from, 1)));
    case 'slice':
      return tape.slice(x, layer.from, layer.to - layer.from);
    case 'scale':
      return tape.add(tape.multiply(x, parameter('weight')), parameter('bias'));
    case 'norm': {
      const { size, groups = 1, norm, epsilon = 1e-5 } = layer;
      const n = tape.normalise(x, size / groups, norm !== 'rms', epsilon);
      const y = tape.multiply(n, parameter('weight'));
      return norm === 'rms' ? y : tape.add(y, parameter('bias'));
    }
    default:
      throw new Error(`a layer of kind ${layer.kind} is not known here.`);
  }
}

function combine(tape: Tape, kind: CombineSpec['combine'], a: Node, b: Node): Node {
  switch (kind) {
    case 'add':
      return tape.add(a, b);
    case 'subtract': {
      const minus = tape.map(
        b,
        (v) => -v,
        () => -1,
      );
      return tape.add(a, minus);
    }
    case 'multiply':
      return tape.multiply(a, b);
    case 'divide':
      return tape.divide(a, b);
  }
}
