import { blockRunsOf } from '../model/blocks.js';
import type { StackSpec } from '../model/plain.js';
import { inputWidth, widthsOf } from '../model/wiring.js';
import { planPlain, planRecurrent, stateOf, workOf } from './ops.js';
import type { Packer } from './place.js';
import type { PlanLayers } from './plan.js';
import { type Op, type Place, type Port, strideOf } from './program.js';
import { placeStackOp } from './weights.js';

/**
 * Plans a plain stack: one stage, a step for each layer, and two activations by turns. For a stack planGraph makes the same
 * program; a test compares them.
 * @param spec a StackSpec
 */
export const planStack: PlanLayers = (spec, layout, states, masks) => {
  const widths = widthsOf(spec);
  const of = Math.max(1, inputWidth(spec));
  const input: Place = { slot: -1, offset: 0, ld: of * 4 };
  let x = input;
  const ops = (spec as StackSpec).layers.map((layer, index): Op => {
    const y = { slot: index % 2, offset: 0, ld: strideOf(widths[index]!) };
    const placed = { name: layer.name, layer: index, x, y };
    x = y;
    if (!('hiddenSize' in layer)) return planPlain(layer, placed, widths[index]!, layout);
    const mask = masks.find(({ name }) => name === layer.name)!.column;
    const state = states.push(stateOf(layer)) - 1;
    const own = { ...placed, end: '', shuffles: [], state, first: 0, mask };
    return planRecurrent(layer, blockRunsOf(layer)[0]!, own, layout);
  });
  const port = (of: number, place: Place): Port[] => [
    { value: -1, of, column: 0, width: of, place, reversed: false },
  ];
  return {
    ops,
    stages: [
      {
        steps: ops.map((_, number) => [number]),
        loops: [],
        inputs: port(of, input),
        outputs: port(widths.at(-1)!, x),
        work: ops.reduce((sum, op, index) => sum + workOf(op, spec.layers[index]!), 0),
      },
    ],
    slots: Math.min(2, ops.length),
    stills: 0,
    widest: Math.max(...widths.map(strideOf)),
  };
};

/** Packs plain stacks. */
export const stack: Packer = { planLayers: planStack, placeOp: placeStackOp };
