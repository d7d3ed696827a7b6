import type { Terminal } from './terminal.js';

/** Milliseconds before the first word, and between two. */
const patience = 1000;
const pause = 100;

/** One line on stderr that says how far the work is: only when somebody watches, and only when it takes long. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #start = performance.now();
  #last = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** @param total of what is done; without the two only `what` is shown */
  show(what: string, done = 0, total = 0): void {
    const share = total > 0 ? ` ${Math.floor((100 * done) / total)} %` : ' ...';
    this.line(() => `${what}${share}`);
  }

  /** The same with words of one's own; they are cut where the line ends, because a longer one could not be taken away. */
  line(make: () => string): void {
    const now = performance.now();
    if (!this.#terminal.isWatched || now - this.#start < patience || now - this.#last < pause) return;
    this.#last = now;
    this.#terminal.note(`\r\u001b[K${make().slice(0, (this.#terminal.columns ?? 80) - 1)}`);
  }

  /** Takes the line away; to be called before anything else is written, also after an error. */
  end(): void {
    if (this.#last > 0) this.#terminal.note('\r\u001b[K');
    this.#last = 0;
  }
}
