import type { LinearSpec } from '../../model/spec.js';
import type { Link } from './link.js';
import { onePhase, type Plan, placeRows, planBias, planParam, planWeight } from './params.js';
import type { TrainOp } from './program.js';

/** A linear layer in blocks; where each has one input and one output it is a scale. */
export function planBlocks(plan: Plan, layer: LinearSpec, input: Link): TrainOp {
  const { name, inputSize: inputs, outputSize: outputs, blocks: parts = 1 } = layer;
  const [own, depth] = [outputs / parts, inputs / parts];
  const shared = { name, input, out: placeRows(plan, plan.rows, outputs), outputs, dropped: 0 } as const;
  if (own === 1 && depth === 1) {
    const weight = planParam(plan, `${name}.weight`, { parts: 1, rows: outputs, columns: 1 });
    return { op: 'scale', ...shared, weight, bias: planBias(plan, layer), left: shared.out.y };
  }
  const shape = { parts, rows: own, columns: depth, padded: true, each: own };
  return {
    op: 'blocks',
    ...shared,
    inputs,
    parts,
    weight: planWeight(plan.layout, planParam(plan, `${name}.weight`, shape), onePhase(own)),
    bias: planBias(plan, layer),
    staged: placeRows(plan, plan.rows, Math.max(own, depth)),
  };
}
