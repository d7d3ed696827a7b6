import { expect } from 'vitest';
import type { TrainKernels } from '#dist/wasm/train-registry.js';

import { type Check, type Draw, within } from '../check.js';
import { passCellChecks } from './passes.js';
import { drawProblem, expectTape } from './problem.js';
import { Tape } from './tape.js';

/** Ranges that together are 0..count, in any order. */
function drawRanges(draw: Draw, count: number): [number, number][] {
  const cuts = [0, draw.integer(0, count), draw.integer(0, count), count].sort((a, b) => a - b);
  const ranges = [0, 1, 2].map((i): [number, number] => [cuts[i]!, cuts[i + 1]!]);
  return draw.pick([true, false]) ? ranges : ranges.reverse();
}

/** Runs each pass over every range of parts and of streams by itself. */
function runSplit(tape: Tape, draw: Draw): void {
  for (const pass of ['forward', 'backward'] as const) {
    for (const [n0, n1] of drawRanges(draw, tape.parts)) {
      for (const [b0, b1] of drawRanges(draw, tape.problem.batch)) tape[pass](n0, n1, b0, b1);
    }
  }
}

function checkForward(tape: Tape): void {
  const { y, c, q } = expectTape(tape.problem);
  within(tape.readStates('y'), y.value, y.bound);
  if (tape.problem.kind === 'lstm') within(tape.readStates('c'), c.value, c.bound);
  if (tape.problem.kind !== 'gruBefore') return;
  const { values, padding } = tape.readReset();
  within(values, q.value, q.bound);
  expect(padding).toBe(0);
}

function checkBackward(tape: Tape): void {
  const { dz, ds } = expectTape(tape.problem);
  const input = tape.readRows('z');
  within(input.values, dz.value, dz.bound);
  expect(input.padding).toBe(0);
  if (tape.problem.kind !== 'gruAfter') return;
  const recurrent = tape.readRows('s');
  within(recurrent.values, ds.value, ds.bound);
  expect(recurrent.padding).toBe(0);
}

export const recurrenceChecks = {
  ...passCellChecks,

  recurrent_tape_f32: ((ground, draw) => {
    const tape = new Tape(ground, drawProblem(draw));
    tape.forward();
    checkForward(tape);
  }) as Check<TrainKernels>,

  recurrent_back_f32: ((ground, draw) => {
    const tape = new Tape(ground, drawProblem(draw));
    tape.forward();
    tape.backward();
    checkForward(tape);
    checkBackward(tape);
    const whole = tape.bytes();
    tape.reset();
    runSplit(tape, draw);
    expect(Buffer.compare(tape.bytes(), whole)).toBe(0);
    // A part by itself, where all that belongs to the others is NaN.
    const part = draw.integer(0, tape.parts - 1);
    const { bytes } = tape.partBytes(part);
    tape.reset(part);
    tape.forward(part, part + 1);
    tape.backward(part, part + 1);
    const again = tape.partBytes(part);
    expect(again.isAlone).toBe(true);
    expect(Buffer.compare(again.bytes, bytes)).toBe(0);
  }) as Check<TrainKernels>,
};
