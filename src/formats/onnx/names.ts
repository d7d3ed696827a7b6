import type { FunctionName } from '../../model/functions.js';

/** What ONNX calls the functions of cells, which it compares without regard to case. */
export const cellFunctions: Readonly<Partial<Record<FunctionName, string>>> = {
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  relu: 'Relu',
  softsign: 'Softsign',
  softplus: 'Softplus',
  affine: 'Affine',
  leakyRelu: 'LeakyRelu',
  thresholdedRelu: 'ThresholdedRelu',
  scaledTanh: 'ScaledTanh',
  hardSigmoid: 'HardSigmoid',
  elu: 'Elu',
};

/** Recurrent operators, with where our gates are among theirs: i o f c for our i f g o, z r h for our r z n. */
export const cellOperators = {
  lstm: { op: 'LSTM', gates: [0, 2, 3, 1], activations: ['sigmoid', 'tanh', 'tanh'] },
  gru: { op: 'GRU', gates: [1, 0, 2], activations: ['sigmoid', 'tanh'] },
  elman: { op: 'RNN', gates: [0], activations: ['tanh'] },
} as const satisfies Record<
  string,
  { op: string; gates: readonly number[]; activations: readonly FunctionName[] }
>;

/** Where our peepholes i f o are among ONNX's, i o f. */
export const peepholeOrder: readonly number[] = [0, 2, 1];

/** What a file says that wrote it. */
export const producer = 'blockrnn';

/** Under this key of the metadata lie the bytes of the ids of a byte-level model, with commas between. */
export const vocabKey = 'blockrnn.vocab';
