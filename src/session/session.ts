import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, object } from '../base/guards.js';
import type { Program } from '../pack/program.js';
import { checkIds, checkKind, checkOut, type Input, type RunOptions } from './input.js';
import type { RunResult } from './run.js';
import { checkState, copyState, createState, type LayerState, moveStreams, type State } from './state.js';
import { Slice, type Stepper } from './stepper.js';
import { type Frames, type StreamOptions, streamSteps, transformSteps } from './stream.js';
import { findMask, maskWidth } from './updates.js';

const mostStreams = 2 ** 20;
/** Values of state and output that a session may have: 1 GiB. */
const mostValues = 2 ** 28;

/** What a session asks of its model. */
export interface Host {
  readonly program: Program;
  readonly stepper: Stepper;
  /** @throws TypeError (ERR_DISPOSED) */
  checkAlive(): void;
  /** @param row which blocks update where the options do not say it */
  run(x: Input, options: RunOptions, row: Uint8Array | undefined): Promise<RunResult>;
}

/** How a session begins. */
export interface SessionOptions {
  /** B, streams side by side, 1..2²⁰; default 1 */
  batch?: number;
  /** state to begin with; default zeros */
  state?: LayerState[];
}

/** B streams that keep their state from call to call. Make one with `model.session()`; there is nothing to free. */
export class Session {
  /** B, streams side by side */
  readonly batch: number;
  readonly #host: Host;
  readonly #slices: Slice[] = [];
  readonly #y: Float32Array;
  /** which blocks update, a row of the frame's masks; undefined as long as nobody has asked for it */
  #mask: Uint8Array | undefined;
  #running = false;

  /** @internal */
  constructor(host: Host, options: SessionOptions = {}) {
    const { program, stepper } = host;
    this.#host = host;
    object(options, 'options');
    const { batch = 1 } = options;
    const widths = program.states.flatMap(({ parts }) => parts.map(({ width }) => width));
    const perStream = widths.reduce((sum, width) => sum + width, program.outputs);
    this.batch = integer(batch, 'batch', 1, Math.min(mostStreams, Math.floor(mostValues / perStream)));
    if (options.state !== undefined) checkState(program, options.state, this.batch);
    const most = program.step.batch;
    for (let first = 0; first < this.batch; first += most) {
      const count = Math.min(most, this.batch - first);
      this.#slices.push(new Slice(stepper, first, count, createState(program, count)));
    }
    this.#y = new Float32Array(this.batch * program.outputs);
    if (options.state !== undefined) this.#write(options.state);
  }

