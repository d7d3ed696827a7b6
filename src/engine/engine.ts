import type { Frame, Op, Program, Stage } from '../pack/program.js';
import type { Kernels } from '../wasm/registry.js';
import type { Runner, Seat } from './piece.js';

/**
 * Binds one stage of a program to a seat: bindStack for a plain stack on one thread, bindGraph for any program.
 * @param steps operations that run side by side, step after step
 * @param loops ranges of steps that run for one time step after the other
 * @returns what runs one after the other, and everybody meets between
 */
export type BindStage = (steps: readonly Op[][], loops: Stage['loops'], seat: Seat) => Runner[];

/**
 * Binds a program to one worker's kernels: everything that does not change between pieces is worked out here.
 * @param kernels those of the family, when the program has operations that need them
 * @param memory theirs
 * @param k this worker's number, 0..n−1
 * @param n how many share the work
 */
export function bindProgram(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  program: Program,
  frame: Frame,
  k: number,
  n: number,
  bindStage: BindStage,
): Runner {
  const seat = { kernels, constants: program.constants, bytes: new Uint8Array(memory.buffer), frame, k, n };
  const stages = program.stages.map(({ steps, loops }) => {
    const ops = steps.map((numbers) => numbers.map((number) => program.ops[number]!));
    return bindStage(ops, loops, seat);
  });
  if (n === 1) {
    return (piece, meet) => {
      const bound = stages[piece.stage]!;
      for (let i = 0; i < bound.length; i++) bound[i]!(piece, meet);
    };
  }
  return (piece, meet) => {
    const bound = stages[piece.stage]!;
    for (let i = 0; i < bound.length; i++) {
      if (i > 0) meet();
      bound[i]!(piece, meet);
    }
  };
}
