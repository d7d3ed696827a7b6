import { untilAborted } from '../base/abort.js';
import { ArgumentTypeError, UnsupportedError } from '../base/errors.js';
import { checkSignal, object } from '../base/guards.js';
import { isRecurrent, type ModelSpec } from '../model/spec.js';
import type { PackedModel } from '../pack/place.js';
import type { Schedule } from '../schedule/schedule.js';
import { canShareMemory, type KernelSet } from '../wasm/features.js';
import { copyWeights } from './copy.js';
import { checkRun, type Input, type RunOptions } from './input.js';
import { type RunResult, runModel } from './run.js';
import { Session, type SessionOptions } from './session.js';
import type { ModelShare } from './share.js';
import { checkState } from './state.js';
import type { Stepper } from './stepper.js';

/** The parts that a model is put together from. */
export interface ModelParts {
  spec: ModelSpec;
  vocab: number[] | undefined;
  kernels: KernelSet;
  packed: PackedModel;
  stepper: Stepper;
  schedule: Schedule;
  /** the compiled binary that runs it in a memory of its own, or in a shared one */
  findBinary(shared: boolean): Promise<WebAssembly.Module>;
}

/** A model that is packed and ready to run. Made by `loadModel` and `createModel`. */
export class Model {
  /** what was loaded, with every default written out and the blocks that were found */
  readonly spec: ModelSpec;
  /** id → byte, of a byte-level model whose file has its vocabulary */
  readonly vocab: readonly number[] | undefined;
  /** which binary runs: 'simd' gives the same bytes everywhere, 'relaxed' is faster */
  readonly kernels: KernelSet;
  /** threads that a run has at most */
  readonly threads: number;
  /** bytes of WebAssembly memory, all of it: weights, states and scratch */
  readonly bytes: number;
  /** so that `using model = await loadModel(…)` disposes of it, in engines that know the symbol */
  declare readonly [Symbol.dispose]: () => void;
  readonly #parts: ModelParts;
  #running = false;
  #disposed = false;

  /** @internal */
  constructor(parts: ModelParts) {
    this.spec = parts.spec;
    this.vocab = parts.vocab;
    this.kernels = parts.kernels;
    this.threads = parts.schedule.threads;
    this.bytes = parts.packed.arena.memory.buffer.byteLength;
    this.#parts = parts;
    if (typeof Symbol.dispose === 'symbol') {
      Object.defineProperty(this, Symbol.dispose, { value: () => this.dispose() });
    }
  }

  /**
   * Runs B streams through T steps.
   * @param x [T, B, I] in a Float32Array, or ids [T, B] in an Int32Array or Uint32Array
   * @returns y [T, B, O], zero past a stream's length, and the state after each stream's last step
   * @throws TypeError, RangeError for wrong arguments; TypeError (ERR_BUSY) while another run of this model is under
   *   way; AbortError; WorkerError when a worker thread dies. After each the next run works as if nothing had been.
   */
  run(x: Input, options: RunOptions = {}): Promise<RunResult> {
    return this.#run(x, options);
  }

  /** @param row which blocks update where the options do not say it */
  async #run(x: Input, options: RunOptions, row?: Uint8Array): Promise<RunResult> {
    this.#checkAlive();
    const { packed, schedule } = this.#parts;
    const { arena, program } = packed;
    const measures = checkRun(program, x, options, row);
    if (options.state !== undefined) checkState(program, options.state, measures.batch);
    if (this.#running) {
      throw new ArgumentTypeError(
        'this model is in a run; await it first, or load the model once more to run two at a time.',
        'ERR_BUSY',
      );
    }
    this.#running = true;
    try {
      const result = await runModel(arena, program, schedule, x, measures, options);
      // Its last piece may have been done before it was disposed of.
      this.#checkAlive();
      return result;
    } finally {
      this.#running = false;
    }
  }

  /**
   * Opens B streams that are stepped frame by frame and keep their state. Any number can be open at a time.
   * @throws TypeError, RangeError for wrong options; UnsupportedError for a model that goes backward too, which needs
   *   whole sequences; TypeError (ERR_DISPOSED)
   */
  session(options: SessionOptions = {}): Session {
    this.#checkAlive();
    this.#checkSteps();
    const { packed, stepper } = this.#parts;
    return new Session(
      {
        program: packed.program,
        stepper,
        checkAlive: () => this.#checkAlive(),
        run: (x, given, row) => this.#run(x, given, row),
      },
      options,
    );
  }

  /**
   * A copy of the packed model for another thread, such as an audio worklet: plain data that postMessage and
   * processorOptions take, and `openShare` of 'blockrnn/worklet' opens there. Make one for each thread. It outlives
   * the model.
   * @throws AbortError; UnsupportedError for a model that goes backward too, which has no sessions
   */
  async share(options: { signal?: AbortSignal } = {}): Promise<ModelShare> {
    this.#checkAlive();
    this.#checkSteps();
    object(options, 'options');
    checkSignal(options.signal);
    const { spec, vocab, kernels } = this;
    const { packed, findBinary } = this.#parts;
    const shared = canShareMemory();
    const module = await untilAborted(findBinary(shared), options.signal);
    this.#checkAlive();
    return { spec, vocab, kernels, module, ...copyWeights(packed.arena, packed.program, shared) };
  }

  /** Ends the worker threads. A run in progress is rejected; every later call throws TypeError (ERR_DISPOSED). */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#parts.schedule.dispose(disposed());
  }

  #checkSteps(): void {
    if (!this.#parts.packed.program.reverses) return;
    const { name } = this.spec.layers.find((layer) => isRecurrent(layer) && layer.direction !== undefined)!;
    throw new UnsupportedError(
      `layer ${name} goes backward through time and needs whole sequences; use model.run.`,
      'layer direction',
    );
  }

  #checkAlive(): void {
    if (this.#disposed) throw disposed();
  }
}

function disposed(): ArgumentTypeError {
  return new ArgumentTypeError('this model has been disposed of.', 'ERR_DISPOSED');
}
