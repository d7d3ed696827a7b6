import { flowOf } from './flow.js';
import { graphWork, planOps } from './graph-ops.js';
import { placeGraphOp } from './graph-weights.js';
import type { Packer } from './place.js';
import type { PlanLayers } from './plan.js';
import { strideOf } from './program.js';
import { wireOps } from './wire.js';

/** Plans a graph: any model, plain stacks among them. */
export const planGraph: PlanLayers = (spec, layout, states, masks) => {
  const flow = flowOf(spec);
  const own = planOps(spec, flow, layout, states, masks);
  const { more, stages, slots, stills, widest } = wireOps(spec, flow, own);
  const ops = [...own.flat(), ...more];
  // Rows of weight_hr, which are of all units, are staged in the first activations.
  const staged = ops.map((op) => (op.op === 'recurrent' && op.projection ? strideOf(op.hidden) : 0));
  return {
    ops,
    stages: stages.map((stage) => ({
      ...stage,
      work: stage.steps.flat().reduce((sum, number) => {
        const op = ops[number]!;
        return sum + graphWork(op, spec.layers[op.layer]!);
      }, 0),
    })),
    slots,
    stills,
    widest: Math.max(widest, ...staged),
  };
};

/** Packs any model. */
export const graph: Packer = { planLayers: planGraph, placeOp: placeGraphOp };
