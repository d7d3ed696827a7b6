import { add, affine, type Bounded, blend, type Matrix, multiply, relu, sigmoid, tanh } from './bounded.js';

/** One gate of one block of D units: ih [D, I], hh [D, D], two biases [D], and a peephole [D] where it has one. */
export interface Gate {
  ih: Matrix;
  hh: Matrix;
  biasIh: ArrayLike<number>;
  biasHh: ArrayLike<number>;
  peephole?: ArrayLike<number> | undefined;
}

/** The state of one block in one stream; c only for an LSTM, n and m beside it for an sLSTM. */
export interface BlockState {
  h: Bounded;
  c?: Bounded;
  n?: Bounded;
  m?: Bounded;
}

/** W x + b + U h + c */
export function preactivation(gate: Gate, x: Bounded, h: Bounded): Bounded {
  return affine(
    [
      { matrix: gate.ih, vector: x },
      { matrix: gate.hh, vector: h },
    ],
    [gate.biasIh, gate.biasHh],
  );
}

/** torch.nn.LSTM; gates i f g o. c' = f c + i g, h' = o tanh(c'). */
export function stepLstm(gates: readonly Gate[], x: Bounded, state: BlockState): BlockState {
  const [i, f, g, o] = gates.map((gate) => preactivation(gate, x, state.h)) as [
    Bounded,
    Bounded,
    Bounded,
    Bounded,
  ];
  const c = add(multiply(sigmoid(f), state.c!), multiply(sigmoid(i), tanh(g)));
  return { h: multiply(sigmoid(o), tanh(c)), c };
}

/** torch.nn.GRU; gates r z n. n = tanh(W x + b + r (U h + c)), h' = (1 - z) n + z h. */
export function stepGruAfter(gates: readonly Gate[], x: Bounded, { h }: BlockState): BlockState {
  const [reset, update, candidate] = gates as [Gate, Gate, Gate];
  const r = sigmoid(preactivation(reset, x, h));
  const z = sigmoid(preactivation(update, x, h));
  const input = affine([{ matrix: candidate.ih, vector: x }], [candidate.biasIh]);
  const recurrent = affine([{ matrix: candidate.hh, vector: h }], [candidate.biasHh]);
  return { h: blend(z, tanh(add(input, multiply(r, recurrent))), h) };
}

/** Cho et al. 2014; gates r z n. n = tanh(W x + b + U (r h) + c), h' = (1 - z) n + z h. */
export function stepGruBefore(gates: readonly Gate[], x: Bounded, { h }: BlockState): BlockState {
  const [reset, update, candidate] = gates as [Gate, Gate, Gate];
  const r = sigmoid(preactivation(reset, x, h));
  const z = sigmoid(preactivation(update, x, h));
  return { h: blend(z, tanh(preactivation(candidate, x, multiply(r, h))), h) };
}

/** torch.nn.RNN: h' = tanh(W x + b + U h + c). */
export function stepElmanTanh(gates: readonly Gate[], x: Bounded, { h }: BlockState): BlockState {
  return { h: tanh(preactivation(gates[0]!, x, h)) };
}

/** torch.nn.RNN with nonlinearity 'relu': h' = max(W x + b + U h + c, 0). */
export function stepElmanRelu(gates: readonly Gate[], x: Bounded, { h }: BlockState): BlockState {
  return { h: relu(preactivation(gates[0]!, x, h)) };
}
