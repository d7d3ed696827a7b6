import { type Arena, createArena } from '../memory/arena.js';
import type { Frame, Program } from '../pack/program.js';
import type { ModelShare } from './share.js';

/**
 * The memory part of a share.
 * @param shared whether to make a shared memory; else bytes
 */
export function copyWeights(
  arena: Arena,
  program: Program,
  shared: boolean,
): Pick<ModelShare, 'program' | 'memory' | 'weights'> {
  // Constants and weights lie between the control block and the run frame. Nobody writes them: a run in progress
  // does not matter.
  const { constants } = program;
  const moved = stepOnly(program);
  const from = new Uint8Array(arena.memory.buffer, constants, program.run.input - constants);
  if (!shared) return { program: moved, memory: undefined, weights: from.slice().buffer };
  const { memory } = createArena(moved.bytes, true);
  new Uint8Array(memory.buffer).set(from, constants);
  return { program: moved, memory, weights: undefined };
}

/** The program without its run frame: the step frame, which is planned behind it, takes its place. */
function stepOnly(program: Program): Program {
  const distance = program.step.input - program.run.input;
  const step = moveFrame(program.step, -distance);
  return { ...program, workers: 1, run: step, step, bytes: program.bytes - distance };
}

/** Every address of a frame moved; written out, so that one which is added later cannot be forgotten. */
function moveFrame(frame: Frame, by: number): Frame {
  const { rows, batch, input, activations, activationFloats, stills, lengths, masks } = frame;
  const { states, scratch, scratchFloats } = frame;
  return {
    rows,
    batch,
    input: input + by,
    activations: activations.map((address) => address + by),
    activationFloats,
    stills: stills.map((address) => address + by),
    lengths: lengths + by,
    masks: { ...masks, at: masks.at + by },
    states: states.map(({ at, ld }) => ({ at: at.map((address) => address + by), ld })),
    scratch: scratch.map((address) => address + by),
    scratchFloats,
  };
}
