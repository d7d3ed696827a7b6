import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { sizeOf } from './arrays.js';
import { type Axis, axisOf, extentOf, features } from './axes.js';
import { constantInput, expectFeatures, flowOf, inputOf, isZero, optionalInput, sizesOf } from './inputs.js';
import { sourceOf, sourcesOf } from './links.js';
import type { Node } from './proto.js';
import { type Cell, readCell, readWeights } from './recurrent.js';
import {
  type ArrayValue,
  type Flow,
  nameNode,
  type Part,
  type Source,
  unsupported,
  type Value,
} from './values.js';
import type { Walk } from './walk.js';

/** LSTM, GRU and RNN: Y, Y_h and Y_c. */
export function recurrent(walk: Walk, node: Node): readonly Value[] {
  const cell = readCell(node);
  const { units } = cell;
  const x = flowOf(node, inputOf(walk, node, 0));
  if (x.axes.length !== 3)
    throw new MismatchError(`${nameNode(node)}: X must have 3 axes, it has ${x.axes.length}.`);
  expectFeatures(walk, node, x, 2);
  const axes = cell.batchFirst ? [x.axes[1]!, x.axes[0]!] : [x.axes[0]!, x.axes[1]!];
  const [steps, streams] = axes as [Axis, Axis];
  const [time, batch] = axes.map((axis) => walk.whole(axis, x));
  if (time === undefined || batch === undefined) {
    throw unsupported(node, 'its first two axes are not one axis of steps and one of streams', 'axes');
  }
  const hasLengths = readLengths(walk, node, steps);
  const weights = readAll(walk, node, cell, x.width);
  const count = cell.directions.length;
  const letters = cell.kind === 'lstm' ? ['h', 'c'] : ['h'];
  const initial = letters.map((letter, i) => readInitial(walk, node, 5 + i, letter, cell));
  const finals = letters.map(() => walk.number(count * units));
  const inputSize = weights[0]!.weight_ih!.length / (cell.gates.length * units);
  const sources = sourcesOf(sourceOf(walk, node, x));
  const make = (directions: Part['directions'], fields: Part['fields'], at: number): Source => {
    const size = directions.length * units;
    const part: Part = {
      ...{ kind: cell.kind, node, base: x.chain, from: x.from, inputSize, units, fields, directions },
      weights: weights.slice(at, at + directions.length),
      finals: finals.map((first) => first + at * units),
      initial: initial.map((from) => from?.subarray(at * units, at * units + size)),
    };
    return walk.link(node, size, sources, {
      ...{ kind: 'recurrent', parts: [part], apart: [], hasLengths },
      time: time === 'one' ? undefined : time,
      batch: batch === 'one' ? undefined : batch,
    });
  };
  const [forward, reverse] = cell.fields;
  // Functions that differ are those of two layers.
  const chain =
    reverse === undefined || JSON.stringify(forward) === JSON.stringify(reverse)
      ? make(cell.directions, forward!, 0)
      : walk.link(node, 2 * units, [make(['forward'], forward!, 0), make(['reverse'], reverse, 1)], {
          kind: 'concat',
        });
  const flow = (places: Axis[]): Flow => ({
    ...{ kind: 'flow', axes: places, chain, width: count * units, from: 0, isIds: false },
  });
  const directions: Axis = count === 1 ? [] : [{ axis: features, size: count, stride: units }];
  const last = axisOf(features, units);
  const y = flow(cell.batchFirst ? [streams, steps, directions, last] : [steps, directions, streams, last]);
  const states = finals.map(
    (first, i): ArrayValue => ({
      kind: 'state',
      dims: cell.batchFirst ? [1, count, units] : [count, 1, units],
      batch: batch === 'one' ? undefined : cell.batchFirst ? 0 : 1,
      streams: streams[0]?.size,
      isInteger: false,
      data: () => Int32Array.from({ length: count * units }, (_, unit) => first + unit),
      // Of one step, the last output is the output.
      flow:
        i === 0 && time === 'one'
          ? flow(cell.batchFirst ? [streams, directions, last] : [directions, streams, last])
          : undefined,
    }),
  );
  return [y, ...states];
}

function readAll(walk: Walk, node: Node, cell: Cell, width: number | undefined): Part['weights'] {
  const W = constantInput(node, inputOf(walk, node, 1), 1);
  const R = constantInput(node, inputOf(walk, node, 2), 2);
  const optional = (index: number) => {
    const value = optionalInput(walk, node, index);
    return value === undefined ? undefined : constantInput(node, value, index);
  };
  const B = optional(3);
  const P = cell.kind === 'lstm' ? optionalInput(walk, node, 7) : undefined;
  const peepholes = P === undefined || isZero(walk, P) ? undefined : constantInput(node, P, 7);
  const rows = cell.directions.length * cell.gates.length * cell.units;
  walk.spend(sizeOf(W.dims) + sizeOf(R.dims) + 2 * rows);
  if (peepholes !== undefined) for (const fields of cell.fields) fields.peepholes = true;
  return readWeights(node, cell, { W, R, B, P: peepholes }, width);
}

/** Whether the graph's lengths are those of the node; constant ones must be all steps. */
function readLengths(walk: Walk, node: Node, steps: Axis): boolean {
  const value = optionalInput(walk, node, 4);
  if (value === undefined) return false;
  if (value.kind === 'lengths') return true;
  const { count, unknown } = extentOf(steps);
  const isAll = sizesOf(value)?.items.every(
    (item) => item.count === count && item.unknown.join() === unknown.join(),
  );
  if (!isAll)
    throw unsupported(
      node,
      'input sequence_lens is neither an input of the graph nor all steps',
      'sequence_lens',
    );
  return false;
}

/** Elements of the graph's inputs that a state begins with; undefined is zeros. */
function readInitial(
  walk: Walk,
  node: Node,
  index: number,
  letter: string,
  { units, directions, batchFirst }: Cell,
): Int32Array | undefined {
  const value = optionalInput(walk, node, index);
  if (value === undefined || isZero(walk, value)) return undefined;
  const name = `initial_${letter}`;
  if (value.kind !== 'state') {
    throw unsupported(node, `input ${name} is neither zeros nor an input of the graph`, name);
  }
  const { dims, batch } = value;
  const place = batchFirst ? 0 : 1;
  const wanted = batchFirst ? [1, directions.length, units] : [directions.length, 1, units];
  if (dims.join() !== wanted.join() || (batch ?? place) !== place) {
    const said = batchFirst ? ['streams', ...wanted.slice(1)] : [wanted[0], 'streams', units];
    throw unsupported(node, `input ${name} is ${show(dims)}, not [${said.join(', ')}]`, name);
  }
  walk.spend(sizeOf(dims));
  return value.data() as Int32Array;
}
