import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, show } from '../base/guards.js';
import type { Given } from './given.js';
import { blockSizesOf, blocksOf, type RecurrentLayerSpec } from './spec.js';

/** Blocks of one size that stand side by side in a layer. */
export interface BlockRun {
  /** number of the first of them */
  block: number;
  /** the first of its units */
  unit: number;
  count: number;
  /** units of each */
  units: number;
}

/** So many sizes a layer may list; a plan has an operation for each run of equal ones. */
const mostSizes = 1000;

/** The blocks of a recurrent layer, in as few runs as there can be. */
export function blockRunsOf(layer: RecurrentLayerSpec): BlockRun[] {
  const sizes = blockSizesOf(layer);
  const blocks = blocksOf(layer);
  if (sizes === undefined) return [{ block: 0, unit: 0, count: blocks, units: layer.hiddenSize / blocks }];
  const runs: BlockRun[] = [];
  let unit = 0;
  for (const [block, units] of sizes.entries()) {
    const last = runs.at(-1);
    if (last?.units === units) last.count++;
    else runs.push({ block, unit, count: 1, units });
    unit += units;
  }
  return runs;
}

/** D, columns of weight_hh: units of a recurrent layer's largest block. */
export function depthOf(layer: RecurrentLayerSpec): number {
  return Math.max(...blockRunsOf(layer).map(({ units }) => units));
}

/**
 * Blocks of a layer, or their sizes; sizes that are all equal are blocks.
 * @throws TypeError, RangeError
 */
export function checkBlockSizes(
  given: Given,
  hiddenSize: number,
): { blocks: number; blockSizes?: never } | { blockSizes: number[]; blocks?: never } {
  const value = given.fields.blockSizes;
  if (value === undefined) return { blocks: given.divisor('blocks', { hiddenSize }) };
  const what = given.what('blockSizes');
  if (given.has('blocks'))
    throw new ArgumentRangeError(`${what} stand in place of blocks; give one of them.`);
  if (!Array.isArray(value))
    throw new ArgumentTypeError(`${what} must be a list of sizes, got ${show(value)}.`);
  if (value.length === 0 || value.length > mostSizes)
    throw new ArgumentRangeError(`${what} must be 1..${mostSizes} sizes, got ${value.length}.`);
  const sizes = value.map((size, n) => integer(size, `${what}[${n}]`, 1, hiddenSize));
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sum !== hiddenSize)
    throw new ArgumentRangeError(`${what} must sum to hiddenSize, ${hiddenSize}; they sum to ${sum}.`);
  return sizes.every((size) => size === sizes[0]) ? { blocks: sizes.length } : { blockSizes: sizes };
}
