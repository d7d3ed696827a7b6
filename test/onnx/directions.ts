import { endOf } from '#dist/model/recurrent.js';
import { directionsOf, type RecurrentLayerSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { type OracleInput, type OracleRun, runOracle } from '../oracle/model.js';

/** One direction's part of an array [B, directions · H] or [T·B, directions · H], put into or taken out of it. */
function columns(data: ArrayLike<number>, H: number, count: number, at: number): Float32Array {
  const rows = data.length / (count * H);
  return Float32Array.from(
    { length: rows * H },
    (_, i) => data[(Math.floor(i / H) * count + at) * H + (i % H)]!,
  );
}

/**
 * Runs one layer in its directions by the oracle, which goes forward only: the way back goes forward over what has been
 * turned, each stream within its length.
 * @param x [T, B, I]
 * @param input the state's h and c are [B, directions · H]
 */
export function runDirections(
  layer: RecurrentLayerSpec,
  tensors: Tensors,
  x: Float32Array,
  input: OracleInput,
): OracleRun {
  const { steps, batch, lengths, state } = input;
  const H = layer.hiddenSize;
  const directions = directionsOf(layer);
  const turn = <T extends Float32Array | Float64Array>(data: T): T => {
    const width = data.length / (steps * batch);
    const turned = data.slice() as T;
    for (let b = 0; b < batch; b++) {
      const length = lengths?.[b] ?? steps;
      for (let t = 0; t < length; t++) {
        const from = ((length - 1 - t) * batch + b) * width;
        turned.set(data.subarray(from, from + width), (t * batch + b) * width);
      }
    }
    return turned;
  };
  const runs = directions.map((direction, at) => {
    const { direction: _, inputs: __, ...forward } = layer;
    const own: Tensors = {};
    for (const field of ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh', 'weight_peephole']) {
      const tensor = tensors[`${layer.name}.${field}${endOf(direction)}`];
      if (tensor !== undefined) own[`${layer.name}.${field}`] = tensor;
    }
    const part = (values: ArrayLike<number>) => columns(values, H, directions.length, at);
    const first = state?.[0];
    const given =
      first === undefined ? undefined : [{ h: part(first.h), ...(first.c && { c: part(first.c) }) }];
    const back = direction === 'reverse';
    const run = runOracle({ layers: [forward] }, own, back ? turn(x) : x, { ...input, state: given });
    return back ? { ...run, y: turn(run.y), bound: turn(run.bound) } : run;
  });
  const beside = (parts: readonly Float64Array[]) => {
    const rows = parts[0]!.length / H;
    const all = new Float64Array(rows * H * parts.length);
    for (const [at, part] of parts.entries())
      for (let row = 0; row < rows; row++)
        all.set(part.subarray(row * H, (row + 1) * H), (row * parts.length + at) * H);
    return all;
  };
  const states = (which: 'state' | 'stateBound') => {
    const h = beside(runs.map((run) => run[which][0]!.h));
    return [runs[0]![which][0]!.c ? { h, c: beside(runs.map((run) => run[which][0]!.c!)) } : { h }];
  };
  return {
    y: beside(runs.map(({ y }) => y)),
    bound: beside(runs.map(({ bound }) => bound)),
    state: states('state'),
    stateBound: states('stateBound'),
  };
}
