import { ArgumentRangeError, MismatchError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import { cellOf } from '../model/cells.js';
import { checkSpec } from '../model/check.js';
import { maxSize } from '../model/given.js';
import { endOf } from '../model/recurrent.js';
import {
  blocksOf,
  directionsOf,
  isRecurrent,
  outputsOf,
  type RecurrentLayerSpec,
  stripsOf,
} from '../model/spec.js';
import { checkTensors, type ModelFile, type Tensor, type Tensors } from '../model/tensors.js';

/**
 * Finding block structure in recurrent weights, and going between their dense and their compact form.
 *
 *   dense [G·H, H], one gate of N = 3       compact [G·H, D]
 *     a a . . . .                             a a
 *     a a . . . .                             a a
 *     . . b b . .                             b b
 *     . . b b . .                             b b
 *     . . . . c c                             c c
 *     . . . . c c                             c c
 *
 * Column k of row i in a compact matrix with D columns is column floor(i / D)·D + k of the dense one.
 */

/** Most values that a regrouped matrix may have: 8 GiB, the most that one typed array holds in current engines. */
const maxValues = 2 ** 31;

/**
 * The largest N that divides H such that in every gate every entry off the N blocks is at most `tolerance` in
 * magnitude. A NaN is never zero; a matrix of zeros is diagonal (N = H).
 *
 * One pass: per row only the first and the last entry that counts matter. A boundary before unit p is crossed
 * when an entry joins units on both sides of it, and N holds when no multiple of H/N is crossed.
 * @param weightHh [G·H, H], or [G·H, H/from] of a matrix that has been compacted to `from` blocks
 * @returns N, within 1..H
 * @throws RangeError when the sizes do not fit together or the tolerance is negative or not finite
 */
export function findBlocks(
  weightHh: Float32Array,
  gates: number,
  hiddenSize: number,
  tolerance = 0,
  from = 1,
): number {
  const columns = checkSizes(weightHh, gates, hiddenSize, from);
  checkTolerance(tolerance);
  const change = new Int32Array(hiddenSize + 1);
  for (let row = 0; row < gates * hiddenSize; row++) {
    const unit = row % hiddenSize;
    const origin = unit - (unit % columns);
    let first = 0;
    while (first < columns && Math.abs(weightHh[row * columns + first]!) <= tolerance) first++;
    if (first === columns) continue;
    let last = columns - 1;
    while (Math.abs(weightHh[row * columns + last]!) <= tolerance) last--;
    // The boundaries between the outermost units: from the one after `low` to the one before `high`.
    const low = Math.min(unit, origin + first);
    const high = Math.max(unit, origin + last);
    change[low + 1]!++;
    if (high < hiddenSize) change[high + 1]!--;
  }
  const crossed = new Int32Array(hiddenSize + 1);
  for (let p = 1; p < hiddenSize; p++) crossed[p] = crossed[p - 1]! + change[p]!;
  for (let size = 1; size < hiddenSize; size++) {
    if (hiddenSize % size !== 0) continue;
    let p = size;
    while (p < hiddenSize && crossed[p] === 0) p += size;
    if (p >= hiddenSize) return hiddenSize / size;
  }
  return 1;
}

/** The blocks of a dense matrix: [G·H, H] → [G·H, H/blocks]. What lies off them is dropped unseen. */
export function compact(
  weightHh: Float32Array,
  gates: number,
  hiddenSize: number,
  blocks: number,
): Float32Array {
  return regroup(weightHh, gates, hiddenSize, 1, blocks);
}

/** The dense matrix of compact blocks, zero off them: [G·H, H/blocks] → [G·H, H]. */
export function expand(
  weightHh: Float32Array,
  gates: number,
  hiddenSize: number,
  blocks: number,
): Float32Array {
  return regroup(weightHh, gates, hiddenSize, blocks, 1);
}

/** [G·H, H/from] → [G·H, H/to]: entries in both stay, those off the new blocks are dropped, new ones are zero. */
function regroup(
  weightHh: Float32Array,
  gates: number,
  hiddenSize: number,
  from: number,
  to: number,
): Float32Array {
  const oldColumns = checkSizes(weightHh, gates, hiddenSize, from);
  const columns = divide(hiddenSize, to);
  const rows = gates * hiddenSize;
  if (rows * columns > maxValues) {
    throw new ArgumentRangeError(
      `weights [${rows}, ${columns}] are more than ${maxValues} values; use more blocks.`,
    );
  }
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const unit = row % hiddenSize;
    const oldOrigin = unit - (unit % oldColumns);
    const origin = unit - (unit % columns);
    const begin = Math.max(oldOrigin, origin);
    const end = Math.min(oldOrigin + oldColumns, origin + columns);
    const source = row * oldColumns - oldOrigin;
    values.set(weightHh.subarray(source + begin, source + end), row * columns + begin - origin);
  }
  return values;
}

