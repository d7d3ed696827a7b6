import { Gradients } from './gradients.js';
import type { Links, Operand } from './links.js';
import type { Plan } from './params.js';
import type { Route, TrainOp } from './program.js';

/** An operation that is being planned. */
export interface Node {
  /** its layer's number */
  layer: number;
  op: TrainOp;
  operands: Operand[];
  hasParams: boolean;
}

/** Where gradients lie, from the head's input back to the first layers with parameters. */
export function planRoutes(
  plan: Plan,
  nodes: readonly Node[],
  head: Pick<Node, 'layer' | 'operands'>,
  links: Links,
): Route[] {
  const needing = new Set<number>();
  for (const { layer, operands, hasParams } of nodes) {
    const reads = operands.flatMap(({ fragments }) => fragments.map(({ value }) => value));
    if (hasParams || reads.some((value) => needing.has(value))) needing.add(layer);
  }
  const gradients = new Gradients(
    (value) => links.widthOf(value),
    (value) => needing.has(value),
  );
  const ways = [gradients.back(undefined, head.operands)];
  for (const { layer, op, operands } of nodes.toReversed())
    ways.unshift(gradients.back(layer, operands, op.op === 'combine' && op.combine === 'add'));
  const place = gradients.place(plan);
  return [...nodes, head].map(({ layer, operands }, index) => ({
    layer,
    gather: operands.flatMap(({ gather }) => gather),
    ...place(ways[index]!),
  }));
}
