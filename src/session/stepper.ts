import { outputOf } from '../engine/engine.js';
import type { Piece, Runner } from '../engine/piece.js';
import type { Arena } from '../memory/arena.js';
import type { Program } from '../pack/program.js';
import type { Input } from './input.js';
import { pairRows, type RowPair, type State } from './state.js';

const nobodyToMeet = () => {};

/**
 * The step frame of a model and whose state stands in it. Sessions take turns: while one steps again and again its
 * state stays where the kernels have it, and is only copied when another one comes.
 */
export class Stepper {
  #tenant: Slice | undefined;

  constructor(
    readonly arena: Arena,
    readonly program: Program,
    readonly runner: Runner,
  ) {}

  /** Makes a slice's state the frame's. */
  admit(slice: Slice): void {
    if (this.#tenant === slice) return;
    this.evict();
    slice.load();
    this.#tenant = slice;
  }

  /** Brings the state of the slice in the frame, if any, back to where it is kept. */
  evict(): void {
    const slice = this.#tenant;
    if (slice === undefined) return;
    slice.store();
    this.#tenant = undefined;
  }
}

/** Up to a frame's worth of the streams of one session. All that a step needs is made here, so that steps make nothing. */
export class Slice {
  readonly #stepper: Stepper;
  readonly #piece: Piece;
  readonly #input: Float32Array | Int32Array;
  readonly #outputs: Float32Array[];
  readonly #first: number;
  readonly #rows: RowPair[];

  /**
   * @param first number of its first stream in the session
   * @param state of its own streams; kept, and up to date after `evict`
   */
  constructor(
    stepper: Stepper,
    first: number,
    readonly batch: number,
    readonly state: State,
  ) {
    const { arena, program } = stepper;
    const frame = program.step;
    this.#stepper = stepper;
    this.#first = first;
    this.#piece = { steps: 1, batch, t0: 0, ragged: false };
    const at = frame.input / 4;
    this.#input = (program.inputs === 0 ? arena.i32 : arena.f32).subarray(
      at,
      at + batch * Math.max(1, program.inputs),
    );
    const { address, ld } = outputOf(program, frame);
    this.#outputs = Array.from({ length: batch }, (_, b) => {
      const from = (address + b * ld) / 4;
      return arena.f32.subarray(from, from + program.outputs);
    });
    this.#rows = pairRows(arena, program, frame, state, batch);
  }

  /** Copies its state into the frame. */
  load(): void {
    for (let i = 0; i < this.#rows.length; i++) this.#rows[i]!.row.set(this.#rows[i]!.kept);
  }

  /** Copies its state out of the frame. */
  store(): void {
    for (let i = 0; i < this.#rows.length; i++) this.#rows[i]!.kept.set(this.#rows[i]!.row);
  }

  /** One step: x [B, I] or ids [B] of the whole session → its rows of y [B, O]. */
  step(x: Input, y: Float32Array): void {
    const input = this.#input;
    const from = this.#first * (input.length / this.batch);
    if (x.length === input.length) input.set(x);
    else for (let i = 0; i < input.length; i++) input[i] = x[from + i]!;
    this.#stepper.admit(this);
    this.#stepper.runner(this.#piece, nobodyToMeet);
    for (let b = 0; b < this.batch; b++)
      y.set(this.#outputs[b]!, (this.#first + b) * this.#outputs[b]!.length);
  }
}