/**
 * One recurrent layer with its recurrent weights in N blocks, of all its directions one below the other.
 * @param blocks N, or 'auto' for the largest that holds
 * @throws MismatchError when N does not hold: names the layer, the largest entry off the blocks, and an N that does
 */
export function compactLayer<L extends RecurrentLayerSpec>(
  layer: L,
  weightHh: Tensor,
  blocks: 'auto' | number,
  tolerance = 0,
): { layer: L; weightHh: Tensor } {
  const gates = cellOf(layer).gates * directionsOf(layer).length;
  const { hiddenSize, name } = layer;
  const from = blocksOf(layer);
  let to: number;
  if (blocks === 'auto') {
    to = findBlocks(weightHh.data, gates, hiddenSize, tolerance, from);
  } else {
    to = integer(blocks, `layer ${show(name)}: blocks`, 1, maxSize);
    checkTolerance(tolerance);
    const worst = largestOff(weightHh.data, gates, hiddenSize, from, to);
    if (!(Math.abs(worst.value) <= tolerance)) {
      const holds = findBlocks(weightHh.data, gates, hiddenSize, tolerance, from);
      const entry = `${worst.value} at gate ${worst.gate}, unit ${worst.unit}, column ${worst.column}`;
      throw new MismatchError(
        `layer ${show(name)}: ${to} blocks do not hold; off them the largest of weight_hh is ${entry}, ` +
          `and the tolerance is ${tolerance}. ${holds} ${holds === 1 ? 'block holds' : 'blocks hold'}.`,
      );
    }
  }
  const data = to === from ? weightHh.data : regroup(weightHh.data, gates, hiddenSize, from, to);
  return {
    layer: { ...layer, blocks: to },
    weightHh: { shape: [gates * hiddenSize, hiddenSize / to], data },
  };
}

/** Whether a layer has a recurrent matrix of its own units, which may fall into blocks. */
export function canDivide(layer: RecurrentLayerSpec): boolean {
  return cellOf(layer).recurs && outputsOf(layer) === layer.hiddenSize;
}

/**
 * A layer in N blocks, N given or the largest that holds in all its directions; its recurrent weights are replaced.
 * @throws as compactLayer
 */
export function compactTensors<L extends RecurrentLayerSpec>(
  layer: L,
  tensors: Tensors,
  blocks: 'auto' | number,
  tolerance = 0,
): L {
  const keys = directionsOf(layer).map((direction) => `${layer.name}.weight_hh${endOf(direction)}`);
  const parts = keys.map((key) => tensors[key]!.data);
  const size = parts[0]!.length;
  const all = parts.length === 1 ? parts[0]! : new Float32Array(parts.length * size);
  if (parts.length > 1) for (const [i, part] of parts.entries()) all.set(part, i * size);
  const result = compactLayer(layer, { shape: [all.length], data: all }, blocks, tolerance);
  const { shape, data } = result.weightHh;
  const [rows, columns] = shape as [number, number];
  const length = data.length / keys.length;
  for (const [i, key] of keys.entries()) {
    const part = keys.length === 1 ? data : data.slice(i * length, (i + 1) * length);
    tensors[key] = { shape: [rows / keys.length, columns], data: part };
  }
  return result.layer;
}

