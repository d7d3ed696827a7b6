import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import type { Score } from '../../train/types.js';

/** A line of the log. `step` counts the steps done, all epochs together. */
export type Event =
  | { event: 'start' | 'resume'; step: number; time: string; [fact: string]: unknown }
  | ({ event: 'step' } & StepLine)
  | ({ event: 'epoch' } & EpochLine)
  | ({ event: 'test'; step: number } & Score)
  | { event: 'end'; step: number; time: string; seconds: number };

export interface StepLine {
  step: number;
  epoch: number;
  loss: number;
  learningRate: number;
  norm: number;
  count: number;
  tokensPerSecond: number;
}

export interface EpochLine {
  step: number;
  epoch: number;
  loss: number;
  validation: Score | null;
  seconds: number;
  isBest: boolean;
}

/**
 * A log as lines of JSON. It is written as it comes, so that a process that dies leaves all but its last line. One that
 * goes on with a checkpoint takes back what came after that.
 */
export class Log {
  readonly #path: string;
  readonly #isResumed: boolean;
  #events: Event[];
  #file: number | undefined;

  /** @param isResumed whether the log at `path`, if there is one, goes on; `goOn` must then say where */
  constructor(path: string, isResumed: boolean) {
    this.#path = path;
    this.#isResumed = isResumed;
    this.#events = isResumed ? readEvents(path) : [];
  }

  /** All lines so far, also those from before. */
  get events(): readonly Event[] {
    return this.#events;
  }

  /** Takes back what came after so many steps, and what was said of the end. */
  goOn(done: number): void {
    this.#events = this.#events.filter(
      ({ event, step }) => step <= done && event !== 'test' && event !== 'end',
    );
    const beside = `${this.#path}.tmp`;
    try {
      writeFileSync(beside, this.#events.map(lineOf).join(''));
      renameSync(beside, this.#path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
  }

  append(event: Event): void {
    this.#file ??= openSync(this.#path, this.#isResumed ? 'a' : 'w');
    this.#events.push(event);
    writeSync(this.#file, lineOf(event));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function lineOf(event: Event): string {
  return `${JSON.stringify(event)}\n`;
}

function readEvents(path: string): Event[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // A log that somebody took away is no reason not to go on.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const events: Event[] = [];
  for (const line of text.split('\n')) {
    try {
      const event: unknown = JSON.parse(line);
      if (isEvent(event)) events.push(event);
    } catch {
      // The last line of a process that died.
    }
  }
  return events;
}

function isEvent(value: unknown): value is Event {
  const event = value as Partial<Event> | null;
  return (
    typeof event === 'object' &&
    event !== null &&
    typeof event.event === 'string' &&
    Number.isFinite(event.step)
  );
}
