// What does each cell cost, and each structure? One layer, one stream, one thread, I = H: a step of a sequence and a step of
// a session, against what the core could do at most. And: does a diagonal recurrence run at memory speed? Layers whose units
// recur alone, their input of one value, in bytes a second.
import { seededRandom } from '#dist/base/random.js';
import { cellOf, vectorsOf } from '#dist/model/cells.js';
import { checkSpec } from '#dist/model/check.js';
import type { ModelSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { widthsOf } from '#dist/model/wiring.js';
import { createModel } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { checkTrainable } from '#dist/train/trainable.js';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';
import { type OracleInput, runOracle } from '../test/oracle/model.js';
import { randomInput, randomModel, randomState } from '../test/oracle/random.js';
import { expandStripsToDense } from '../test/oracle/strips.js';
import { findExcess } from '../test/oracle/tolerance.js';
import { compare } from './measure.js';
import { hidden, lonely, type Member, members, type Named } from './members.js';
import { betterRoof, measureRoof, type Roof } from './roof.js';

export interface CellsResult {
  hidden: number;
  /** of a sequence */
  steps: number;
  roof: Roof;
  rows: CellRow[];
  /** units that recur alone, I = 1 */
  alone: AloneRow[];
}

export interface CellRow extends Named {
  /** what a spec says of it */
  says: string;
  trains: boolean;
  /** multiply-adds of a step */
  work: number;
  /** bytes of weights that a step reads once, padding included */
  weightBytes: number;
  /** best ms of a step of a sequence, and of a session, if it has sessions */
  sequence: number;
  step: number | null;
}

export interface AloneRow extends Named {
  /** bytes that a step of a sequence reads and writes at least */
  bytes: number;
  /** best ms of a step of a sequence */
  sequence: number;
}

const steps = 100;

export async function measureCells(budget: number): Promise<CellsResult> {
  const kernels = availableKernels()[0]!;
  const before = await measureRoof();
  const rows: CellRow[] = [];
  for (const each of members) rows.push(await measureMember(each, kernels, budget / 2));
  const alone: AloneRow[] = [];
  for (const { cell, structure, layer } of lonely) {
    const spec: ModelSpec = { layers: [layer] };
    const draw: Member['draw'] = (random) => ({ spec, tensors: randomModel(random, spec) });
    const { sequence } = await measureMember({ cell, structure, says: '', draw }, kernels, budget / 2);
    alone.push({ cell, structure, bytes: bytesOf(layer), sequence });
  }
  return { hidden, steps, roof: betterRoof(before, await measureRoof()), rows, alone };
}

async function measureMember(
  { cell, structure, says, draw, skipped }: Member,
  kernels: KernelSet,
  budget: number,
): Promise<CellRow> {
  const random = seededRandom(hidden);
  const { spec, tensors } = draw(random);
  const program = planProgram(checkSpec(spec), 1, planGraph);
  const x = randomInput(random, spec, { steps, batch: 1 }) as Float32Array;
  const width = x.length / steps;
  const frames = Array.from({ length: steps }, (_, t) => x.subarray(t * width, (t + 1) * width));
  const state = randomState(random, spec, 1);
  const mask = new Uint8Array(skipped?.of ?? 0).fill(1).fill(0, 0, skipped?.count ?? 0);
  const masksOf = (count: number) =>
    skipped === undefined
      ? {}
      : {
          updates: { a: Uint8Array.from({ length: count * mask.length }, (_, k) => mask[k % mask.length]!) },
        };
  const options = { steps, state, ...masksOf(steps) };
  using model = await createModel(spec, tensors, { kernels });
  const what = `${cell}, ${structure}`;
  const first = await model.run(frames[0]!, { steps: 1, state, ...masksOf(1) });
  checkStep(what, spec, tensors, frames[0]!, { steps: 1, batch: 1, state, ...masksOf(1) }, first.y);
  const session = program.reverses ? undefined : model.session({ state });
  const { y } = await model.run(x, options);
  if (session !== undefined) {
    if (skipped !== undefined) session.updates('a').set(mask);
    checkSession(
      what,
      frames.map((frame) => session.step(frame).slice()),
      y,
    );
  }
  let next = 0;
  // The caller's array, so that what is timed is the layer, and not new pages of memory.
  const runs = [{ name: 'sequence', run: (): unknown => model.run(x, { ...options, out: y }) }];
  if (session !== undefined) runs.push({ name: 'step', run: () => session.step(frames[next++ % steps]!) });
  const times = await compare(runs, budget);
  return {
    ...{ cell, structure, says, trains: trains(spec) },
    ...{ work: program.work, weightBytes: program.weightBytes },
    sequence: times.sequence!.best / steps,
    step: times.step?.best ?? null,
  };
}

/** Whether it trains, with a linear layer behind it. */
function trains(spec: ModelSpec): boolean {
  const inputSize = widthsOf(spec).at(-1)!;
  try {
    checkTrainable(
      checkSpec({ layers: [...spec.layers, { kind: 'linear', name: 'head', inputSize, outputSize: 2 }] }),
    );
    return true;
  } catch {
    return false;
  }
}

/** Before anything is timed: a step from a random state lies within the oracle's bound; strips as the dense layer that they are. */
function checkStep(
  what: string,
  spec: ModelSpec,
  tensors: Tensors,
  x: Float32Array,
  options: OracleInput,
  y: Float32Array,
): void {
  const plain = expandStripsToDense(spec, tensors);
  const oracle = runOracle(plain.spec, plain.tensors, x, options);
  const excess = findExcess(y, oracle.y, oracle.bound);
  if (excess !== null) throw new Error(`${what} is wrong: ${JSON.stringify(excess)}`);
}

/** And a run is its steps, byte for byte. */
function checkSession(what: string, frames: readonly Float32Array[], y: Float32Array): void {
  const isSame = frames.every((frame, t) =>
    frame.every((value, i) => Object.is(value, y[t * frame.length + i])),
  );
  if (!isSame) throw new Error(`${what}: a run is not its steps`);
}

/**
 * What a step of units that recur alone reads and writes at least: its pre-activations, written by the input half and read
 * by the cell; recurrent weights and what else there is one of for each row; and its states, read and written.
 */
function bytesOf(layer: RecurrentLayerSpec): number {
  const cell = cellOf(layer);
  const rows = 2 + (cell.recurs ? 1 : 0) + vectorsOf(cell);
  return 4 * layer.hiddenSize * (rows * cell.gates + 2 * cell.states.length);
}
