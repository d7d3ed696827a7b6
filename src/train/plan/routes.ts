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

/** Operations that run step by step because they come back to themselves, in the order of a step; else it is one. */
export interface NodeGroup {
  nodes: Node[];
  loops: boolean;
}

/** Where gradients lie, from the head's input back to the first layers with parameters. */
export function planRoutes(
  plan: Plan,
  groups: readonly NodeGroup[],
  head: Pick<Node, 'layer' | 'operands'>,
  links: Links,
): Route[] {
  const needing = new Set<number>();
  for (const { nodes } of groups) {
    const reads = nodes.flatMap(({ operands }) => operands.flatMap(({ fragments }) => fragments));
    // In a loop everybody depends on everybody.
    if (nodes.some(({ hasParams }) => hasParams) || reads.some(({ value }) => needing.has(value)))
      for (const { layer } of nodes) needing.add(layer);
  }
  const gradients = new Gradients(
    (value) => links.widthOf(value),
    (value) => needing.has(value),
  );
  const ways = [gradients.back(undefined, head.operands)];
  for (const { nodes, loops } of groups.toReversed()) {
    const layersOf = (some: readonly Node[]) => some.map(({ layer }) => layer);
    if (loops) gradients.enterLoop(layersOf(nodes), layersOf(nodes.filter(({ op }) => op.op === 'delay')));
    for (const { layer, op, operands } of nodes.toReversed())
      ways.unshift(gradients.back(layer, operands, op.op === 'combine' && op.combine === 'add'));
    if (loops) gradients.leaveLoop();
  }
  const place = gradients.place(plan);
  return [...groups.flatMap(({ nodes }) => nodes), head].map(({ layer, operands }, index) => ({
    layer,
    gather: operands.flatMap(({ gather }) => gather),
    ...place(ways[index]!),
  }));
}
