import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { checkSignal, integer, number, object, show } from '../base/guards.js';
import { checkSpec } from '../model/check.js';
import type { Tensors } from '../model/tensors.js';
import { decodeCheckpoint, encodeCheckpoint, type Position } from './checkpoint.js';
import type { Trainer } from './trainer.js';
import type { Batch, Batches, EpochReport, FitOptions, FitResult, Score, TrainerOptions } from './types.js';

/** After so many milliseconds other tasks have their turn. */
const turn = 20;

/** Opens a trainer on some platform. */
export type OpenTrainer = (spec: FitOptions['spec'], options: TrainerOptions) => Promise<Trainer>;

/** Trains a model over epochs; see the front door. */
export async function fitModel(open: OpenTrainer, options: FitOptions): Promise<FitResult> {
  object(options, 'options');
  const run = new Fitting(options);
  const { signal, capacity } = options;
  checkSignal(signal);
  const sizes = capacity ?? (await firstSizes(options));
  const trainer = await open(run.spec, { ...options, capacity: sizes });
  try {
    return await run.go(trainer);
  } finally {
    trainer.dispose();
  }
}

async function firstSizes({ batches }: FitOptions): Promise<TrainerOptions['capacity']> {
  for await (const first of checkBatches(batches(0), 'batches(0)')) {
    object(first, 'a batch');
    const { steps, batch } = first;
    return { steps, batch };
  }
  throw new ArgumentRangeError('batches(0) gives no batch.');
}

class Fitting {
  readonly spec: FitOptions['spec'];
  readonly #options: FitOptions;
  readonly #epochs: number;
  #position: Position = { epoch: 0, epochStep: 0, nats: 0, count: 0, seconds: 0, epochs: [] };
  #best: Tensors | undefined;
  /** when other tasks last had their turn */
  #rested = performance.now();

  constructor(options: FitOptions) {
    this.spec = checkSpec(options.spec);
    this.#options = options;
    this.#epochs = integer(options.epochs, 'epochs', 1);
    for (const name of ['batches', 'validate', 'onStep', 'onEpoch'] as const) {
      const value: unknown = options[name];
      if (typeof value === 'function' || (value === undefined && name !== 'batches')) continue;
      throw new ArgumentTypeError(`${name} must be a function, got ${show(value)}.`);
    }
    if (typeof options.learningRate !== 'function') number(options.learningRate, 'learningRate', 0);
    if (options.epochSteps !== undefined) integer(options.epochSteps, 'epochSteps', 1);
    if (options.resume !== undefined && !(options.resume instanceof Uint8Array))
      throw new ArgumentTypeError(`resume must be a Uint8Array, got ${show(options.resume)}.`);
    if (options.checkpoint !== undefined) {
      object(options.checkpoint, 'checkpoint');
      const { save, every } = options.checkpoint;
      if (typeof save !== 'function')
        throw new ArgumentTypeError(`checkpoint.save must be a function, got ${show(save)}.`);
      if (every !== undefined) integer(every, 'checkpoint.every', 1);
    }
  }

