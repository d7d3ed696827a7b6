import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { Arena } from '../memory/arena.js';
import type { Frame, Program, StatePlan } from '../pack/program.js';

/** State of one layer of B streams; which of these it has is its kind's business. */
export interface LayerState {
  /** hidden state [B, H]; [B, P] of an LSTM that projects it; of conv and delay the inputs that they still need */
  h: Float32Array;
  /** cell [B, H] of LSTM, sLSTM, SRU and QRNN */
  c?: Float32Array;
  /** normaliser [B, H] of an sLSTM */
  n?: Float32Array;
  /** stabiliser [B, H] of an sLSTM: the logarithm of what c and n are multiples of */
  m?: Float32Array;
}

/** One record per layer that has a state, in order. */
export type State = LayerState[];

/** A state of zeros for B streams. */
export function createState(program: Program, batch: number): State {
  return program.states.map(({ parts }) => makeRecord(parts, ({ width }) => new Float32Array(batch * width)));
}

export function copyState(program: Program, state: State): State {
  return program.states.map(({ parts }, index) =>
    makeRecord(parts, ({ name }) => state[index]![name]!.slice()),
  );
}

function makeRecord(
  parts: StatePlan['parts'],
  make: (part: StatePlan['parts'][number]) => Float32Array,
): LayerState {
  return Object.fromEntries(parts.map((part) => [part.name, make(part)])) as unknown as LayerState;
}

/**
 * Returns `state` when it is a state of this model for B streams.
 * @throws TypeError, RangeError naming the layer
 */
export function checkState(program: Program, state: unknown, batch: number): State {
  if (!Array.isArray(state)) {
    throw new ArgumentTypeError(`state must be an array of { h, c }, got ${show(state)}.`);
  }
  if (state.length !== program.states.length) {
    throw new ArgumentRangeError(
      `state must have one record for each of ${program.states.length} recurrent layers, got ${state.length}.`,
    );
  }
  for (const [index, { name, parts }] of program.states.entries()) {
    const record: unknown = state[index];
    const where = `state[${index}] (${name})`;
    if (record === null || typeof record !== 'object') {
      const names = parts.map((part) => part.name).join(', ');
      throw new ArgumentTypeError(`${where} must be { ${names} }, got ${show(record)}.`);
    }
    for (const { name: part, width } of parts) {
      const values = (record as LayerState)[part];
      if (!(values instanceof Float32Array)) {
        throw new ArgumentTypeError(`${where}: ${part} must be a Float32Array, got ${show(values)}.`);
      }
      if (values.length !== batch * width) {
        throw new ArgumentRangeError(
          `${where}: ${part} [${batch}, ${width}] needs ${batch * width} values, got ${values.length}.`,
        );
      }
    }
  }
  return state as State;
}

/** Copies streams [first, first + count) of a state into the rows of a frame; zeros when there is no state. */
export function loadState(
  arena: Arena,
  program: Program,
  frame: Frame,
  state: State | undefined,
  first: number,
  count: number,
): void {
  eachPart(program, frame, (index, { name, width }, address, ld) =>
    loadRows(arena.f32, address, ld, state?.[index]?.[name], width, first, count),
  );
}

/** One stream's state of one layer where a session keeps it, and its row in a frame. */
export interface RowPair {
  kept: Float32Array;
  row: Float32Array;
}

/** The rows of a state of `count` streams beside those of a frame, so that copying either way makes nothing. */
export function pairRows(
  arena: Arena,
  program: Program,
  frame: Frame,
  state: State,
  count: number,
): RowPair[] {
  const pairs: RowPair[] = [];
  eachPart(program, frame, (index, { name, width }, address, ld) => {
    const values = state[index]![name]!;
    for (let b = 0; b < count; b++) {
      const from = (address + b * ld) / 4;
      const row = arena.f32.subarray(from, from + width);
      pairs.push({ kept: values.subarray(b * width, (b + 1) * width), row });
    }
  });
  return pairs;
}

/** The reverse of loadState. */
export function storeState(
  arena: Arena,
  program: Program,
  frame: Frame,
  state: State,
  first: number,
  count: number,
): void {
  eachPart(program, frame, (index, { name, width }, address, ld) =>
    storeRows(arena.f32, address, ld, state[index]![name]!, width, first, count),
  );
}

/** Goes through all parts of a state, with where each lies in a frame. */
function eachPart(
  program: Program,
  frame: Frame,
  use: (index: number, part: StatePlan['parts'][number], address: number, ld: number) => void,
): void {
  for (const [index, { parts }] of program.states.entries()) {
    const { at, ld } = frame.states[index]!;
    for (const [k, part] of parts.entries()) use(index, part, at[k]!, ld);
  }
}

/**
 * Copies streams [from, from + count) of one state to streams of another from `to` on; without a source, zeros.
 */
export function moveStreams(
  program: Program,
  into: State,
  to: number,
  source: State | undefined,
  from: number,
  count: number,
): void {
  for (const [index, { parts }] of program.states.entries()) {
    for (const { name, width } of parts) {
      const values = into[index]![name]!;
      if (source === undefined) values.fill(0, to * width, (to + count) * width);
      else values.set(source[index]![name]!.subarray(from * width, (from + count) * width), to * width);
    }
  }
}

function loadRows(
  memory: Float32Array,
  address: number,
  ld: number,
  values: Float32Array | undefined,
  width: number,
  first: number,
  count: number,
): void {
  // Padding is zero from the start, and kernels leave it so.
  if (values === undefined) {
    memory.fill(0, address / 4, (address + count * ld) / 4);
    return;
  }
  for (let b = 0; b < count; b++) {
    memory.set(values.subarray((first + b) * width, (first + b + 1) * width), (address + b * ld) / 4);
  }
}

function storeRows(
  memory: Float32Array,
  address: number,
  ld: number,
  values: Float32Array,
  width: number,
  first: number,
  count: number,
): void {
  for (let b = 0; b < count; b++) {
    const from = (address + b * ld) / 4;
    values.set(memory.subarray(from, from + width), (first + b) * width);
  }
}
