import type { Arguments } from './arguments.js';
import type { Option, Syntax } from './syntax.js';
import type { Terminal } from './terminal.js';

/** What a command has beside its arguments. */
export interface Context {
  terminal: Terminal;
  /** aborted by Ctrl-C */
  signal: AbortSignal;
  /** whether the result goes out as JSON */
  json: boolean;
}

export interface Command extends Syntax {
  /** one line for the list of commands */
  summary: string;
  /** a few lines under the usage */
  description: string;
  /** command lines to start from, without the program's name */
  examples: readonly string[];
  /** @throws UsageError for wrong arguments, and whatever goes wrong */
  run(args: Arguments, context: Context): Promise<void>;
}

/** Options that most commands share. */
export const threadsOption: Option = {
  type: 'string',
  value: 'N',
  help: 'threads that share a run, 1..64, or auto',
};
export const kernelsOption: Option = {
  type: 'string',
  value: 'SET',
  help: 'auto (default), simd (the same bytes everywhere) or relaxed (faster)',
};
export const vocabOption: Option = {
  type: 'string',
  value: 'FILE',
  help: 'JSON with the byte of each id: an array, or an object with vocab_bytes',
};
