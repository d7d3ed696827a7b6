import type { StateName } from '#dist/model/cells.js';
import type { ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { type OracleInput, runOracle } from './model.js';
import { type Excess, findExcess } from './tolerance.js';

/** What a program gives for one step: y [B, O] and one state per recurrent layer. */
export interface StepResult {
  y: ArrayLike<number>;
  state: readonly ({ h: ArrayLike<number> } & Partial<Record<StateName, ArrayLike<number>>>)[];
}

/**
 * Checks a program over many steps, each against the oracle's step from the state that the program itself had
 * reached. No error accumulates, so the bound stays a few roundoffs wide however long and wide the model is.
 *
 * @param x [T, B, I] or ids [T, B]
 * @param step gets x of one step [B, I] and the state to start from; undefined at first, when none was given
 * @returns null, or the first step at which something lies outside its bound
 */
export async function followOracle<T extends Float32Array | Int32Array, S extends StepResult['state']>(
  spec: ModelSpec,
  tensors: Tensors,
  x: T,
  { steps, batch, state: initial }: Pick<OracleInput, 'steps' | 'batch'> & { state?: S | undefined },
  step: (x: T, state: S | undefined, t: number) => Promise<{ y: ArrayLike<number>; state: S }>,
): Promise<(Excess & { t: number; what: string }) | null> {
  const size = x.length / steps;
  let state = initial;
  for (let t = 0; t < steps; t++) {
    const frame = x.slice(t * size, (t + 1) * size) as T;
    const expected = runOracle(spec, tensors, frame, { steps: 1, batch, state });
    const actual = await step(frame, state, t);
    const y = findExcess(actual.y, expected.y, expected.bound);
    if (y) return { ...y, t, what: 'y' };
    for (const [k, record] of expected.state.entries()) {
      for (const [name, values] of Object.entries(record) as [StateName, Float64Array][]) {
        const off = findExcess(actual.state[k]![name] ?? [], values, expected.stateBound[k]![name]!);
        if (off) return { ...off, t, what: `${name} of recurrent layer ${k}` };
      }
    }
    state = actual.state;
  }
  return null;
}
