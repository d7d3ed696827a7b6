import { ArgumentTypeError, DivergedError } from '../base/errors.js';
import { number } from '../base/guards.js';
import type { Arena } from '../memory/arena.js';
import type { ModelSpec } from '../model/spec.js';
import { checkTensors, type Tensors } from '../model/tensors.js';
import type { Schedule as Workers } from '../schedule/schedule.js';
import type { KernelSet } from '../wasm/features.js';
import { type CheckedBatch, checkBatch, writeBatch } from './batch.js';
import { sumLosses } from './passes/head.js';
import { isUpdating, type Order, readNorm, type Stage, writeOrder } from './plan/order.js';
import { checkTied, placeTensors, placeUntrained, prefixes, readTensors, untrainedOf } from './plan/place.js';
import type { TrainProgram } from './plan/program.js';
import { copyCarried, placeCarried, readState } from './trainer-state.js';
import type { Batch, Score, StepResult, TrainerState } from './types.js';

/** The parts that a trainer is put together from. */
export interface TrainerParts {
  spec: ModelSpec;
  program: TrainProgram;
  arena: Arena;
  workers: Workers;
  kernels: KernelSet;
  seed: number;
}

/** A model that learns: weights, their optimiser, and the memory of one batch. Made by `createTrainer`. */
export class Trainer {
  /** what is trained, with every default written out */
  readonly spec: ModelSpec;
  /** which binary runs */
  readonly kernels: KernelSet;
  /** threads that share a step */
  readonly threads: number;
  /** bytes of WebAssembly memory, all of it */
  readonly bytes: number;
  /** so that `using trainer = await createTrainer(…)` disposes of it, in engines that know the symbol */
  declare readonly [Symbol.dispose]: () => void;
  readonly #parts: TrainerParts;
  readonly #f64: Float64Array;
  #steps = 0;
  /** tensors of which training leaves something as it is */
  #untrained: Tensors = {};
  /** streams whose state the next batch can carry on from, of training and of evaluation; 0 is none */
  readonly #carried: [number, number] = [0, 0];
  #isBusy = false;
  #isDisposed = false;
  /** whether a worker died while weights were being changed */
  #isTorn = false;

  /** @internal */
  constructor(parts: TrainerParts) {
    this.spec = parts.spec;
    this.kernels = parts.kernels;
    this.threads = parts.workers.threads;
    this.bytes = parts.arena.memory.buffer.byteLength;
    this.#parts = parts;
    this.#f64 = new Float64Array(parts.arena.memory.buffer);
    if (typeof Symbol.dispose === 'symbol') {
      Object.defineProperty(this, Symbol.dispose, { value: () => this.dispose() });
    }
  }

  /** updates done so far */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One update: the mean loss of a batch, its gradient, clipped, and the optimiser's step.
   * @param learningRate within 0..10⁹
   * @returns the loss before the update, and the gradient's norm before clipping
   * @throws TypeError, RangeError for a batch that does not fit; TypeError (ERR_BUSY) while another call is under way;
   *   DivergedError when loss or gradient is not finite; WorkerError when a thread dies. After each of them the weights
   *   are those from before, except after a WorkerError in the very update: then every call says so until `restore`.
   */
  async step(batch: Batch, learningRate: number): Promise<StepResult> {
    this.#check();
    const checked = checkBatch(this.#parts.program, batch);
    number(learningRate, 'learningRate', 0, mostRate);
    return this.#alone(async () => {
      const score = await this.#order('train', checked, learningRate);
      const norm = readNorm(this.#f64, this.#parts.program.order);
      if (!Number.isFinite(norm) || !Number.isFinite(score.loss)) {
        throw new DivergedError(
          `step ${this.#steps + 1} gives a loss of ${score.loss} and a gradient of norm ${norm}; a lower learning rate, or clip, keeps it finite.`,
        );
      }
      this.#steps++;
      this.#carried[0] = checked.batch;
      return { ...score, norm };
    });
  }

