import type { Meet, Runner } from '../engine/piece.js';
import type { Program } from '../pack/program.js';
import { allArrived, type Control, finishPiece, isStopped, openControl, readPiece } from './control.js';

/** A program of any kind: plain data that says where its crew is signalled. */
export interface Signalled {
  /** byte address of the control block */
  control: number;
}

/** What a worker is hired for; survives postMessage. */
export interface Contract<P extends Signalled = Program> {
  /** shared memory of the model */
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  program: P;
  /** this worker's number, 0..n−1 */
  k: number;
  n: number;
  /** whether the worker who finishes a piece says so by message too */
  reports: boolean;
}

/** How often a worker looks before it sleeps: some microseconds, about what a sleep and a wake cost. */
const looks = 2000;

/**
 * Prepares a worker and returns its shift: a loop that waits for pieces and does this worker's share of each, until
 * the crew is stopped or the thread ends. It blocks its thread.
 * @param runner does this worker's share of the contract's program
 * @param report tells the caller that a piece is finished, where the contract asks for it
 */
export function prepareShift(contract: Contract<Signalled>, runner: Runner, report = () => {}): () => void {
  const { memory, program, n, reports } = contract;
  const control = openControl(new Int32Array(memory.buffer), program.control);
  const meeting = { target: 0 };
  const meet = n === 1 ? () => {} : meetWith(control, n, meeting);
  // Read before anyone can begin a piece, so that none is missed.
  let seen = Atomics.load(control.words, control.generation);
  return () => {
    if (isStopped(control)) return;
    for (;;) {
      seen = nextGeneration(control, seen);
      if (isStopped(control)) return;
      meeting.target = 0;
      try {
        runner(readPiece(control), meet);
      } catch (error) {
        if (isStopped(control)) return;
        throw error;
      }
      if (finishPiece(control, seen) && reports) report();
    }
  };
}

function nextGeneration({ words, generation }: Control, seen: number): number {
  for (let i = 0; i < looks; i++) {
    const now = Atomics.load(words, generation);
    if (now !== seen) return now;
  }
  let now = seen;
  while (now === seen) {
    Atomics.wait(words, generation, seen);
    now = Atomics.load(words, generation);
  }
  return now;
}

/**
 * Meetings are counted in one word that only grows within a piece: the m-th is over at n·m arrivals. They throw when
 * the crew has been stopped.
 */
function meetWith({ words, arrived }: Control, n: number, meeting: { target: number }): Meet {
  return () => {
    meeting.target += n;
    const { target } = meeting;
    let now = Atomics.add(words, arrived, 1) + 1;
    if (now === target) {
      Atomics.notify(words, arrived);
      return;
    }
    for (let i = 0; i < looks && now < target; i++) now = Atomics.load(words, arrived);
    while (now < target) {
      Atomics.wait(words, arrived, now);
      now = Atomics.load(words, arrived);
    }
    if (now >= allArrived) throw new Error('The crew has been stopped.');
  };
}