  async go(trainer: Trainer): Promise<FitResult> {
    const { resume } = this.#options;
    if (resume !== undefined) {
      const { state, position, best } = decodeCheckpoint(resume, this.spec);
      await trainer.restore(state);
      this.#position = position;
      this.#best = best;
    }
    while (this.#position.epoch < this.#epochs) await this.#runEpoch(trainer);
    const tensors = this.#best ?? trainer.tensors();
    return { spec: this.spec, tensors, steps: trainer.steps, epochs: this.#position.epochs };
  }

  async #runEpoch(trainer: Trainer): Promise<void> {
    const { batches, signal, onStep, checkpoint } = this.#options;
    const position = this.#position;
    const { epoch } = position;
    const given = checkBatches(batches(epoch), `batches(${epoch})`);
    const epochSteps = this.#options.epochSteps ?? (Array.isArray(given) ? given.length : undefined);
    let skip = position.epochStep;
    let last = performance.now();
    for await (const batch of given) {
      if (skip > 0) {
        skip--;
        continue;
      }
      await this.#heed(signal, trainer);
      const learningRate = this.#rateOf(trainer.steps, epochSteps);
      const result = await trainer.step(batch, learningRate);
      const now = performance.now();
      const seconds = (now - last) / 1000;
      last = now;
      position.epochStep++;
      position.nats += result.loss * result.count;
      position.count += result.count;
      position.seconds += seconds;
      const { steps: step } = trainer;
      onStep?.({ ...result, step, epoch, learningRate, tokensPerSecond: tokensOf(batch, result) / seconds });
      if (checkpoint?.every !== undefined && step % checkpoint.every === 0) await this.#save(trainer);
    }
    if (skip > 0) {
      throw new ArgumentRangeError(
        `batches(${epoch}) gives ${position.epochStep - skip} batches, but the checkpoint is from after ${position.epochStep}.`,
      );
    }
    if (position.count === 0) throw new ArgumentRangeError(`batches(${epoch}) gives no batch.`);
    await this.#heed(signal, trainer);
    await this.#endEpoch(trainer);
  }

  async #endEpoch(trainer: Trainer): Promise<void> {
    const { validate, onEpoch, checkpoint, signal } = this.#options;
    const { epoch, nats, count, seconds, epochs } = this.#position;
    let validation: Score | undefined;
    if (validate !== undefined) {
      validation = await scoreAll(trainer, validate(), () => this.#heed(signal, trainer));
    }
    // No loss is below one that is NaN, and NaN is below none.
    const isBest =
      validation === undefined ||
      (validation.loss < Number.POSITIVE_INFINITY &&
        !epochs.some(
          (report) => report.validation !== undefined && report.validation.loss <= validation.loss,
        ));
    const report: EpochReport = {
      epoch,
      loss: nats / count,
      ...(validation === undefined ? {} : { validation }),
      seconds,
      isBest,
    };
    if (isBest && validation !== undefined) this.#best = trainer.tensors();
    this.#position = {
      epoch: epoch + 1,
      epochStep: 0,
      nats: 0,
      count: 0,
      seconds: 0,
      epochs: [...epochs, report],
    };
    await onEpoch?.(report);
    if (checkpoint !== undefined) await this.#save(trainer);
  }

  #rateOf(step: number, epochSteps: number | undefined): number {
    const { learningRate } = this.#options;
    if (typeof learningRate === 'number') return learningRate;
    const { epoch, epochs } = this.#position;
    return number(
      learningRate({
        step,
        epoch,
        steps: epochSteps === undefined ? undefined : epochSteps * this.#epochs,
        validations: epochs.flatMap(({ validation }) => (validation === undefined ? [] : [validation.loss])),
      }),
      'what learningRate gives',
      0,
    );
  }

  /** Lets other tasks have their turn; when the signal has fired, where training stands is kept first. */
  async #heed(signal: AbortSignal | undefined, trainer: Trainer): Promise<void> {
    if (performance.now() - this.#rested > turn) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#rested = performance.now();
    }
    if (!signal?.aborted) return;
    if (this.#options.checkpoint !== undefined) await this.#save(trainer);
    checkSignal(signal);
  }

  async #save(trainer: Trainer): Promise<void> {
    const bytes = encodeCheckpoint({
      spec: this.spec,
      state: trainer.save(),
      position: this.#position,
      best: this.#best,
    });
    await this.#options.checkpoint!.save(bytes);
  }
}

function checkBatches(given: Batches, what: string): Batches {
  const isIterable =
    given !== null &&
    typeof given === 'object' &&
    (Symbol.iterator in given || Symbol.asyncIterator in given);
  if (!isIterable) throw new ArgumentTypeError(`${what} must give batches, got ${show(given)}.`);
  return given;
}

function tokensOf({ steps, batch }: Batch, { count }: Score): number {
  return Math.max(count, 0) || steps * batch;
}

async function scoreAll(trainer: Trainer, batches: Batches, between: () => Promise<void>): Promise<Score> {
  let nats = 0;
  let count = 0;
  let hits = 0;
  let isFirst = true;
  for await (const batch of checkBatches(batches, 'validate()')) {
    await between();
    // Every validation begins anew, or one after a resumption would carry on from another state.
    const score = await trainer.evaluate(isFirst ? { ...batch, carry: false } : batch);
    isFirst = false;
    nats += score.loss * score.count;
    count += score.count;
    hits += score.hits;
  }
  if (count === 0) throw new ArgumentRangeError('validate() gives no batch.');
  return { loss: nats / count, count, hits };
}