/**
 * A model with every recurrent layer in N blocks, N given or the largest that holds in each.
 * @throws MismatchError when N does not hold in a layer; RangeError when it does not divide its size
 */
export function compactModel(file: ModelFile, blocks: 'auto' | number, tolerance = 0): ModelFile {
  const spec = checkSpec(file.spec);
  const tensors = checkTensors(spec, file.tensors);
  const layers = spec.layers.map((layer) => {
    if (!isRecurrent(layer) || !canDivide(layer)) return layer;
    if (stripsOf(layer) !== undefined) return keepWhole(layer, blocks);
    return compactTensors(layer, tensors, blocks, tolerance);
  });
  return { ...file, spec: { layers }, tensors };
}

/** What strips are made of is a structure of its own, and what is projected is of all units. */
export function keepWhole<L extends RecurrentLayerSpec>(layer: L, blocks: 'auto' | number): L {
  if (blocks === 'auto' || blocks === 1) return layer;
  const why =
    stripsOf(layer) === undefined ? 'its state is a projection of all units' : 'its weights are in strips';
  throw new MismatchError(`layer ${show(layer.name)}: ${blocks} blocks do not hold; ${why}.`);
}

interface Entry {
  value: number;
  gate: number;
  unit: number;
  column: number;
}

/** The largest entry off `to` blocks; a NaN is larger than any number. */
function largestOff(
  weightHh: Float32Array,
  gates: number,
  hiddenSize: number,
  from: number,
  to: number,
): Entry {
  const columns = checkSizes(weightHh, gates, hiddenSize, from);
  const size = divide(hiddenSize, to);
  const worst: Entry = { value: 0, gate: 0, unit: 0, column: 0 };
  for (let row = 0; row < gates * hiddenSize; row++) {
    const unit = row % hiddenSize;
    const origin = unit - (unit % columns);
    const begin = unit - (unit % size);
    for (let k = 0; k < columns; k++) {
      const column = origin + k;
      if (column >= begin && column < begin + size) continue;
      const value = weightHh[row * columns + k]!;
      if (Math.abs(value) <= Math.abs(worst.value)) continue;
      Object.assign(worst, { value, gate: Math.floor(row / hiddenSize), unit, column });
      if (Number.isNaN(value)) return worst;
    }
  }
  return worst;
}

function divide(hiddenSize: number, blocks: number): number {
  integer(blocks, 'blocks', 1, maxSize);
  if (hiddenSize % blocks !== 0) {
    throw new ArgumentRangeError(`blocks must divide hiddenSize; ${blocks} does not divide ${hiddenSize}.`);
  }
  return hiddenSize / blocks;
}

/** D of a matrix in `blocks` blocks. */
function checkSizes(weightHh: Float32Array, gates: number, hiddenSize: number, blocks: number): number {
  integer(gates, 'gates', 1, 64);
  integer(hiddenSize, 'hiddenSize', 1, maxSize);
  const columns = divide(hiddenSize, blocks);
  if (weightHh.length !== gates * hiddenSize * columns) {
    const shape = `[${gates * hiddenSize}, ${columns}]`;
    throw new ArgumentRangeError(
      `weight_hh ${shape} needs ${gates * hiddenSize * columns} values, got ${weightHh.length}.`,
    );
  }
  return columns;
}

function checkTolerance(tolerance: number): void {
  if (typeof tolerance !== 'number' || !(tolerance >= 0) || tolerance === Number.POSITIVE_INFINITY) {
    throw new ArgumentRangeError(`tolerance must be a finite number of at least 0, got ${show(tolerance)}.`);
  }
}
