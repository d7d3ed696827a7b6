import { WorkerError } from '../base/errors.js';
import type { Arena } from '../memory/arena.js';
import type { Program } from '../pack/program.js';
import {
  beginPiece,
  canWaitAsync,
  isFinished,
  openControl,
  readyCrew,
  stopCrew,
  untilFinished,
  wakeCaller,
} from './control.js';
import type { Schedule } from './schedule.js';
import type { Contract, Signalled } from './shift.js';

/** Workers at their posts, each in its shift. */
export interface Crew {
  /** settles once every thread has ended */
  dismiss(): Promise<void>;
}

/**
 * Hires n workers and resolves when all are at their posts.
 * @param onDeath called when one of them ends before it is dismissed
 * @param onFinished called when a worker reports by message; only those whose contract says so do
 */
export type Hire<P extends Signalled = Program> = (
  contracts: Contract<P>[],
  onDeath: (cause: unknown) => void,
  onFinished: () => void,
) => Promise<Crew>;

/** Keeps the process alive while a piece is under way; resting workers do not. */
const aLongTime = 2 ** 30;

/**
 * n workers over one shared memory. The first piece hires them, or `hire` does; after a death the next piece hires
 * anew.
 */
export function scheduleCrew<P extends Signalled>(
  hire: Hire<P>,
  module: WebAssembly.Module,
  program: P,
  arena: Arena,
  n: number,
): Schedule & { hire(): Promise<void> } {
  const control = openControl(arena.i32, program.control);
  let crew: Promise<Crew> | undefined;
  /** why the crew that was hired last can do no more */
  let broken: Error | undefined;
  /** the end of the crew before: its threads may write to the memory until then */
  let gone: Promise<unknown> = Promise.resolve();
  let ended: Error | undefined;
  const reports = !canWaitAsync();
  /** lets the caller look again, where it waits for a message */
  let ring = () => {};

  const untilRung = () =>
    new Promise<void>((resolve) => {
      ring = resolve;
    });

  const dismiss = (reason: Error) => {
    if (broken === undefined) {
      broken = reason;
      const old = crew;
      crew = undefined;
      stopCrew(control);
      gone = Promise.resolve(old?.then((hired) => hired.dismiss())).catch(() => {});
      wakeCaller(control);
      ring();
    }
  };

  const ensure = async (): Promise<void> => {
    await gone;
    if (ended !== undefined) throw ended;
    if (crew === undefined) {
      broken = undefined;
      readyCrew(control);
      const contracts = Array.from({ length: n }, (_, k) => ({
        memory: arena.memory,
        module,
        program,
        k,
        n,
        reports,
      }));
      crew = hire(
        contracts,
        (cause) =>
          dismiss(new WorkerError('A worker thread ended during a run; the run had no effect.', cause)),
        () => ring(),
      );
      crew.catch(() => {
        crew = undefined;
      });
    }
    await crew;
    if (broken !== undefined) throw broken;
  };

  return {
    threads: n,
    hire: ensure,
    async run(piece) {
      if (crew === undefined || broken !== undefined) await ensure();
      else await crew;
      if (broken !== undefined) throw broken;
      const alive = setTimeout(() => {}, aLongTime);
      try {
        const generation = beginPiece(control, piece, n);
        while (!isFinished(control, generation)) {
          if (reports) await untilRung();
          else await untilFinished(control, generation);
          if (broken !== undefined) throw broken;
        }
      } catch (error) {
        // The caller writes to the memory again as soon as it knows; the survivors must have stopped by then.
        await gone;
        throw error;
      } finally {
        clearTimeout(alive);
      }
    },
    dispose(reason) {
      ended = reason;
      dismiss(reason);
    },
  };
}
