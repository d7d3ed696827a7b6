import { once } from 'node:events';

/** Where a command's words go. */
export interface Terminal {
  /** whether somebody watches stderr, so that progress makes sense */
  readonly isWatched: boolean;
  /** whether stdout shows bold text */
  readonly hasStyle: boolean;
  /** width of a line on stderr, where it is known */
  readonly columns?: number | undefined;
  /** Results, on stdout; resolves when there is room for more. */
  write(data: string | Uint8Array): Promise<void>;
  /** Everything else, on stderr. */
  note(text: string): void;
}

/** The process's own streams. When nobody reads stdout any more, as behind `head`, the process ends quietly. */
export function openTerminal(): Terminal {
  const { stdout, stderr } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.exitCode = 1;
    stderr.write(`blockrnn: stdout: ${error.message}\n`);
  });
  stderr.on('error', () => {});
  return {
    isWatched: stderr.isTTY === true,
    hasStyle: stdout.isTTY === true && !process.env.NO_COLOR,
    get columns() {
      return stderr.columns;
    },
    async write(data) {
      if (!stdout.write(data)) await once(stdout, 'drain');
    },
    note(text) {
      stderr.write(text);
    },
  };
}
