import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { UNDERFLOW } from '../oracle/tolerance.js';
import { type OracleBatch, type OracleGradients, trainOracle, type Weights } from './oracle.js';
import type { Round } from './tape.js';

/**
 * How far an f32 program's loss and gradients may be from the oracle's. A worst case of gradients through time is far
 * too wide to prove anything, so this is Monte Carlo arithmetic (Parker 1997): the oracle runs several times, each
 * result of each operation pushed up or down, by lot, by all that an f32 program can be off by there. Real roundings are
 * mostly smaller than that and as little in league with each other.
 */
const RUNS = 6;

/** Times the largest that was seen: six draws of a normal are all below a quarter of its deviation once in 17,000. */
const MARGIN = 4;

export interface GradientBounds {
  loss: number;
  /** by tensor, element by element */
  gradients: Record<string, Float64Array>;
}

/** What a computation gives when each of its results is pushed, several times. */
export function pushed<V>(compute: (round: Round) => V): V[] {
  const random = seededRandom(20240607);
  const push = (value: number, bound: number) => value + (random() < 0.5 ? -bound : bound);
  return Array.from({ length: RUNS }, () => compute(push));
}

/** How far each element may be from what it is exactly, given what it was when pushed. */
export function boundsOf(exact: Float64Array, runs: readonly Float64Array[]): Float64Array {
  const off = runs.map((run) => run.map((v, i) => Math.abs(v - exact[i]!)));
  const squares = off.reduce((sum, one) => sum + one.reduce((total, e) => total + e * e, 0), 0);
  // What the elements are off by in general: one may have been lucky in every run.
  const usual = Math.sqrt(squares / (runs.length * exact.length));
  return exact.map((_, i) => MARGIN * Math.max(...off.map((one) => one[i]!)) + usual + UNDERFLOW);
}

export function gradientBounds(
  spec: ModelSpec,
  weights: Weights,
  batch: OracleBatch,
  exact: OracleGradients = trainOracle(spec, weights, batch),
): GradientBounds {
  const runs = pushed((round) => trainOracle(spec, weights, batch, round));
  const gradients: GradientBounds['gradients'] = {};
  for (const [name, { data }] of Object.entries(exact.gradients)) {
    const others = runs.map((run) => run.gradients[name]!.data);
    gradients[name] = boundsOf(data, others);
  }
  const loss = MARGIN * Math.max(...runs.map((run) => Math.abs(run.loss - exact.loss))) + UNDERFLOW;
  return { loss, gradients };
}
