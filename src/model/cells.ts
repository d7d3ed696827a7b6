import type { GruSpec, LstmSpec, RecurrentLayerSpec } from './spec.js';

/** What a layer remembers from step to step, by the names of its states. */
export type StateName = 'h' | 'c' | 'n' | 'm';

/** A tensor with one value for each row of some gates. */
export interface Column {
  /** the end of its name */
  tensor: string;
  /** the gates whose rows it has, one after the other, [gates·H] */
  gates: readonly number[];
  /** whether it is added to the bias of the input half, or which of the cell's other vectors of rows it is part of */
  to: 'bias' | number;
}

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
  /** its states; all but h are read and written in place */
  readonly states: readonly StateName[];
  /** whether h meets a matrix, weight_hh; else each unit recurs by itself, and h is nothing but the last output */
  readonly recurs: boolean;
  readonly columns: readonly Column[];
  /**
   * whether each step needs what all units give, as a normalisation does, so that the layer is one part whatever its
   * blocks
   */
  readonly meets?: true;
}

/** Both biases of PyTorch's cells. */
function biases(gates: number, second: 'bias' | number = 'bias'): Column[] {
  const all = Array.from({ length: gates }, (_, gate) => gate);
  return [
    { tensor: 'bias_ih', gates: all, to: 'bias' },
    { tensor: 'bias_hh', gates: all, to: second },
  ];
}

const lstm: Cell = {
  code: 0,
  isFamily: false,
  gates: 4,
  phases: [[0, 1, 2, 3]],
  states: ['h', 'c'],
  recurs: true,
  columns: biases(4),
};
const gruAfter: Cell = {
  code: 1,
  isFamily: false,
  gates: 3,
  phases: [[0, 1, 2]],
  states: ['h'],
  recurs: true,
  // bias_hh stands inside what the reset gate multiplies.
  columns: biases(3, 0),
};
const gruBefore: Cell = { ...gruAfter, code: 2, phases: [[0, 1], [2]], columns: biases(3) };
const elmanTanh: Cell = {
  code: 3,
  isFamily: false,
  gates: 1,
  phases: [[0]],
  states: ['h'],
  recurs: true,
  columns: biases(1),
};
const elmanRelu: Cell = { ...elmanTanh, code: 4 };

const lstmGeneral: Cell = { ...lstm, code: 16, isFamily: true };
const gruAfterGeneral: Cell = { ...gruAfter, code: 17, isFamily: true };
const gruBeforeGeneral: Cell = { ...gruBefore, code: 18, isFamily: true };
const elmanGeneral: Cell = { ...elmanTanh, code: 19, isFamily: true };
/** The projection is a phase without gates: each output reads all units. */
const lstmProjected: Cell = { ...lstmGeneral, code: 20, phases: [[0, 1, 2, 3], []] };
const peepholes: Column = { tensor: 'weight_peephole', gates: [0, 1, 3], to: 0 };

const slstm: Cell = {
  ...lstm,
  code: 21,
  isFamily: true,
  states: ['h', 'c', 'n', 'm'],
  columns: [{ tensor: 'bias', gates: [0, 1, 2, 3], to: 'bias' }],
};
const sru: Cell = {
  code: 22,
  isFamily: true,
  gates: 3,
  phases: [[0, 1, 2]],
  states: ['h', 'c'],
  recurs: false,
  columns: [
    { tensor: 'weight_c', gates: [1, 2], to: 0 },
    { tensor: 'bias', gates: [1, 2], to: 'bias' },
  ],
};
const sruWidened: Cell = { ...sru, code: 23, gates: 4, phases: [[0, 1, 2, 3]] };
const qrnn: Cell = { ...sru, code: 24, columns: [{ tensor: 'bias', gates: [0, 1, 2], to: 'bias' }] };

/** Phases in which all units meet, and vectors of rows of which the first is zeros; assembly/layer/lstm-normed.ts. */
const lstmNormed: Cell = {
  ...lstm,
  code: 25,
  isFamily: true,
  meets: true,
  phases: [[0, 1, 2, 3], [], []],
  columns: [
    { tensor: 'gain_ih', gates: [0, 1, 2, 3], to: 1 },
    { tensor: 'gain_hh', gates: [0, 1, 2, 3], to: 2 },
    { tensor: 'bias', gates: [0, 1, 2, 3], to: 3 },
    { tensor: 'gain_c', gates: [0], to: 4 },
    { tensor: 'bias_c', gates: [1], to: 4 },
  ],
};

/** The same of a GRU; assembly/layer/gru-normed.ts. */
const gruNormed: Cell = {
  ...gruAfter,
  code: 26,
  isFamily: true,
  meets: true,
  phases: [[0, 1, 2], []],
  columns: ['gain_ih', 'gain_hh', 'bias_ih', 'bias_hh'].map((tensor, k) => ({
    tensor,
    gates: [0, 1, 2],
    to: k + 1,
  })),
};

/** How many vectors of rows a cell has beside the bias. */
export function vectorsOf({ columns }: Cell): number {
  return Math.max(0, ...columns.map(({ to }) => (to === 'bias' ? 0 : to + 1)));
}

/** The record of a layer's cell: the plain one unless the layer says what only its general sister does. */
export function cellOf(layer: RecurrentLayerSpec): Cell {
  switch (layer.kind) {
    case 'lstm': {
      if (isPlainLstm(layer)) return lstm;
      const general = layer.projectionSize === undefined ? lstmGeneral : lstmProjected;
      return layer.peepholes ? { ...general, columns: [...general.columns, peepholes] } : general;
    }
    case 'gru':
      if (isPlain(layer)) return layer.resetAfter === false ? gruBefore : gruAfter;
      return layer.resetAfter === false ? gruBeforeGeneral : gruAfterGeneral;
    case 'elman':
      if (layer.clip !== undefined || layer.zoneout !== undefined) return elmanGeneral;
      if (layer.activation === 'relu') return elmanRelu;
      return layer.activation === undefined || layer.activation === 'tanh' ? elmanTanh : elmanGeneral;
    case 'slstm':
      return slstm;
    case 'lnlstm':
      return lstmNormed;
    case 'lngru':
      return gruNormed;
    case 'sru':
      return layer.inputSize === layer.hiddenSize ? sru : sruWidened;
    case 'qrnn':
      return qrnn;
  }
}

function isPlain({ activations, clip, zoneout }: LstmSpec | GruSpec): boolean {
  return activations === undefined && clip === undefined && zoneout === undefined;
}

function isPlainLstm(layer: LstmSpec): boolean {
  const { coupled, peepholes, projectionSize, zoneoutCell } = layer;
  const isOne = coupled !== true && peepholes !== true && projectionSize === undefined;
  return isPlain(layer) && isOne && zoneoutCell === undefined;
}

/** Whether bias_hh is added to the recurrent half alone, so that it cannot be merged into bias_ih. */
export function hasSeparateBias({ columns }: Cell): boolean {
  return columns.some(({ tensor, to }) => tensor === 'bias_hh' && to !== 'bias');
}
