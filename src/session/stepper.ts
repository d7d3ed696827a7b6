import type { Piece, Runner } from '../engine/piece.js';
import type { Arena } from '../memory/arena.js';
import { addressOf, type Frame, type Port, type Program } from '../pack/program.js';
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
  /** what goes in and what comes out: of each port the rows of its streams */
  readonly #inputs: Rows[];
  readonly #outputs: Rows[];
  readonly #first: number;
  readonly #rows: RowPair[];
  /** which blocks update; undefined: all */
  #mask: Uint8Array | undefined;

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
    this.#piece = { stage: 0, steps: 1, batch, row: 0, t0: 0, ragged: false, masked: false };
    const { inputs, outputs } = program.stages[0]!;
    const memory = program.inputs === 0 ? arena.i32 : arena.f32;
    this.#inputs = inputs.map((port) => {
      const { of, width, place } = port;
      // Where rows lie in the frame as they come, they are one.
      const isWhole = width === of && place.ld === of * 4;
      const [count, each] = isWhole ? [1, batch] : [batch, 1];
      return rowsOf(memory, frame, { ...port, width: width * each, of: of * each }, count);
    });
    this.#outputs = outputs.map((port) => rowsOf(arena.f32, frame, port, batch));
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

  /** From now on only those blocks update that a row of the masks says when a step begins. */
  obey(mask: Uint8Array): void {
    this.#mask = mask;
    this.#piece.masked = true;
  }

  /** One step: x [B, I] or ids [B] of the whole session → its rows of y [B, O]. */
  step(x: Input, y: Float32Array): void {
    for (let p = 0; p < this.#inputs.length; p++) {
      const { rows, of, column } = this.#inputs[p]!;
      const first = (this.#first * of * rows.length) / this.batch + column;
      for (let r = 0; r < rows.length; r++) {
        const row = rows[r]!;
        if (x.length === row.length) row.set(x);
        else for (let i = 0, from = first + r * of; i < row.length; i++) row[i] = x[from + i]!;
      }
    }
    this.#stepper.admit(this);
    if (this.#mask !== undefined) {
      const { arena, program } = this.#stepper;
      arena.u8.set(this.#mask, program.step.masks.at);
    }
    this.#stepper.runner(this.#piece, nobodyToMeet);
    for (let p = 0; p < this.#outputs.length; p++) {
      const { rows, of, column } = this.#outputs[p]!;
      for (let b = 0; b < rows.length; b++) y.set(rows[b]!, (this.#first + b) * of + column);
    }
  }
}

/** Rows of a frame, and which columns they are of the host's rows, which are `of` wide. */
interface Rows {
  rows: (Float32Array | Int32Array)[];
  of: number;
  column: number;
}

function rowsOf(
  memory: Float32Array | Int32Array,
  frame: Frame,
  { place, width, of, column }: Port,
  count: number,
): Rows {
  const at = addressOf(frame, place);
  const rows = Array.from({ length: count }, (_, b) => {
    const from = (at + b * place.ld) / 4;
    return memory.subarray(from, from + width);
  });
  return { rows, of, column };
}
