import { cellOf } from '../../model/cells.js';
import type { LinearSpec, RecurrentLayerSpec } from '../../model/spec.js';
import type { Link } from './link.js';
import {
  onePhase,
  type ParamShape,
  type Plan,
  placeRows,
  planBias,
  planParam,
  planWeight,
} from './params.js';
import type { TrainOp } from './program.js';
import type { BlockWeight, InputBlocks } from './tapes.js';

/** A linear layer in blocks; where each has one input and one output it is a scale. */
export function planBlocks(plan: Plan, layer: LinearSpec, input: Link): TrainOp {
  const { name, inputSize: inputs, outputSize: outputs, blocks: parts = 1 } = layer;
  const shared = { name, input, out: placeRows(plan, plan.rows, outputs), outputs, dropped: 0 } as const;
  if (outputs === parts && inputs === parts) {
    const weight = planParam(plan, `${name}.weight`, { parts: 1, rows: outputs, columns: 1 });
    return { op: 'scale', ...shared, weight, bias: planBias(plan, layer), left: shared.out.y };
  }
  const sizes = { inputs, outputs, parts };
  const weight = planBlockWeight(plan, `${name}.weight`, sizes, { each: outputs / parts });
  return { op: 'blocks', ...shared, ...weight, bias: planBias(plan, layer) };
}

/**
 * A block-diagonal weight, and room to multiply by it.
 * @param tensor its name
 * @param rows which rows of it each part has
 */
export function planBlockWeight(
  plan: Plan,
  tensor: string,
  sizes: Pick<BlockWeight, 'inputs' | 'outputs' | 'parts'>,
  rows: Pick<ParamShape, 'each' | 'blocked'>,
): BlockWeight {
  const { inputs, outputs, parts } = sizes;
  const [own, depth] = [outputs / parts, inputs / parts];
  const param = planParam(plan, tensor, { parts, rows: own, columns: depth, padded: true, ...rows });
  return {
    ...sizes,
    weight: planWeight(plan.layout, param, onePhase(own)),
    staged: placeRows(plan, plan.rows, Math.max(own, depth)),
  };
}

/**
 * The input weights of a recurrent layer whose units read blocks of inputs.
 * @param rows of z, of all parts
 */
export function planInputBlocks(plan: Plan, layer: RecurrentLayerSpec, rows: number): InputBlocks {
  const { name, inputSize: inputs, hiddenSize: hidden, inputBlocks: parts = 1 } = layer;
  const outputs = cellOf(layer).gates * hidden;
  const blocked = { hidden, units: hidden / parts };
  const weight = planBlockWeight(plan, `${name}.weight_ih`, { inputs, outputs, parts }, { blocked });
  const [out, slopes] = [0, 1].map(() => placeRows(plan, plan.rows, outputs + 1)) as [Link, Link];
  return { ...weight, out, slopes: slopes.y, order: plan.layout.place(rows) };
}
