import type { Piece } from '../engine/piece.js';
import type { Schedule } from './schedule.js';

/** Pieces that one thread does in less time (ms) are never given away: waking a crew costs about as much. */
const tooShort = 0.1;
/** What takes so long (ms) at its first try is long enough for a crew. */
const surelyLong = 10;
/** How often the crew is tried before the quicker way is kept: the first times, its code is still being compiled. */
const trials = 10;
/** After so many pieces in one way the other is tried again, if it was not twice as slow: a machine's load changes. */
const patience = 64;

interface Timing {
  solo: number;
  soloRuns: number;
  crew: number;
  crewRuns: number;
  /** pieces since both ways were last compared */
  since: number;
}

/**
 * Chooses by measurement: for pieces of about one size (steps and streams, each to a power of two) one thread is
 * timed first, then the crew where there is something to gain, and from then on the quicker does them. The crew is
 * hired in the background by the first piece that is long enough, so that a small model never has one.
 */
export function scheduleAuto(solo: Schedule, crew: Schedule & { hire(): Promise<void> }): Schedule {
  const timings = new Map<string, Timing>();
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

  return {
    threads: crew.threads,
    async run(piece) {
      const timing = timingOf(timings, piece);
      // The first runs of a process are slow, in code that the engine has not compiled yet; but not that slow.
      const isKnown = timing.soloRuns >= trials || (timing.soloRuns > 0 && timing.solo > surelyLong);
      const worthwhile = isKnown && timing.solo > tooShort;
      if (worthwhile && hired === 'no') hire();
      const useCrew = worthwhile && hired === 'yes' && prefersCrew(timing);
      const start = performance.now();
      if (useCrew) {
        await crew.run(piece);
        timing.crewRuns++;
        timing.crew = Math.min(timing.crew, performance.now() - start);
      } else {
        solo.run(piece);
        timing.soloRuns++;
        timing.solo = Math.min(timing.solo, performance.now() - start);
      }
    },
    dispose(reason) {
      hired = 'never';
      solo.dispose(reason);
      crew.dispose(reason);
    },
  };
}

function prefersCrew(timing: Timing): boolean {
  if (timing.crewRuns < trials) return true;
  const better = timing.crew < timing.solo;
  if (++timing.since < patience) return better;
  timing.since = 0;
  const isClose = Math.max(timing.crew, timing.solo) < 2 * Math.min(timing.crew, timing.solo);
  return isClose ? !better : better;
}

function timingOf(timings: Map<string, Timing>, { steps, batch }: Piece): Timing {
  const key = `${Math.ceil(Math.log2(steps))} ${Math.ceil(Math.log2(batch))}`;
  let timing = timings.get(key);
  if (timing === undefined) {
    timing = {
      solo: Number.POSITIVE_INFINITY,
      soloRuns: 0,
      crew: Number.POSITIVE_INFINITY,
      crewRuns: 0,
      since: 0,
    };
    timings.set(key, timing);
  }
  return timing;
}
