import { subtract } from './backward.js';
import { add, apply, type Bounded, divide, larger, multiply, sigmoid, tanh } from './bounded.js';
import { type BlockState, type Gate, preactivation } from './cells.js';
import { applyFunc } from './functions.js';
import { ACTIVATION_ERROR, UNDERFLOW } from './tolerance.js';

/** The state of an sLSTM's units beside h. */
export interface SlstmState {
  c: Bounded;
  n: Bounded;
  m: Bounded;
}

/**
 * Beck et al. 2024; gates i f z o, of which i and f are exponents. l = m + ln s(f), m' = max(i, l), or i where n = 0,
 * c' = e^(l - m') c + e^(i - m') tanh(z), n' = e^(l - m') n + e^(i - m'), h' = s(o) c' / n'.
 */
export function slstmHalf(z: readonly Bounded[], state: SlstmState): SlstmState & { h: Bounded } {
  const [i, f, candidate, o] = z as [Bounded, Bounded, Bounded, Bounded];
  const softplus = applyFunc({ function: 'softplus', alpha: 0, beta: 0 }, negative(f));
  const past = subtract(state.m, softplus);
  const isFresh = (u: number) => state.n.value[u] === 0;
  const m = select(isFresh, i, larger(i, past));
  const keep = exponential(subtract(past, m));
  const take = exponential(subtract(i, m));
  const c = add(multiply(keep, state.c), multiply(take, tanh(candidate)));
  const n = add(multiply(keep, state.n), take);
  return { h: multiply(sigmoid(o), divide(c, n)), c, n, m };
}

/** One step of one block. */
export function stepSlstm(gates: readonly Gate[], x: Bounded, state: BlockState): BlockState {
  const z = gates.map((gate) => preactivation(gate, x, state.h));
  return slstmHalf(z, { c: state.c!, n: state.n!, m: state.m! });
}

/** e^x for x that is 0 at most, whatever its error says: the larger of two exponents was taken away. */
function exponential(x: Bounded): Bounded {
  return apply(
    x,
    (v) => Math.exp(Math.min(0, v)),
    (v, off) => Math.exp(Math.min(0, v + off)),
    (v) => ACTIVATION_ERROR * Math.exp(Math.min(0, v)) + UNDERFLOW,
  );
}

function negative(x: Bounded): Bounded {
  return { ...x, value: x.value.map((v) => -v) };
}

function select(isFirst: (u: number) => boolean, a: Bounded, b: Bounded): Bounded {
  return {
    value: a.value.map((v, u) => (isFirst(u) ? v : b.value[u]!)),
    error: a.error.map((v, u) => (isFirst(u) ? v : b.error[u]!)),
    norm: Math.hypot(a.norm, b.norm),
  };
}
