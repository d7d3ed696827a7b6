import type { GruSpec, LstmSpec, RecurrentLayerSpec } from './spec.js';

/** What packing and running need to know of a recurrent cell. A new cell is a kernel, an oracle and a record here. */
export interface Cell {
  /** its number in assembly/layer/cells.ts, or family-cells.ts for one of the family */
  readonly code: number;
  /** whether it is one of the family: kernels that plain stacks do not load, which take parameters of the layer */
  readonly isFamily: boolean;
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
  isFamily: false,
  gates: 4,
  phases: [[0, 1, 2, 3]],
  hasCell: true,
  separateBias: false,
};
const gruAfter: Cell = {
  code: 1,
  isFamily: false,
  gates: 3,
  phases: [[0, 1, 2]],
  hasCell: false,
  separateBias: true,
};
const gruBefore: Cell = {
  code: 2,
  isFamily: false,
  gates: 3,
  phases: [[0, 1], [2]],
  hasCell: false,
  separateBias: false,
};
const elmanTanh: Cell = {
  code: 3,
  isFamily: false,
  gates: 1,
  phases: [[0]],
  hasCell: false,
  separateBias: false,
};
const elmanRelu: Cell = { ...elmanTanh, code: 4 };

const lstmGeneral: Cell = { ...lstm, code: 16, isFamily: true };
const gruAfterGeneral: Cell = { ...gruAfter, code: 17, isFamily: true };
const gruBeforeGeneral: Cell = { ...gruBefore, code: 18, isFamily: true };
const elmanGeneral: Cell = { ...elmanTanh, code: 19, isFamily: true };

/** The gates of an LSTM's peepholes, in the order of weight_peephole: i f o. */
export const peepholeGates = [0, 1, 3] as const;

/** The record of a layer's cell: the plain one unless the layer says what only its general sister does. */
export function cellOf(layer: RecurrentLayerSpec): Cell {
  switch (layer.kind) {
    case 'lstm':
      return isPlainLstm(layer) ? lstm : lstmGeneral;
    case 'gru':
      if (isPlain(layer)) return layer.resetAfter === false ? gruBefore : gruAfter;
      return layer.resetAfter === false ? gruBeforeGeneral : gruAfterGeneral;
    case 'elman':
      if (layer.clip !== undefined) return elmanGeneral;
      if (layer.activation === 'relu') return elmanRelu;
      return layer.activation === undefined || layer.activation === 'tanh' ? elmanTanh : elmanGeneral;
  }
}

function isPlain({ activations, clip }: LstmSpec | GruSpec): boolean {
  return activations === undefined && clip === undefined;
}

function isPlainLstm(layer: LstmSpec): boolean {
  return isPlain(layer) && layer.coupled !== true && layer.peepholes !== true;
}
