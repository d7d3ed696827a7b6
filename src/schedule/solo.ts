import type { Runner } from '../engine/piece.js';
import type { Schedule } from './schedule.js';

const nobodyToMeet = () => {};

/** One thread: the one that calls. */
export function scheduleSolo(runner: Runner): Schedule {
  let ended: Error | undefined;
  return {
    threads: 1,
    run(piece) {
      if (ended !== undefined) throw ended;
      runner(piece, nobodyToMeet);
    },
    dispose(reason) {
      ended = reason;
    },
  };
}
