import { ArgumentRangeError, MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { Arena } from '../../memory/arena.js';
import { type Cell, cellOf } from '../../model/cells.js';
import {
  blockSizesOf,
  isRecurrent,
  type ModelSpec,
  type RecurrentLayerSpec,
  stripsOf,
} from '../../model/spec.js';
import { layerTensors, type Tensor, type Tensors } from '../../model/tensors.js';
import { placeParameters } from '../../pack/parameters.js';
import { gatePlaces, rowPlaces } from '../../pack/rows.js';
import { placeTable, tableFloats } from '../../pack/table.js';
import type { Param } from './link.js';
import { recurrentsOf, type TrainProgram } from './program.js';
import type { RecurrentTape } from './recurrent-tape.js';
import { placeStrips } from './strips.js';
import type { InputBlocks } from './tapes.js';
import { withoutZoneout } from './zoneout.js';

/**
 * Copies between tensors in their natural layout and parameters in one region of a training's memory: the weights, their
 * gradients, or a moment of the optimiser.
 */

/** Before the names of the optimiser's moments. */
export const prefixes = ['first.', 'second.'];

/** Writes checked tensors into a region. */
export function placeTensors(
  f32: Float32Array,
  program: TrainProgram,
  region: number,
  tensors: Tensors,
): void {
  for (const param of program.params) {
    const tensor = tensors[param.names[0]!]!;
    const { columns, ld } = param;
    f32.fill(0, (region + param.at) / 4, (region + param.at) / 4 + param.count);
    forEachRow(param, tensor, (at, place) => {
      const to = (region + param.at + place * ld) / 4;
      for (let column = 0; column < columns; column++) f32[to + column] = tensor.data[at + column]!;
    });
  }
}

/** Writes what kernels read of tensors that are not trained: the orders of shuffles, and where strips lie. */
export function placeUntrained(arena: Arena, { ops, weights }: TrainProgram, untrained: Tensors): void {
  for (const op of ops) {
    if (op.op === 'shuffle') arena.i32.set(untrained[`${op.name}.order`]!.data, op.order / 4);
    if (op.op !== 'recurrent' || op.strips === undefined) continue;
    placeStrips(arena, op.strips, weights, op.name, untrained[`${op.name}.strips`]!.data);
  }
}

/** Names of the tensors of which nothing is trained. */
export function fixedNames({ layers }: ModelSpec): string[] {
  return layers.flatMap((layer) => {
    if (layer.kind === 'shuffle') return [`${layer.name}.order`];
    return isRecurrent(layer) && stripsOf(layer) !== undefined ? [`${layer.name}.strips`] : [];
  });
}

/** Copies of those checked tensors of which training leaves something as it is. */
export function untrainedOf(spec: ModelSpec, tensors: Tensors): Tensors {
  // What stands behind the states of a block.
  const ragged = spec.layers.flatMap((layer) =>
    isRecurrent(layer) && blockSizesOf(layer) !== undefined ? [`${layer.name}.weight_hh`] : [],
  );
  const names = [...fixedNames(spec), ...ragged];
  return copyTensors(Object.fromEntries(names.map((name) => [name, tensors[name]!])));
}

function copyTensors(tensors: Tensors): Tensors {
  const copies = Object.entries(tensors).map(([name, { shape, data }]) => [
    name,
    { shape, data: data.slice() },
  ]);
  return Object.fromEntries(copies);
}

/**
 * Reads a region back, tensor by tensor; tied ones under both names.
 * @param untrained what stands where the region has nothing; default: zeros, and no tensor of which nothing is trained
 */
export function readTensors(
  f32: Float32Array,
  spec: ModelSpec,
  program: TrainProgram,
  region: number,
  untrained: Tensors = {},
): Tensors {
  const tensors = copyTensors(untrained);
  const shapes = Object.assign({}, ...spec.layers.map(layerTensors)) as Record<string, number[]>;
  for (const param of program.params) {
    const { columns, ld, names } = param;
    for (const name of names) {
      tensors[name] ??= zerosOf(shapes[name]!);
      const tensor = tensors[name];
      forEachRow(param, tensor, (at, place) => {
        const from = (region + param.at + place * ld) / 4;
        tensor.data.set(f32.subarray(from, from + columns), at);
      });
    }
  }
  return tensors;
}

function zerosOf(shape: number[]): Tensor {
  return { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) };
}

