import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { show } from '../base/guards.js';
import type { Arena } from '../memory/arena.js';
import type { Frame, Program } from '../pack/program.js';

/** State of one recurrent layer: h [B, H], and c [B, H] for an LSTM. */
export interface LayerState {
  /** hidden state, B·H values */
  h: Float32Array;
  /** cell of an LSTM, B·H values; other layers have none */
  c?: Float32Array;
}

/** One record per recurrent layer, in order. */
export type State = LayerState[];

/** A state of zeros for B streams. */
export function createState(program: Program, batch: number): State {
  return program.states.map(({ hidden, hasCell }) => {
    const h = new Float32Array(batch * hidden);
    return hasCell ? { h, c: new Float32Array(batch * hidden) } : { h };
  });
}

export function copyState(state: State): State {
  return state.map(({ h, c }) => (c === undefined ? { h: h.slice() } : { h: h.slice(), c: c.slice() }));
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
  for (const [index, { name, hidden, hasCell }] of program.states.entries()) {
    const record: unknown = state[index];
    const where = `state[${index}] (${name})`;
    if (record === null || typeof record !== 'object') {
      throw new ArgumentTypeError(`${where} must be ${hasCell ? '{ h, c }' : '{ h }'}, got ${show(record)}.`);
    }
    for (const part of hasCell ? (['h', 'c'] as const) : (['h'] as const)) {
      const values = (record as LayerState)[part];
      if (!(values instanceof Float32Array)) {
        throw new ArgumentTypeError(`${where}: ${part} must be a Float32Array, got ${show(values)}.`);
      }
      if (values.length !== batch * hidden) {
        throw new ArgumentRangeError(
          `${where}: ${part} [${batch}, ${hidden}] needs ${batch * hidden} values, got ${values.length}.`,
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
  for (const [index, { hidden, hasCell }] of program.states.entries()) {
    const { h, c, ld } = frame.states[index]!;
    loadRows(arena.f32, h, ld, state?.[index]?.h, hidden, first, count);
    if (hasCell) loadRows(arena.f32, c, ld, state?.[index]?.c, hidden, first, count);
  }
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
  for (const [index, { hidden }] of program.states.entries()) {
    const { h, c, ld } = frame.states[index]!;
    const own = state[index]!;
    for (let b = 0; b < count; b++) {
      const pair = (values: Float32Array, address: number) => {
        const from = (address + b * ld) / 4;
        const row = arena.f32.subarray(from, from + hidden);
        pairs.push({ kept: values.subarray(b * hidden, (b + 1) * hidden), row });
      };
      pair(own.h, h);
      if (own.c !== undefined) pair(own.c, c);
    }
  }
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
  for (const [index, { hidden }] of program.states.entries()) {
    const { h, c, ld } = frame.states[index]!;
    const to = state[index]!;
    storeRows(arena.f32, h, ld, to.h, hidden, first, count);
    if (to.c !== undefined) storeRows(arena.f32, c, ld, to.c, hidden, first, count);
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
