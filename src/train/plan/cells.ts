import { type Cell, cellOf } from '../../model/cells.js';
import { type RecurrentLayerSpec, stripsOf } from '../../model/spec.js';

/** Gates that stand together, and whose weights of c have met the same c. */
export interface GateRun {
  first: number;
  count: number;
  /** the cell state that the step has made, not the one before it */
  isAfter: boolean;
}

/**
 * What a cell has on its tape beside its record in src/model/cells.ts. To train another cell is a record here, its two ways
 * in assembly/grad and its step in test/train/cells.ts.
 */
export interface TapeCell {
  /**
   * what stands in s beside each row of z: as many values, whose bias is apart; one a unit; or one a unit, and behind them
   * one for each output of a projection
   */
  side?: 'row' | 'unit' | 'projection';
  /** vectors of a state that a step hands back beside that of h */
  carries: number;
  /** the tensor whose values meet c unit by unit, where the layer has it, by its gates */
  meets?: { tensor: string; runs: GateRun[] };
  /** whether x comes to the output past the matrices, where it is as wide */
  skips?: boolean;
}

const gruAfter: TapeCell = { side: 'row', carries: 0 };
/** What is handed back to the reset state takes a vector, too. */
const gruBefore: TapeCell = { side: 'unit', carries: 1 };
const peepholes = {
  tensor: 'weight_peephole',
  runs: [
    { first: 0, count: 2, isAfter: false },
    { first: 3, count: 1, isAfter: true },
  ],
};
const seesC = { tensor: 'weight_c', runs: [{ first: 1, count: 2, isAfter: false }] };

/** By the cell's number. */
const tapes: Readonly<Record<number, TapeCell>> = {
  0: { carries: 1 },
  1: gruAfter,
  2: gruBefore,
  3: { carries: 0 },
  4: { carries: 0 },
  16: { carries: 1, meets: peepholes },
  17: gruAfter,
  18: gruBefore,
  19: { carries: 0 },
  // What comes back to the cell's output takes a vector, too.
  20: { side: 'projection', carries: 2, meets: peepholes },
  21: { carries: 2 },
  22: { carries: 1, meets: seesC, skips: true },
  23: { carries: 1, meets: seesC },
  24: { carries: 1 },
  25: { side: 'row', carries: 1 },
  26: { side: 'row', carries: 0 },
};

/** What a layer that can be trained has on its tape. */
export function tapeOf(layer: RecurrentLayerSpec): TapeCell & { cell: Cell } {
  const cell = cellOf(layer);
  return { ...tapes[cell.code]!, cell };
}

/** What of a recurrent layer cannot be trained: a field, or the kind of its cell; undefined where all of it can. */
export function tapeFieldBeyond(layer: RecurrentLayerSpec): string | undefined {
  // Nor does it run so.
  if (stripsOf(layer) !== undefined && cellOf(layer).isFamily)
    return 'strips beside other functions, limits, peepholes or zoneout';
  if (layer.direction !== undefined) return 'direction';
  return tapes[cellOf(layer).code] === undefined ? `kind '${layer.kind}'` : undefined;
}