/**
 * Checks that tied tensors hold the same numbers.
 * @throws MismatchError
 */
export function checkTied({ params }: TrainProgram, tensors: Tensors): void {
  for (const { names } of params) {
    const [first, second] = names.map((name) => tensors[name]) as [Tensor, Tensor | undefined];
    if (second === undefined || second.data.every((value, i) => Object.is(value, first.data[i]))) continue;
    throw new MismatchError(
      `tie: tensors ${show(names[0])} and ${show(names[1])} are one weight, but their numbers differ.`,
    );
  }
}

/**
 * Checks that no moment has the name of a weight, as it would where one layer is named like another with a prefix.
 * @throws UnsupportedError
 */
export function checkNames({ params, moments }: TrainProgram): void {
  const names = params.flatMap((param) => param.names);
  for (const name of names) {
    const prefix = prefixes.slice(0, moments.length).find((one) => names.includes(one + name));
    if (prefix === undefined) continue;
    throw new UnsupportedError(
      `the optimiser keeps ${show(prefix + name)} of tensor ${show(name)}, but a weight has that name; rename its layer.`,
      'train names',
    );
  }
}

/** Where every row of a parameter's tensor that is its own begins, and the row of the parameter that it is. */
function forEachRow(
  { gated, each, blocked, rows: stride }: Param,
  { shape, data }: Tensor,
  use: (at: number, place: number) => void,
): void {
  const rows = shape[0]!;
  const width = data.length / rows;
  if (gated !== undefined) {
    const { first, hidden, all } = gated;
    const places = placesOf(gated, stride);
    if ((places.length / hidden) * all !== rows)
      throw new ArgumentRangeError(
        `a tensor has ${rows} rows where ${(places.length / hidden) * all} belong.`,
      );
    for (const [k, place] of places.entries())
      use((Math.floor(k / hidden) * all + first + (k % hidden)) * width, place);
    return;
  }
  for (let row = 0; row < rows; row++) {
    if (blocked !== undefined) use(row * width, blockPlace(blocked, stride, row));
    else if (each !== undefined) use(row * width, Math.floor(row / each) * stride + (row % each));
    else use(row * width, row);
  }
}

/** Where a row g·H + u is, when blocks of units stand one after the other, `stride` rows apart, within one gate after gate. */
function blockPlace({ hidden, units }: NonNullable<Param['blocked']>, stride: number, row: number): number {
  const [gate, unit] = [Math.floor(row / hidden), row % hidden];
  return Math.floor(unit / units) * stride + gate * units + (unit % units);
}

/** The packed row of each row of a recurrent layer's tensor. */
function placesOf({ cell, hidden, units, gates }: NonNullable<Param['gated']>, stride: number): Int32Array {
  const places = rowPlaces(cell, hidden, units, stride);
  return gates === undefined ? places : gatePlaces(places, hidden, gates);
}

/** Writes the constants of the kernels, and of each layer that has some of its own what it says. */
export function placeConstants({ f32, i32 }: Arena, program: TrainProgram, { layers }: ModelSpec): void {
  placeTable(f32, program.constants / 4);
  for (const op of recurrentsOf(program.ops)) {
    const layer = layers.find(({ name }) => name === op.name) as RecurrentLayerSpec;
    if (op.blocked !== undefined) placeInputOrder(i32, op, op.blocked, cellOf(layer));
    if (op.table === program.constants) continue;
    const { outputs, states, whole, whr } = op;
    const apart = states.length > 2 ? states[2]!.at - states[1]!.at : 0;
    const placed = { apart, block: whole.units, outputs, projection: whr?.forward ?? 0 };
    for (const [table, said] of [
      [op.evaluation, layer],
      [op.table, withoutZoneout(layer)],
    ] as const) {
      placeTable(f32, table / 4);
      placeParameters(f32, table / 4 + tableFloats, said, placed);
    }
  }
}

/** Which output of a layer's input blocks each row of z is. */
function placeInputOrder(
  i32: Int32Array,
  { parts, whole, hidden }: RecurrentTape,
  { order, outputs, parts: blocks }: InputBlocks,
  cell: Cell,
): void {
  i32.fill(outputs, order / 4, order / 4 + parts * whole.rows);
  const units = hidden / blocks;
  for (const [row, place] of rowPlaces(cell, hidden, whole.units, whole.rows).entries())
    i32[order / 4 + place] = blockPlace({ hidden, units }, outputs / blocks, row);
}
