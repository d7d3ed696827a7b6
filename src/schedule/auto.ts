import type { Piece } from '../engine/piece.js';
import type { Schedule } from './schedule.js';

/** Pieces that one thread does in less time (ms) are never given away: waking a crew costs half as much. */
const tooShort = 0.2;
/** What takes so long (ms) at its first try is long enough for a crew. */
const surelyLong = 10;
/** How often the crew is tried before a way is kept: the first times, its code is still being compiled. */
const trials = 10;
/** A crew whose best of so many times is so much slower is not tried any further. */
const hopeless = 5;
const leastTrials = 3;
/** Times of each way that count: the latest ones. Their median, because one lucky run proves nothing. */
const memory = 9;
/** A crew must be at least so much quicker. */
const gain = 0.9;
/** After so many pieces in one way the other is tried again, if it was not twice as slow: a machine's load changes. */
const patience = 64;

/** How long pieces of a size took in one way. */
interface Way {
  runs: number;
  /** ms, the latest of them */
  times: number[];
}

interface Timing {
  solo: Way;
  crew: Way;
  /** pieces since both ways were last compared */
  since: number;
  /** pieces that are known to be too short, and go to one thread without being timed */
  untimed: number;
}

/**
 * Chooses by measurement: for pieces of one stage and about one size (steps and streams, each to a power of two) one thread is
 * timed first, then the crew where there is something to gain, and from then on the quicker does them. The crew is
 * hired in the background by the first piece that is long enough, so that a small model never has one.
 */
export function scheduleAuto(solo: Schedule, crew: Schedule & { hire(): Promise<void> }): Schedule {
  const timings = new Map<number, Timing>();
  let hired: 'no' | 'soon' | 'yes' | 'never' = 'no';

  const hire = () => {
    hired = 'soon';
    crew.hire().then(
      () => {
        hired = 'yes';
      },
      () => {
        hired = 'never';
      },
    );
  };

  const runTimed = async (timing: Timing, piece: Piece) => {
    const isWorthwhile = isLong(timing.solo);
    if (isWorthwhile && hired === 'no') hire();
    const useCrew = isWorthwhile && hired === 'yes' && prefersCrew(timing);
    const start = performance.now();
    if (useCrew) await crew.run(piece);
    else solo.run(piece);
    note(useCrew ? timing.crew : timing.solo, performance.now() - start);
    if (timing.solo.runs >= trials && !isLong(timing.solo)) timing.untimed = patience;
  };

  return {
    threads: crew.threads,
    run(piece) {
      const timing = timingOf(timings, piece);
      if (timing.untimed > 0) {
        timing.untimed--;
        return solo.run(piece);
      }
      return runTimed(timing, piece);
    },
    dispose(reason) {
      hired = 'never';
      solo.dispose(reason);
      crew.dispose(reason);
    },
  };
}

/** Whether there is something to gain. The first runs of a process are slow, in code that is not compiled yet. */
function isLong(solo: Way): boolean {
  if (solo.runs === 0) return false;
  const time = median(solo);
  return time > surelyLong || (solo.runs >= trials && time > tooShort);
}

function prefersCrew(timing: Timing): boolean {
  if (timing.crew.runs < trials && !isHopeless(timing)) return true;
  const [solo, crew] = [median(timing.solo), median(timing.crew)];
  const isBetter = crew < gain * solo;
  if (++timing.since < patience) return isBetter;
  timing.since = 0;
  const isClose = Math.max(crew, solo) < 2 * Math.min(crew, solo);
  return isClose ? !isBetter : isBetter;
}

/** Where everybody meets again and again, as in a loop, a crew on a busy machine can be slower by far. */
function isHopeless({ solo, crew }: Timing): boolean {
  return crew.runs >= leastTrials && Math.min(...crew.times) > hopeless * median(solo);
}

function note(way: Way, ms: number): void {
  way.times[way.runs++ % memory] = ms;
}

function median({ times }: Way): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!;
}

function timingOf(timings: Map<number, Timing>, { stage, steps, batch }: Piece): Timing {
  // Both sizes to the next power of two.
  const key = (stage * 64 + 32 - Math.clz32(steps - 1)) * 64 + (32 - Math.clz32(batch - 1));
  let timing = timings.get(key);
  if (timing === undefined) {
    timing = { solo: { runs: 0, times: [] }, crew: { runs: 0, times: [] }, since: 0, untimed: 0 };
    timings.set(key, timing);
  }
  return timing;
}
