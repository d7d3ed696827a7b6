import { fullFunc, functionCodes } from '../../model/functions.js';
import type { ActivationSpec, CombineSpec, NormSpec, ScaleSpec, ShuffleSpec } from '../../model/spec.js';
import type { Link } from './link.js';
import { type Plan, placeRows, planParam } from './params.js';
import type { TrainOp } from './program.js';

/** Layers that know nothing of time. */

export function planActivation(plan: Plan, layer: ActivationSpec, input: Link, width: number): TrainOp {
  const { name, activation } = layer;
  const shared = { name, input, out: placeRows(plan, plan.rows, width), outputs: width, dropped: 0 } as const;
  switch (activation) {
    case 'tanh':
    case 'sigmoid':
    case 'relu':
      return { op: 'activation', ...shared, activation };
    case 'softmax':
    case 'logSoftmax':
      throw new Error('A softmax is the loss’s own.');
    default: {
      const { alpha, beta } = fullFunc({ ...layer, function: activation });
      return { op: 'function', ...shared, code: functionCodes[activation], alpha, beta };
    }
  }
}

export function planCombine(
  plan: Plan,
  { name, combine }: CombineSpec,
  inputs: Link[],
  width: number,
): TrainOp {
  const out = placeRows(plan, plan.rows, width);
  return { op: 'combine', name, input: inputs[0]!, inputs, out, outputs: width, dropped: 0, combine };
}

export function planScale(plan: Plan, { name, size }: ScaleSpec, input: Link): TrainOp {
  const out = placeRows(plan, plan.rows, size);
  return {
    ...{ op: 'scale', name, input, out, outputs: size, dropped: 0 },
    weight: planVector(plan, `${name}.weight`, size),
    bias: planVector(plan, `${name}.bias`, size),
    left: out.y,
  };
}

export function planShuffle(plan: Plan, { name, size }: ShuffleSpec, input: Link): TrainOp {
  const out = placeRows(plan, plan.rows, size);
  return { op: 'shuffle', name, input, out, outputs: size, dropped: 0, order: plan.layout.place(size) };
}

export function planNorm(plan: Plan, layer: NormSpec, input: Link): TrainOp {
  const { name, size, norm, groups = 1, epsilon = 1e-5 } = layer;
  const centred = norm !== 'rms';
  const out = placeRows(plan, plan.rows, size);
  return {
    ...{ op: 'norm', name, input, out, outputs: size, dropped: 0 },
    weight: planVector(plan, `${name}.weight`, size),
    bias: centred ? planVector(plan, `${name}.bias`, size) : undefined,
    left: out.y,
    ...{ groups, centred, epsilon },
  };
}

function planVector(plan: Plan, name: string, size: number) {
  return planParam(plan, name, { parts: 1, rows: size, columns: 1 });
}