  /** The loss of a batch, with nothing left out and nothing changed. Its carried state is its own. */
  async evaluate(batch: Batch): Promise<Score> {
    this.#check();
    const checked = checkBatch(this.#parts.program, batch);
    return this.#alone(async () => {
      const score = await this.#order('evaluate', checked, 0);
      this.#carried[1] = checked.batch;
      return score;
    });
  }

  /**
   * The gradient of a batch's mean loss, not clipped, as tensors in the layout of the weights; of what is not trained there is
   * none. Nothing is changed.
   */
  async gradients(batch: Batch): Promise<Tensors> {
    this.#check();
    const { arena, program, spec } = this.#parts;
    const checked = checkBatch(program, batch);
    return this.#alone(async () => {
      await this.#order('gradient', checked, 0);
      return readTensors(arena.f32, spec, program, program.slopes);
    });
  }

  /** A copy of the weights; `createModel(trainer.spec, trainer.tensors())` runs them. */
  tensors(): Tensors {
    this.#check();
    return this.#weights();
  }

  /** A copy of all that the next step depends on. */
  save(): TrainerState {
    this.#check();
    const { arena, program, spec } = this.#parts;
    const tensors = this.#weights();
    for (const [index, region] of program.moments.entries()) {
      const moment = readTensors(arena.f32, spec, program, region);
      for (const { names } of program.params) tensors[prefixes[index] + names[0]!] = moment[names[0]!]!;
    }
    return { steps: this.#steps, tensors, carried: copyCarried(arena.f32, program, this.#carried[0]) };
  }

  /**
   * Goes back to what `save` gave, of this training or of one with the same spec and the same kind of optimiser.
   * @throws TypeError, RangeError, MismatchError; then nothing has changed
   */
  async restore(state: TrainerState): Promise<void> {
    this.#check(true);
    const { arena, program, spec } = this.#parts;
    const { weights, moments, carried, steps } = readState(spec, program, state);
    this.#place(weights);
    for (const [index, region] of program.moments.entries())
      placeTensors(arena.f32, program, region, moments[index]!);
    placeCarried(arena.f32, program, carried);
    this.#steps = steps;
    this.#carried[0] = carried.batch;
    this.#carried[1] = 0;
    this.#isTorn = false;
    await this.#alone(() => this.#run({ ...nothing, stage: 'pack' }));
  }

  /** @internal Sets the first weights. */
  async begin(tensors: Tensors): Promise<void> {
    const { program, spec } = this.#parts;
    const checked = checkTensors(spec, tensors);
    checkTied(program, checked);
    this.#place(checked);
    await this.#run({ ...nothing, stage: 'pack' });
  }

  /** Ends the worker threads. A call under way is rejected; every later one throws TypeError (ERR_DISPOSED). */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#parts.workers.dispose(disposed());
  }

  #weights(): Tensors {
    const { arena, program, spec } = this.#parts;
    return readTensors(arena.f32, spec, program, program.weights, this.#untrained);
  }

  #place(weights: Tensors): void {
    const { arena, program, spec } = this.#parts;
    placeTensors(arena.f32, program, program.weights, weights);
    this.#untrained = untrainedOf(spec, weights);
    placeUntrained(arena, program, this.#untrained);
  }

  async #order(stage: Stage, batch: CheckedBatch, learningRate: number): Promise<Score> {
    const { arena, program, seed } = this.#parts;
    const carry = batch.carry && this.#carried[stage === 'evaluate' ? 1 : 0] === batch.batch;
    writeBatch(arena.f32, arena.i32, program, batch);
    await this.#run({
      steps: batch.steps,
      batch: batch.batch,
      ragged: batch.lengths !== undefined,
      stage,
      carry,
      seed: mix(seed, this.#steps),
      scale: 1 / batch.count,
      learningRate,
      update: this.#steps + 1,
    });
    return this.#score(batch);
  }

  /** Nobody else's turn until the work is done and what it gave has been read. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }

  async #run(order: Order): Promise<void> {
    const { workers, program } = this.#parts;
    writeOrder(this.#f64, program.order, order);
    try {
      await workers.run({
        stage: 0,
        steps: order.steps,
        batch: order.batch,
        row: 0,
        t0: 0,
        ragged: order.ragged,
        masked: false,
      });
    } catch (error) {
      // Packed forms of which some are new and some old are no weights either.
      this.#isTorn = order.stage === 'pack' || isUpdating(this.#f64, program.order);
      throw error;
    }
    if (this.#isDisposed) throw disposed();
  }

  #score({ batch, steps, count }: CheckedBatch): Score {
    const { arena, program } = this.#parts;
    const { hits, loss } = program.head;
    const sum = sumLosses(arena.f32, program.head, { steps, batch });
    if (loss.kind === 'ctc') return { loss: sum / count, count, hits: 0 };
    const rows = loss.kind === 'steps' ? steps * batch : batch;
    let right = 0;
    for (let row = 0; row < rows; row++) right += arena.i32[hits / 4 + row]!;
    return { loss: sum / count, count, hits: right };
  }

  #check(mayBeTorn = false): void {
    if (this.#isDisposed) throw disposed();
    if (this.#isBusy) {
      throw new ArgumentTypeError('this trainer is at work; await that first.', 'ERR_BUSY');
    }
    if (this.#isTorn && !mayBeTorn) {
      throw new ArgumentTypeError(
        'a worker thread died while the weights were being updated; restore a saved state first.',
        'ERR_WORKER',
      );
    }
  }
}

const nothing: Omit<Order, 'stage'> = {
  steps: 0,
  batch: 0,
  ragged: false,
  carry: false,
  seed: 0,
  scale: 0,
  learningRate: 0,
  update: 0,
};

/** Far above what any training uses, and far below what f32 can hold. */
const mostRate = 1e9;

/** A seed of its own for every step. */
function mix(seed: number, step: number): number {
  return (Math.imul(seed, 0x85ebca6b) + Math.imul(step + 1, 0xc2b2ae35)) >>> 0;
}

function disposed(): ArgumentTypeError {
  return new ArgumentTypeError('this trainer has been disposed of.', 'ERR_DISPOSED');
}