  /**
   * One step of every stream. Synchronous, on the calling thread; allocates nothing.
   * @param x [B, I], or ids [B]
   * @param out where y goes; without it, an array that belongs to the session and that its next step overwrites
   * @returns y [B, O]
   * @throws TypeError, RangeError, with the state as it was
   */
  step(x: Input, out?: Float32Array): Float32Array {
    this.#check();
    const { program } = this.#host;
    checkKind(program, x);
    const width = program.inputs === 0 ? 1 : program.inputs;
    if (x.length !== this.batch * width) {
      throw new ArgumentRangeError(
        `x of one step needs ${this.batch * width} values, ${width} for each of ${this.batch} streams, got ${x.length}.`,
      );
    }
    if (program.inputs === 0) checkIds(program, x, this.batch, undefined);
    const y = out === undefined ? this.#y : checkOut(out, this.#y.length);
    for (let i = 0; i < this.#slices.length; i++) this.#slices[i]!.step(x, y);
    return y;
  }

  /**
   * Which blocks of a layer update from the next step on: write 0 where one is to be skipped, 1 where not. A block that
   * is skipped keeps its state, repeats its output and costs nothing (Clockwork RNN, Koutník et al. 2014; RIMs, Goyal
   * et al. 2019). It holds for all streams, and neither `reset` nor `restore` changes it; `run` obeys it where its
   * options do not say otherwise.
   * @param name of a recurrent layer
   * @returns [N], all ones at first; it belongs to the session
   * @throws TypeError, RangeError for a name of no recurrent layer
   */
  updates(name: string): Uint8Array {
    this.#check();
    const { program } = this.#host;
    const { column, count } = findMask(program, name);
    if (this.#mask === undefined) {
      this.#mask = new Uint8Array(maskWidth(program)).fill(1);
      for (const slice of this.#slices) slice.obey(this.#mask);
    }
    return this.#mask.subarray(column, column + count);
  }

  /**
   * A step for each frame as it comes: `for await (const y of session.stream(frames))`. Leaving the loop ends the
   * source; the state stays where it is.
   * @param frames an iterable or async iterable of x [B, I], or of ids [B]
   * @returns y's [B, O], each an array of its own
   * @throws TypeError at once for what is no iterable; then as `step` does, and AbortError
   */
  stream(frames: Frames, options: StreamOptions = {}): AsyncGenerator<Float32Array, void, undefined> {
    this.#check();
    return streamSteps((x) => this.step(x), frames, options);
  }

  /**
   * The same as a face for web streams: `readable.pipeThrough(session.transform())`. x [B, I] or ids [B] in, y's
   * [B, O] out, each an array of its own. What `step` throws ends the stream.
   */
  transform(): TransformStream<Input, Float32Array> {
    this.#check();
    return transformSteps((x) => this.step(x));
  }

  /**
   * Many steps from this session's state, on the model's threads; the state moves on when it succeeds.
   * @param x [T, B, I], or ids [T, B]
   * @throws as `model.run` does, with the state as it was; TypeError (ERR_BUSY) while another run is under way
   */
  async run(x: Input, options: Omit<RunOptions, 'batch' | 'state'> = {}): Promise<RunResult> {
    this.#check();
    object(options, 'options');
    const given = { ...options, batch: this.batch, state: this.snapshot() };
    this.#running = true;
    try {
      const result = await this.#host.run(x, given, this.#mask?.slice());
      this.#write(result.state);
      return result;
    } finally {
      this.#running = false;
    }
  }

  /**
   * Sets the state of every stream, or of one alone, to zero.
   * @param stream its number, 0..B−1; default: all
   * @throws TypeError, RangeError for another number; TypeError (ERR_BUSY) while a run is under way
   */
  reset(stream?: number): void {
    this.#check();
    if (stream === undefined) {
      this.#write(createState(this.#host.program, this.batch));
      return;
    }
    integer(stream, 'stream', 0, this.batch - 1);
    const state = this.snapshot();
    moveStreams(this.#host.program, state, stream, undefined, 0, 1);
    this.#write(state);
  }

  /** A copy of the state, a record per recurrent layer, such as h and c [B, H] of an LSTM. `model.run` takes it too. */
  snapshot(): State {
    this.#check();
    const { program, stepper } = this.#host;
    stepper.evict();
    if (this.#slices.length === 1) return copyState(program, this.#slices[0]!.state);
    const whole = createState(program, this.batch);
    let first = 0;
    for (const { batch, state } of this.#slices) {
      moveStreams(program, whole, first, state, 0, batch);
      first += batch;
    }
    return whole;
  }

  /**
   * Takes a copy of a state, of this session or of another one of the same model and batch.
   * @throws TypeError, RangeError, with the state as it was
   */
  restore(saved: LayerState[]): void {
    this.#check();
    this.#write(checkState(this.#host.program, saved, this.batch));
  }

  #check(): void {
    this.#host.checkAlive();
    if (this.#running) {
      throw new ArgumentTypeError('this session is in a run; await it before the next call.', 'ERR_BUSY');
    }
  }

  #write(state: State): void {
    const { program, stepper } = this.#host;
    stepper.evict();
    let first = 0;
    for (const slice of this.#slices) {
      moveStreams(program, slice.state, 0, state, first, slice.batch);
      first += slice.batch;
    }
  }
}
