import type { RecurrentLayerSpec } from '../../model/spec.js';
import { type Plan, placeRows } from './params.js';

/** What zoneout draws in a layer. */
export interface Zone {
  /** probability that a unit keeps its h, and its c */
  h: number;
  c: number;
  /** [T·B] the cell states before any is kept, rows as those of c; 0 where c is not drawn */
  made: number;
  /** the layer's unit that those of these blocks are counted from */
  unit: number;
}

/** What it draws in some of a layer's blocks. */
export function cutZone(zone: Zone, unit: number): Zone {
  return { ...zone, made: zone.made === 0 ? 0 : zone.made + unit * 4, unit };
}

/** Words of what a kernel is told of it; the drawing is in assembly/grad/zoneout.ts. */
export const zoneWords = 10;

/** Undefined where a layer keeps nothing. */
export function planZone(plan: Plan, layer: RecurrentLayerSpec): Zone | undefined {
  const h = ('zoneout' in layer ? layer.zoneout : undefined) ?? 0;
  const c = ('zoneoutCell' in layer ? layer.zoneoutCell : undefined) ?? 0;
  if (h === 0 && c === 0) return undefined;
  return { h, c, made: c === 0 ? 0 : placeRows(plan, plan.rows, layer.hiddenSize).y, unit: 0 };
}

/** A layer as training computes it: what it keeps comes after. */
export function withoutZoneout(layer: RecurrentLayerSpec): RecurrentLayerSpec {
  return { ...layer, zoneout: 0, zoneoutCell: 0 } as RecurrentLayerSpec;
}
