// What does each cell cost, and each structure? One layer, one stream, one thread, I = H: a step of a sequence and a step of
// a session, against what the core could do at most. And: does a diagonal recurrence run at memory speed? Layers whose units
// recur alone, their input of one value, in bytes a second.
import { seededRandom } from '#dist/base/random.js';
import { sparsify } from '#dist/formats/strips.js';
import { cellOf, vectorsOf } from '#dist/model/cells.js';
import { checkSpec } from '#dist/model/check.js';
import type { LayerSpec, ModelSpec, RecurrentLayerSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';
import { runOracle } from '../test/oracle/model.js';
import { randomInput, randomModel, randomState } from '../test/oracle/random.js';
import { expandStripsToDense } from '../test/oracle/strips.js';
import { findExcess } from '../test/oracle/tolerance.js';
import { compare } from './measure.js';
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

interface Named {
  cell: string;
  structure: string;
}

export interface CellRow extends Named {
  /** multiply-adds of a step */
  work: number;
  /** bytes of weights that a step reads once, padding included */
  weightBytes: number;
  /** best ms of a step of a sequence, and of a session */
  sequence: number;
  step: number;
}

export interface AloneRow extends Named {
  /** bytes that a step of a sequence reads and writes at least */
  bytes: number;
  /** best ms of a step of a sequence */
  sequence: number;
}

const hidden = 512;
const steps = 100;
const sizes = { name: 'a', inputSize: hidden, hiddenSize: hidden };

/** A layer, and what part of its recurrent weights it keeps in strips, if it has some. */
interface Entry extends Named {
  layer: LayerSpec;
  density?: number;
}

/** Every cell, and every structure of one; more are more rows here. */
const entries: Entry[] = [
  { cell: 'LSTM', structure: 'dense', layer: { kind: 'lstm', ...sizes } },
  {
    cell: 'LSTM',
    structure: 'projected to H/4',
    layer: { kind: 'lstm', ...sizes, projectionSize: hidden / 4 },
  },
  { cell: 'LSTM', structure: '4 blocks', layer: { kind: 'lstm', ...sizes, blocks: 4 } },
  { cell: 'LSTM', structure: '8 blocks', layer: { kind: 'lstm', ...sizes, blocks: 8 } },
  { cell: 'LSTM', structure: '16 blocks', layer: { kind: 'lstm', ...sizes, blocks: 16 } },
  { cell: 'LSTM', structure: 'diagonal', layer: { kind: 'lstm', ...sizes, blocks: hidden } },
  { cell: 'GRU, reset after', structure: 'dense', layer: { kind: 'gru', ...sizes } },
  { cell: 'GRU, reset before', structure: 'dense', layer: { kind: 'gru', ...sizes, resetAfter: false } },
  {
    cell: 'GRU, reset after',
    structure: 'strips of a fifth',
    layer: { kind: 'gru', ...sizes },
    density: 0.2,
  },
  { cell: 'Elman', structure: 'dense', layer: { kind: 'elman', ...sizes } },
  {
    cell: 'IndRNN',
    structure: 'diagonal',
    layer: { kind: 'elman', ...sizes, blocks: hidden, activation: 'relu' },
  },
  { cell: 'sLSTM', structure: '8 heads', layer: { kind: 'slstm', ...sizes, blocks: 8 } },
  { cell: 'LSTM, normalised', structure: 'dense', layer: { kind: 'lnlstm', ...sizes } },
  { cell: 'LSTM, normalised', structure: '8 blocks', layer: { kind: 'lnlstm', ...sizes, blocks: 8 } },
  { cell: 'GRU, normalised', structure: 'dense', layer: { kind: 'lngru', ...sizes } },
  { cell: 'GRU, normalised', structure: '8 blocks', layer: { kind: 'lngru', ...sizes, blocks: 8 } },
  { cell: 'SRU', structure: 'unit by unit', layer: { kind: 'sru', ...sizes } },
  { cell: 'QRNN', structure: 'unit by unit', layer: { kind: 'qrnn', ...sizes } },
  { cell: 'conv', structure: '4 steps', layer: { kind: 'conv', name: 'a', size: hidden, width: 4 } },
];

const one = { name: 'a', inputSize: 1, hiddenSize: hidden };
const alone: (Named & { layer: RecurrentLayerSpec })[] = [
  { cell: 'LSTM', structure: 'diagonal', layer: { kind: 'lstm', ...one, blocks: hidden } },
  { cell: 'GRU, reset after', structure: 'diagonal', layer: { kind: 'gru', ...one, blocks: hidden } },
  { cell: 'Elman', structure: 'diagonal', layer: { kind: 'elman', ...one, blocks: hidden } },
  {
    cell: 'IndRNN',
    structure: 'diagonal',
    layer: { kind: 'elman', ...one, blocks: hidden, activation: 'relu' },
  },
  { cell: 'SRU', structure: 'unit by unit', layer: { kind: 'sru', ...one } },
  { cell: 'QRNN', structure: 'unit by unit', layer: { kind: 'qrnn', ...one } },
];

export async function measureCells(budget: number): Promise<CellsResult> {
  const kernels = availableKernels()[0]!;
  const before = await measureRoof();
  const rows: CellRow[] = [];
  for (const entry of entries) {
    const { cell, structure } = entry;
    const { work, weightBytes, sequence, step } = await measureLayer(entry, kernels, budget / 2);
    rows.push({ cell, structure, work, weightBytes, sequence, step });
  }
  const lonely: AloneRow[] = [];
  for (const { cell, structure, layer } of alone) {
    const { sequence } = await measureLayer({ cell, structure, layer }, kernels, budget / 2);
    lonely.push({ cell, structure, bytes: bytesOf(layer), sequence });
  }
  return { hidden, steps, roof: betterRoof(before, await measureRoof()), rows, alone: lonely };
}

async function measureLayer({ cell, structure, layer, density }: Entry, kernels: KernelSet, budget: number) {
  const random = seededRandom(hidden);
  const dense: ModelSpec = { layers: [layer] };
  const drawn = { spec: dense, tensors: randomModel(random, dense) };
  const { spec, tensors } = density === undefined ? drawn : sparsify(drawn, { shape: '8x4', density });
  const x = randomInput(random, spec, { steps, batch: 1 }) as Float32Array;
  const state = randomState(random, spec, 1);
  using model = await createModel(spec, tensors, { kernels });
  const session = model.session({ state });
  const frames = Array.from({ length: steps }, (_, t) =>
    x.subarray((t * x.length) / steps, ((t + 1) * x.length) / steps),
  );
  checkStep(`${cell}, ${structure}`, spec, tensors, frames[0]!, state, session.step(frames[0]!));
  const { y } = await model.run(x, { steps, state });
  let last = new Float32Array(0);
  for (const frame of frames.slice(1)) last = session.step(frame).slice();
  if (last.some((value, i) => value !== y[y.length - last.length + i]))
    throw new Error(`${cell}, ${structure}: a run is not its steps`);
  let next = 0;
  const times = await compare(
    [
      { name: 'sequence', run: () => model.run(x, { steps, state }) },
      { name: 'step', run: () => session.step(frames[next++ % steps]!) },
    ],
    budget,
  );
  const { work, weightBytes } = planProgram(checkSpec(spec), 1, planGraph);
  return { work, weightBytes, sequence: times.sequence!.best / steps, step: times.step!.best };
}

/** Before anything is timed: a step from a random state lies within the oracle's bound; strips as the dense layer that they are. */
function checkStep(
  what: string,
  spec: ModelSpec,
  tensors: Tensors,
  x: Float32Array,
  state: ReturnType<typeof randomState>,
  y: Float32Array,
): void {
  const plain = expandStripsToDense(spec, tensors);
  const oracle = runOracle(plain.spec, plain.tensors, x, { steps: 1, batch: 1, state });
  const excess = findExcess(y, oracle.y, oracle.bound);
  if (excess !== null) throw new Error(`${what} is wrong: ${JSON.stringify(excess)}`);
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
