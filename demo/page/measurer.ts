export interface Task {
  runtime: 'blockrnn' | 'onnxruntime';
  hidden: number;
  blocks: number;
  threads: number;
  /** address of onnxruntime-web's module */
  rival: string;
}

export type Answer = Finding | { error: string };

export interface Finding {
  /** per step of a run of `steps` steps, a median */
  microseconds: number;
  /** h [H] after the last step */
  y: Float32Array;
}

/** ms: onnxruntime's threads spin for 25 to 40 after a run, on cores that the next one needs. */
const restAfterThreads = 80;

/** Has one thing measured after the other, in workers that live as long as the page. */
export class Measurer {
  readonly #workers = new Map<string, Worker>();
  #rest = 0;

  /** @throws Error with what went wrong in the worker */
  async measure(task: Omit<Task, 'rival'>): Promise<Finding> {
    const { runtime, threads } = task;
    const worker = this.#workerOf(runtime === 'blockrnn' ? runtime : `${runtime} ${threads}`);
    const rival = new URL('./ort/ort.wasm.min.mjs', document.baseURI).href;
    if (this.#rest > 0) await new Promise((resolve) => setTimeout(resolve, this.#rest));
    const answer = await new Promise<Answer>((resolve) => {
      const leave = new AbortController();
      const { signal } = leave;
      const settle = (given: Answer) => {
        leave.abort();
        resolve(given);
      };
      worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => settle(data), { signal });
      worker.addEventListener('error', ({ message }) => settle({ error: message || 'a worker died' }), {
        signal,
      });
      worker.postMessage({ ...task, rival } satisfies Task);
    });
    this.#rest = runtime === 'onnxruntime' && threads > 1 ? restAfterThreads : 0;
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  #workerOf(name: string): Worker {
    let worker = this.#workers.get(name);
    if (worker === undefined) {
      worker = new Worker(new URL('./measure.worker.js', document.baseURI), { type: 'module', name });
      this.#workers.set(name, worker);
    }
    return worker;
  }
}
