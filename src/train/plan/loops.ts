import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { DelaySpec, LayerSpec, ModelSpec } from '../../model/spec.js';
import { type Flow, valuesOf } from '../../pack/flow.js';
import type { Links } from './links.js';
import { type Plan, placeRows } from './params.js';
import { pastOf, planPast } from './past.js';
import type { Node } from './routes.js';

/** Layers that come back to themselves through delays run step by step; these know what to do with the rows of one. */
const kinds: readonly LayerSpec['kind'][] = [
  ...(['linear', 'combine', 'activation', 'scale', 'shuffle', 'norm', 'conv', 'delay'] as const),
];

/**
 * Refuses loops that cannot be trained.
 * @param last number of the last linear layer
 * @throws UnsupportedError naming the layer
 */
export function checkLoops({ layers }: ModelSpec, { groups, reads }: Flow, last: number): void {
  for (const { layers: members, loops } of groups) {
    const beyond = members.find((index) => !kinds.includes(layers[index]!.kind));
    if (!loops || beyond === undefined) continue;
    const { name, kind } = layers[beyond]!;
    throw new UnsupportedError(
      `layer ${name}: kind '${kind}' cannot be trained where its output comes back to it through a delay.`,
      `train kind '${kind}' in a loop`,
    );
  }
  for (const [index, { name }] of layers.slice(0, last).entries()) {
    if (valuesOf(reads[index]!).every((value) => value < last)) continue;
    throw new UnsupportedError(
      `layer ${name}: inputs from the last linear layer ${show(layers[last]!.name)} or from behind it cannot be trained.`,
      'train inputs from the last layer',
    );
  }
}

/**
 * The operations of a loop in the order of a step. Delays come last: what a step gives them they hand out some steps
 * later, from rows that are there before the loop begins.
 * @param members numbers of the layers
 * @param planNode plans one of the others
 */
export function planLoop(
  plan: Plan,
  { layers }: ModelSpec,
  { reads }: Flow,
  links: Links,
  members: readonly number[],
  planNode: (layer: number) => Node,
): Node[] {
  const isDelay = (layer: number) => layers[layer]!.kind === 'delay';
  const delays = members.filter(isDelay).map((layer): Node => {
    const each = layers[layer] as DelaySpec;
    const operand = links.reserve(reads[layer]![0]!, pastOf(each));
    const op = planPast(plan, each, operand.link);
    links.set(layer, op.out);
    return { layer, op, operands: [operand], hasParams: false };
  });
  const others = members.filter((layer) => !isDelay(layer)).map(planNode);
  for (const { op } of others) {
    // Weights take their gradients after all steps, so that outputs stay.
    if (op.op === 'scale' || op.op === 'norm') op.left = placeRows(plan, plan.rows, op.outputs).y;
  }
  for (const { operands } of delays) for (const operand of operands) links.gather(operand);
  return [...others, ...delays];
}
