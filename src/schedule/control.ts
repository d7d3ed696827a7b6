import type { Piece } from '../engine/piece.js';

/**
 * The block of shared words through which a crew is told what to do. Words that different threads wait on
 * stand on cache lines of their own:
 *
 *   generation   one more for each piece; workers sleep on it
 *   finished     the generation that is done; the caller sleeps on it
 *   working      workers who have not finished this piece
 *   arrived      arrivals at meetings within this piece, n for each meeting
 *   piece        what to do: steps, batch, t0, ragged, stage, masked
 *   stopped      1 when the crew is dismissed
 *   owned        1 when a thread has opened this memory for itself
 */
export interface Control {
  words: Int32Array;
  generation: number;
  finished: number;
  working: number;
  arrived: number;
  piece: number;
  stopped: number;
  owned: number;
}

const lineWords = 16;
/** Arrivals that only a stop makes: more than the meetings of any piece have. */
export const allArrived = 2 ** 30;

/** Finds the words of a control block at a byte address. */
export function openControl(words: Int32Array, address: number): Control {
  const word = (line: number) => address / 4 + line * lineWords;
  return {
    words,
    generation: word(0),
    finished: word(1),
    working: word(2),
    arrived: word(3),
    piece: word(4),
    stopped: word(5),
    owned: word(6),
  };
}

/** Tells n workers to begin a piece; returns its generation. */
export function beginPiece(control: Control, piece: Piece, n: number): number {
  const { words } = control;
  words[control.piece] = piece.steps;
  words[control.piece + 1] = piece.batch;
  words[control.piece + 2] = piece.t0;
  words[control.piece + 3] = piece.ragged ? 1 : 0;
  words[control.piece + 4] = piece.stage;
  words[control.piece + 5] = piece.masked ? 1 : 0;
  words[control.arrived] = 0;
  words[control.working] = n;
  // The atomic write publishes the plain ones before it.
  const generation = (Atomics.load(words, control.generation) + 1) | 0;
  Atomics.store(words, control.generation, generation);
  Atomics.notify(words, control.generation);
  return generation;
}

/** The piece that a worker finds after it has seen a new generation. */
export function readPiece(control: Control): Piece {
  const { words, piece } = control;
  return {
    stage: words[piece + 4]!,
    steps: words[piece]!,
    batch: words[piece + 1]!,
    row: 0,
    t0: words[piece + 2]!,
    ragged: words[piece + 3] === 1,
    masked: words[piece + 5] === 1,
  };
}

/** Reports one worker's share of a generation as done. The last one wakes the caller, and gets true. */
export function finishPiece(control: Control, generation: number): boolean {
  const { words } = control;
  if (Atomics.sub(words, control.working, 1) !== 1) return false;
  Atomics.store(words, control.finished, generation);
  Atomics.notify(words, control.finished);
  return true;
}

/**
 * Tells workers to leave their shift, those who rest and those who wait at a meeting that will not take place. The
 * words that they wait on are changed, so that none goes to sleep after it has looked.
 */
export function stopCrew({ words, generation, arrived, stopped }: Control): void {
  Atomics.store(words, stopped, 1);
  Atomics.store(words, arrived, allArrived);
  Atomics.notify(words, arrived);
  Atomics.add(words, generation, 1);
  Atomics.notify(words, generation);
}

/** Before a new crew is hired, and after the one before has left. */
export function readyCrew({ words, stopped }: Control): void {
  Atomics.store(words, stopped, 0);
}

export function isStopped({ words, stopped }: Control): boolean {
  return Atomics.load(words, stopped) === 1;
}

/** Makes the memory the calling thread's own; false when another one has done so. */
export function takeMemory({ words, owned }: Control): boolean {
  return Atomics.compareExchange(words, owned, 0, 1) === 0;
}

/** Firefox has it from version 145 on; elsewhere the caller is told by message. */
export function canWaitAsync(): boolean {
  return typeof Atomics.waitAsync === 'function';
}

/** Whether a generation is done. */
export function isFinished(control: Control, generation: number): boolean {
  return Atomics.load(control.words, control.finished) === generation;
}

/** Resolves when `finished` may have changed, or has been woken. Never blocks. */
export function untilFinished({ words, finished }: Control, generation: number): Promise<unknown> {
  // What stands there is asked, not worked out: generations that a dead worker left were never finished, and a
  // wait for a wrong value returns at once, again and again, with no other task getting its turn.
  const now = Atomics.load(words, finished);
  if (now === generation) return Promise.resolve();
  const wait = Atomics.waitAsync(words, finished, now);
  return wait.async ? wait.value : Promise.resolve();
}

/** Wakes a caller that waits for a generation that nobody will finish. */
export function wakeCaller(control: Control): void {
  Atomics.notify(control.words, control.finished);
}
