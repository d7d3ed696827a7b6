import type { RecurrentLayerSpec } from './spec.js';

/** What packing and running need to know of a recurrent cell. A new cell is a kernel, an oracle and a record here. */
export interface Cell {
  /** its number in assembly/layer/cells.ts */
  readonly code: number;
  /** G: how many matrices stand one below the other in its weights */
  readonly gates: number;
  /**
   * The gates in the order in which they are computed. Gates of one phase are interleaved and meet the same
   * state; a later phase meets one that an earlier phase has changed.
   */
  readonly phases: readonly (readonly number[])[];
  /** whether its state has a cell c beside h */
  readonly hasCell: boolean;
  /** whether bias_hh is added to the recurrent half alone, so that it cannot be merged into bias_ih */
  readonly separateBias: boolean;
}

const lstm: Cell = {
  code: 0,
  gates: 4,
  phases: [[0, 1, 2, 3]],
  hasCell: true,
  separateBias: false,
};
const gruAfter: Cell = {
  code: 1,
  gates: 3,
  phases: [[0, 1, 2]],
  hasCell: false,
  separateBias: true,
};
const gruBefore: Cell = {
  code: 2,
  gates: 3,
  phases: [[0, 1], [2]],
  hasCell: false,
  separateBias: false,
};
const elmanTanh: Cell = {
  code: 3,
  gates: 1,
  phases: [[0]],
  hasCell: false,
  separateBias: false,
};
const elmanRelu: Cell = { ...elmanTanh, code: 4 };

/** The record of a layer's cell. */
export function cellOf(layer: RecurrentLayerSpec): Cell {
  switch (layer.kind) {
    case 'lstm':
      return lstm;
    case 'gru':
      return layer.resetAfter === false ? gruBefore : gruAfter;
    case 'elman':
      return layer.activation === 'relu' ? elmanRelu : elmanTanh;
  }
}
