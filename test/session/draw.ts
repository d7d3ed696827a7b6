import { expect } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import type { CommonLayerSpec, ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import type { State } from '#dist/session/state.js';
import type { CellKind, Scene } from '../oracle/arbitraries.js';
import { randomInput, randomModel, randomState } from '../oracle/random.js';

/** A model's weights and what to run it on, all from one seed. */
export function draw(spec: ModelSpec, { steps, batch, withState, lengths, seed }: Scene) {
  const random = seededRandom(seed);
  const tensors: Tensors = randomModel(random, spec);
  const x = randomInput(random, spec, { steps, batch });
  return {
    tensors,
    x,
    options: {
      steps,
      batch,
      ...(withState ? { state: randomState(random, spec, batch) } : {}),
      ...(lengths === null ? {} : { lengths }),
    },
  };
}

/** The plainest scene. */
export function sceneOf(given: Partial<Scene> = {}): Scene {
  return { steps: 1, batch: 1, withState: false, lengths: null, seed: 1, ...given };
}

/** A recurrent layer of a kind. */
export function layerOf(
  kind: CellKind,
  name: string,
  inputSize: number,
  hiddenSize: number,
  blocks = 1,
): CommonLayerSpec {
  const shared = { name, inputSize, hiddenSize, blocks };
  switch (kind) {
    case 'lstm':
      return { kind, ...shared };
    case 'gruAfter':
    case 'gruBefore':
      return { kind: 'gru', ...shared, resetAfter: kind === 'gruAfter' };
    default:
      return { kind: 'elman', ...shared, activation: kind === 'elmanRelu' ? 'relu' : 'tanh' };
  }
}

/** Fails unless two arrays hold the same bytes: -0 and 0 differ, a NaN is itself. */
export function expectSameBytes(actual: Float32Array, expected: Float32Array, what = 'values'): void {
  expect(actual.length, what).toBe(expected.length);
  const a = bitsOf(actual);
  const b = bitsOf(expected);
  const at = a.findIndex((bits, i) => bits !== b[i]);
  if (at >= 0) expect.fail(`${what}[${at}] is ${actual[at]}, expected ${expected[at]}`);
}

export function expectSameState(actual: State, expected: State): void {
  expect(actual.length).toBe(expected.length);
  for (const [k, record] of expected.entries()) {
    expect(Object.keys(actual[k]!)).toEqual(Object.keys(record));
    for (const name of Object.keys(record) as (keyof typeof record)[])
      expectSameBytes(actual[k]![name]!, record[name]!, `${name} of recurrent layer ${k}`);
  }
}

export function expectSameRun(
  actual: { y: Float32Array; state: State },
  expected: { y: Float32Array; state: State },
): void {
  expectSameBytes(actual.y, expected.y, 'y');
  expectSameState(actual.state, expected.state);
}

/** What a call is rejected with; fails the test when it succeeds. */
export async function errorFrom(call: Promise<unknown>): Promise<Error & { code?: string }> {
  return call.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => error as Error,
  );
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}
