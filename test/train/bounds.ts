import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { UNDERFLOW } from '../oracle/tolerance.js';
import { type OracleBatch, type OracleGradients, trainOracle, type Weights } from './oracle.js';

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

export function gradientBounds(
  spec: ModelSpec,
  weights: Weights,
  batch: OracleBatch,
  exact: OracleGradients = trainOracle(spec, weights, batch),
): GradientBounds {
  const random = seededRandom(20240607);
  const push = (value: number, bound: number) => value + (random() < 0.5 ? -bound : bound);
  const runs = Array.from({ length: RUNS }, () => trainOracle(spec, weights, batch, push));
  const gradients: GradientBounds['gradients'] = {};
  for (const [name, { data }] of Object.entries(exact.gradients)) {
    const off = runs.map((run) => run.gradients[name]!.data.map((g, i) => Math.abs(g - data[i]!)));
    const squares = off.reduce((sum, one) => sum + one.reduce((total, e) => total + e * e, 0), 0);
    // What the tensor's elements are off by in general: an element may have been lucky in every run.
    const usual = Math.sqrt(squares / (RUNS * data.length));
    gradients[name] = data.map((_, i) => MARGIN * Math.max(...off.map((one) => one[i]!)) + usual + UNDERFLOW);
  }
  const loss = MARGIN * Math.max(...runs.map((run) => Math.abs(run.loss - exact.loss))) + UNDERFLOW;
  return { loss, gradients };
}
