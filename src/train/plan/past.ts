import type { ConvSpec, DelaySpec } from '../../model/spec.js';
import type { Link } from './link.js';
import { type Plan, placeRows, planParam } from './params.js';
import type { TrainOp } from './program.js';

/** Steps that a layer looks back. */
export function pastOf(layer: ConvSpec | DelaySpec): number {
  return layer.kind === 'conv' ? layer.width - 1 : (layer.steps ?? 1);
}

/**
 * Layers that look back.
 * @param input copies of what it reads, with room before them for as many steps as it looks back
 */
export function planPast(plan: Plan, layer: ConvSpec | DelaySpec, input: Link): TrainOp {
  const { name, size } = layer;
  const past = pastOf(layer);
  const { batch } = plan.capacity;
  const room = () => placeRows(plan, past * batch, size).y;
  const kept: [number, number] = [room(), room()];
  const shared = { name, input, outputs: size, dropped: 0, past, kept } as const;
  if (layer.kind === 'delay') return { op: 'delay', ...shared, out: { ...input, skip: 0 } };
  const weight = planParam(plan, `${name}.weight`, { parts: 1, rows: size, columns: layer.width });
  const bias =
    layer.bias === false ? undefined : planParam(plan, `${name}.bias`, { parts: 1, rows: size, columns: 1 });
  const packed = plan.layout.place(weight.rows * layer.width);
  return { op: 'conv', ...shared, out: placeRows(plan, plan.rows, size), weight, packed, bias };
}
