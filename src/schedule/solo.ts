import type { Runner } from '../engine/piece.js';
import type { Schedule } from './schedule.js';

const nobodyToMeet = () => {};

/** One thread: the one that calls. */
export function scheduleSolo(runner: Runner): Schedule {
  return {
    threads: 1,
    run(piece) {
      runner(piece, nobodyToMeet);
    },
    dispose() {},
  };
}
