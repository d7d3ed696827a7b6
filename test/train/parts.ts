// What steps of cells are made of.
import { cellOf } from '#dist/model/cells.js';
import { blockSizesOf, blocksOf, outputsOf, type RecurrentLayerSpec, stripsOf } from '#dist/model/spec.js';
import { stripPlaces } from '../oracle/strips.js';
import type { Node, Reach, Tape } from './tape.js';

/** The states of one layer, by their names. */
export type CellNodes = { h: Node } & Partial<Record<'c' | 'n' | 'm', Node>>;

/** What a step reads beside x and the states: a parameter of the layer by the end of its name. */
export type Parameter = (name: string) => Node;

/** What one gate has of x: unit u of H reads block ⌊u M / H⌋ of M. */
export function inputProduct(
  tape: Tape,
  { hiddenSize, inputSize, inputBlocks = 1 }: RecurrentLayerSpec,
  parameter: Parameter,
  gate: number,
  x: Node,
): Node {
  const count = inputSize / inputBlocks;
  return tape.product(parameter('weight_ih'), gate * hiddenSize, hiddenSize, count, x, (u) => ({
    first: Math.floor((u * inputBlocks) / hiddenSize) * count,
    count,
  }));
}

/** What one gate has of the state: a unit reads its own block, of whatever size, or all that the layer gives. */
export function stateProduct(
  tape: Tape,
  layer: RecurrentLayerSpec,
  parameter: Parameter,
  gate: number,
  h: Node,
): Node {
  const { hiddenSize } = layer;
  if (stripsOf(layer) !== undefined)
    return tape.product(expand(tape, layer, parameter), gate * hiddenSize, hiddenSize, hiddenSize, h);
  const [blocks, width] = [blocksOf(layer), outputsOf(layer)];
  const sizes = blockSizesOf(layer) ?? new Array<number>(blocks).fill(width / blocks);
  const reaches = sizes.flatMap((count, n) => {
    const first = sizes.slice(0, n).reduce((sum, size) => sum + size, 0);
    return new Array<Reach>(count).fill({ first, count });
  });
  const weight = parameter('weight_hh');
  const depth = Math.max(...sizes);
  // What is projected is all read by each unit, of which there are more.
  const reads = (u: number) => (blocks === 1 ? reaches[0]! : reaches[u]!);
  return tape.product(weight, gate * hiddenSize, hiddenSize, depth, h, reads);
}

/** The matrix [G·H, H] that strips and a diagonal are. */
function expand(tape: Tape, layer: RecurrentLayerSpec, parameter: Parameter): Node {
  const { hiddenSize } = layer;
  const strips = stripsOf(layer)!;
  const places = stripPlaces(layer, strips, parameter('strips').value);
  const parts = [{ x: parameter('weight_hh'), places }];
  const rows = cellOf(layer).gates * hiddenSize;
  if (strips.diagonal) {
    const own = Array.from({ length: rows }, (_, row) => row * hiddenSize + (row % hiddenSize));
    parts.push({ x: parameter('diagonal'), places: own });
  }
  return tape.scatter(rows * hiddenSize, parts);
}

/** (1 − u) a + u b */
export function blend(tape: Tape, u: Node, a: Node, b: Node): Node {
  return tape.add(tape.multiply(complement(tape, u), a), tape.multiply(u, b));
}

/** 1 − u */
export function complement(tape: Tape, u: Node): Node {
  return tape.map(
    u,
    (v) => 1 - v,
    () => -1,
  );
}
