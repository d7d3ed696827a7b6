// Where does the time of one step go? Each part of session.step alone, for 8 blocks.
import { checkSpec } from '#dist/model/check.js';
import { readerOf } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import { graph } from '#dist/pack/graph.js';
import { packModel } from '#dist/pack/place.js';
import type { RecurrentOp } from '#dist/pack/program.js';
import { loadBinary } from '#dist/wasm/binaries.js';
import { availableKernels } from '#dist/wasm/features.js';
import { instantiateNow } from '#dist/wasm/instance-now.js';
import { drawLayer } from './cases.js';
import { compare } from './measure.js';

export interface StepProfile {
  hidden: number;
  blocks: number;
  /** ns of a whole session.step, best */
  step: number;
  /** ns of each part, best, measured alone */
  projection: number;
  recurrence: number;
  pointwise: number;
  copies: number;
  /** what is left of the step: loops, calls, checks, and what the parts cost each other in cache */
  rest: number;
}

export async function measureProfile(budget: number): Promise<StepProfile[]> {
  const set = availableKernels()[0]!;
  const profiles: StepProfile[] = [];
  for (const hidden of [64, 256, 1024]) {
    const { spec, tensors, x } = drawLayer({ hidden, blocks: 8, steps: 1, batch: 1 });
    using model = await createModel(spec, tensors, { kernels: set });
    const session = model.session();
    const y = new Float32Array(hidden);

    const module = await loadBinary(set);
    const open = (memory: WebAssembly.Memory) => instantiateNow(module, memory);
    const { arena, program, kernels } = await packModel(
      checkSpec(spec),
      readerOf(tensors),
      1,
      false,
      open,
      graph,
    );
    const frame = program.step;
    const op = program.ops[0] as RecurrentOp;
    const [h, c] = frame.states[0]!.at as [number, number];
    const z = frame.scratch[0]!;
    const { gemm_f32, gemv_f32, lstm_cell_f32 } = kernels;
    const input = arena.f32.subarray(frame.input / 4, frame.input / 4 + hidden);
    const output = arena.f32.subarray(frame.activations[0]! / 4, frame.activations[0]! / 4 + hidden);
    const each = (call: (part: number) => void) => () => {
      for (let part = 0; part < op.parts; part++) call(part);
    };
    // Not in turns with the rest: two copies of a large model would drive each other out of the cache.
    const whole = await compare([{ name: 'step', run: () => void session.step(x, y) }], budget);
    const times = await compare(
      [
        {
          name: 'projection',
          run: each((part) => {
            const row = part * op.rows;
            const [bias, weights] = [op.bih + row * 4, op.wih + row * hidden * 4];
            gemm_f32(z, 0, bias, 0, frame.input, 0, weights, 1, hidden, op.rows / 8);
          }),
        },
        {
          name: 'recurrence',
          run: each((part) => {
            const whh = op.whh + part * op.rows * op.units * 4;
            gemv_f32(z, z, h + part * op.units * 4, whh, op.units, op.rows / 8);
          }),
        },
        {
          name: 'pointwise',
          run: each((part) => {
            const at = part * op.units * 4;
            lstm_cell_f32(frame.activations[0]! + at, c + at, z, program.constants, op.units);
          }),
        },
        {
          name: 'copies',
          run: () => {
            input.set(x);
            y.set(output);
          },
        },
      ],
      budget,
    );
    const ns = (name: string) => times[name]!.best * 1e6;
    const parts = {
      projection: ns('projection'),
      recurrence: ns('recurrence'),
      pointwise: ns('pointwise'),
      copies: ns('copies'),
    };
    const step = whole.step!.best * 1e6;
    const known = Object.values(parts).reduce((sum, time) => sum + time, 0);
    profiles.push({ hidden, blocks: 8, step, ...parts, rest: step - known });
  }
  return profiles;
}
