import { ArgumentTypeError, WorkerError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { Hire } from './crew.js';
import type { Contract, Signalled } from './shift.js';

/** What a worker says, in this order; 'finished' after each piece whose last share was its own, if asked to. */
export type Word = 'here' | 'ready' | 'finished' | 'left';

/** The part of the web's Worker that a crew needs. */
export interface CrewWorker {
  /** sends it what to do, and the memory to do it in */
  postMessage(message: unknown): void;
  /** ends it */
  terminate(): unknown;
  /** tells of 'message', 'error' and 'messageerror' */
  // biome-ignore lint/suspicious/noExplicitAny: so that every runtime's own Worker type is one of these
  addEventListener(type: string, listener: (event: any) => void): void;
}

/** After so many milliseconds a worker that has not left is taken to be gone; browsers end it by force by then. */
const patience = 3000;

/** Written so that bundlers see a worker's script in it. */
function startWorker(): CrewWorker {
  return new Worker(new URL('./web-post.js', import.meta.url), { type: 'module' });
}

/** Whether this runtime has web workers. */
export function haveWebWorkers(): boolean {
  return typeof Worker === 'function';
}

/**
 * Hires module workers of the web. They block in their shift and hear no messages there: they leave it when shared
 * memory tells them to, and say so. `terminate` alone would not do, because nothing tells when it has done its work
 * (Chromium lets a blocked worker live for two more seconds), and a worker that lives on would write to the memory.
 * @param createWorker gives one new worker that runs this package's script (blockrnn/worker); default: by its URL
 */
export function hireWebWorkers<P extends Signalled>(createWorker: () => CrewWorker = startWorker): Hire<P> {
  return async (contracts, onDeath, onFinished) => {
    const posts: Post[] = [];
    try {
      await Promise.all(
        contracts.map((contract) => {
          const post = new Post(createWorker(), contract, onDeath, onFinished);
          posts.push(post);
          return post.ready;
        }),
      );
    } catch (error) {
      for (const post of posts) post.end();
      if (error instanceof ArgumentTypeError) throw error;
      throw new WorkerError(
        'The worker threads could not be started. Their script must come from the origin of the page, with the same ' +
          'Cross-Origin-Embedder-Policy; where a bundler has not found it, give createWorker.',
        error,
      );
    }
    // Not before all are ready: who has not begun hears messages, and its end is at once.
    for (const post of posts) post.begin();
    return {
      async dismiss() {
        await Promise.all(posts.map((post) => post.leave()));
      },
    };
  };
}

/** One worker and where it is in its career. */
class Post {
  readonly ready: Promise<void>;
  readonly #worker: CrewWorker;
  #isReady = false;
  #isDismissed = false;
  /** settles when its thread can write to the memory no more */
  readonly #left: Promise<void>;
  #settleLeft: () => void = () => {};

  constructor(
    worker: CrewWorker,
    contract: Contract<Signalled>,
    onDeath: (cause: unknown) => void,
    onFinished: () => void,
  ) {
    this.#worker = checkWorker(worker);
    this.#left = new Promise((resolve) => {
      this.#settleLeft = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }: { data: Word }) => {
        if (data === 'here') worker.postMessage(contract);
        if (data === 'finished') onFinished();
        if (data === 'left') this.#settleLeft();
        if (data === 'ready') {
          this.#isReady = true;
          resolve();
        }
      });
      const die = (event: { preventDefault?: () => void }) => {
        // Where nobody answers for it, Deno ends the whole process.
        event.preventDefault?.();
        // An error ends a shift.
        this.#settleLeft();
        const cause = causeOf(event);
        if (!this.#isReady) reject(cause);
        else if (!this.#isDismissed) onDeath(cause);
      };
      worker.addEventListener('error', die);
      worker.addEventListener('messageerror', die);
    });
  }

  begin(): void {
    this.#worker.postMessage('begin');
  }

  /** Waits until it has left its shift, which it has been told to, and ends it. */
  async leave(): Promise<void> {
    this.#isDismissed = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([this.#left, late]);
    clearTimeout(timer);
    this.#worker.terminate();
  }

  /** Ends one that has not begun its shift. */
  end(): void {
    this.#isDismissed = true;
    this.#worker.terminate();
  }
}

function checkWorker(worker: CrewWorker): CrewWorker {
  for (const method of ['postMessage', 'terminate', 'addEventListener'] as const) {
    if (typeof worker?.[method] !== 'function') {
      throw new ArgumentTypeError(`createWorker must give a Worker of the web, got ${show(worker)}.`);
    }
  }
  return worker;
}

/** An error event says what its error was, when the script could be loaded and told. */
function causeOf(event: unknown): unknown {
  const { error, message } = event as { error?: unknown; message?: string };
  return error ?? (message ? new Error(message) : event);
}
