import { cellOf } from '#dist/model/cells.js';
import { fullFunc } from '#dist/model/functions.js';
import { endOf } from '#dist/model/recurrent.js';
import {
  blocksOf,
  type CommonLayerSpec,
  directionsOf,
  type LayerSpec,
  type ModelSpec,
  type NormSpec,
} from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { sourcesOf } from '#dist/model/wiring.js';
import {
  affine,
  type Bounded,
  bounded,
  exact,
  join,
  logSoftmax,
  mostOf,
  softmax,
} from '../oracle/bounded.js';
import {
  type BlockState,
  type Gate,
  stepElmanRelu,
  stepElmanTanh,
  stepGruAfter,
  stepGruBefore,
  stepLstm,
} from '../oracle/cells.js';
import { applyFunc } from '../oracle/functions.js';
import { generalStep } from '../oracle/general.js';
import { combine, normalise, scale } from '../oracle/layers.js';
import type { OracleInput, OracleRun, OracleState } from '../oracle/model.js';
import { spectralBound } from '../oracle/spectral.js';
import { gamma } from '../oracle/tolerance.js';

/** frames[t][b] is what is read of stream b at step t */
type Frames = Bounded[][];

/**
 * Runs any spec as its docs say, in f64, and bounds what an f32 program may be off: what is said of ONNX files is
 * compared with it. Like ONNX's, only recurrent layers look at `lengths`, and give zeros past them.
 * @param x [T, B, I] or ids [T, B]
 * @param input states h and c are [B, directions · H]
 */
export function evaluate(
  spec: ModelSpec,
  tensors: Tensors,
  x: ArrayLike<number>,
  input: OracleInput,
): OracleRun {
  const { steps, batch } = input;
  const width = x.length / (steps * batch);
  const frames: Frames = Array.from({ length: steps }, (_, t) =>
    Array.from({ length: batch }, (_, b) =>
      exact(Array.from({ length: width }, (_, i) => x[(t * batch + b) * width + i]!)),
    ),
  );
  const sources = sourcesOf(spec);
  const values: Frames[] = [];
  const states: [Bounded[], Bounded[]][] = [];
  for (const [index, layer] of spec.layers.entries()) {
    const read = sources[index]!.map((source) => (source < 0 ? frames : values[source]!));
    const each = (of: (inputs: Bounded[]) => Bounded): Frames =>
      frames.map((frame, t) => frame.map((_, b) => of(read.map((one) => one[t]![b]!))));
    const side = (inputs: Bounded[]) => (inputs.length === 1 ? inputs[0]! : join(inputs));
    if (layer.kind === 'lstm' || layer.kind === 'gru' || layer.kind === 'elman') {
      const run = runLayer(layer, tensors, each(side), input, input.state?.[states.length]);
      values.push(run.frames);
      states.push([run.h, run.c]);
    } else if (layer.kind === 'combine') values.push(each((inputs) => combine(layer.combine, inputs)));
    else values.push(each((inputs) => applyLayer(layer, tensors, side(inputs))));
  }
  const flat = (vectors: readonly Bounded[], of: 'value' | 'error') =>
    Float64Array.from(vectors.flatMap((vector) => [...vector[of]]));
  const stateOf = (of: 'value' | 'error') =>
    states.map(
      ([h, c]): OracleState => (c.length === 0 ? { h: flat(h, of) } : { h: flat(h, of), c: flat(c, of) }),
    );
  const last = values.at(-1)!.flat();
  return {
    y: flat(last, 'value'),
    bound: flat(last, 'error'),
    state: stateOf('value'),
    stateBound: stateOf('error'),
  };
}

function applyLayer(layer: LayerSpec, tensors: Tensors, v: Bounded): Bounded {
  const of = (field: string) => tensors[`${layer.name}.${field}`]!.data;
  switch (layer.kind) {
    case 'embedding': {
      const start = v.value[0]! * layer.size;
      return exact(of('weight').subarray(start, start + layer.size));
    }
    case 'linear': {
      const matrix = { weights: of('weight'), height: layer.outputSize, width: layer.inputSize };
      return affine([{ matrix, vector: v }], layer.bias === false ? [] : [of('bias')]);
    }
    case 'scale':
      return scale(v, of('weight'), of('bias'));
    case 'slice': {
      const [from, to] = [layer.from, layer.to];
      return bounded(v.value.slice(from, to), v.error.slice(from, to), v.norm);
    }
    case 'norm':
      return normalise(
        asSingles(v, layer),
        layer,
        of('weight'),
        layer.norm === 'rms' ? undefined : of('bias'),
      );
    case 'activation': {
      const { activation, alpha, beta } = layer;
      if (activation === 'softmax') return softmax(v);
      if (activation === 'logSoftmax') return logSoftmax(v);
      const full = fullFunc({
        function: activation,
        ...(alpha !== undefined && { alpha }),
        ...(beta !== undefined && { beta }),
      });
      return applyFunc({ ...full, alpha: Math.fround(full.alpha), beta: Math.fround(full.beta) }, v);
    }
    default:
      throw new Error(`a ${layer.kind} is not for one vector`);
  }
}

/**
 * What a norm in f32 adds to its input's error: with M the largest |x| and s the spread, sums of n terms give the mean
 * within γ M and the variance, as a difference of squares at worst, within 2 γ M²; that moves (x − m) / s by no more
 * than γ (M + √n M² / s) in x would.
 */
function asSingles(x: Bounded, { size: width, groups = 1, epsilon = 1e-5, norm }: NormSpec): Bounded {
  const size = width / groups;
  const error = x.error.map((e, i) => {
    const own = x.value.subarray(i - (i % size), i - (i % size) + size);
    const mean = norm === 'rms' ? 0 : own.reduce((sum, v) => sum + v, 0) / size;
    const spread = Math.sqrt(own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size + epsilon);
    const most = mostOf(own.map(Math.abs));
    return e + gamma(size + 8) * (most + (Math.sqrt(size) * most ** 2) / spread);
  });
  return bounded(x.value, error, Number.POSITIVE_INFINITY);
}

function runLayer(
  layer: CommonLayerSpec,
  tensors: Tensors,
  frames: Frames,
  { steps, batch, lengths }: OracleInput,
  state: { h: ArrayLike<number>; c?: ArrayLike<number> | undefined } | undefined,
): { frames: Frames; h: Bounded[]; c: Bounded[] } {
  const H = layer.hiddenSize;
  const directions = directionsOf(layer);
  const D = H / blocksOf(layer);
  const outputs: Bounded[][][] = frames.map((frame) => frame.map(() => []));
  const finals: { h: Bounded[]; c: Bounded[] }[] = Array.from({ length: batch }, () => ({ h: [], c: [] }));
  for (const [d, direction] of directions.entries()) {
    const blocks = readBlocks(layer, tensors, endOf(direction), steps);
    for (let b = 0; b < batch; b++) {
      const start = (b * directions.length + d) * H;
      const first = (values: ArrayLike<number> | undefined, n: number) =>
        exact(Array.from({ length: D }, (_, i) => values?.[start + n * D + i] ?? 0));
      let now = blocks.map((_, n): BlockState => {
        const h = first(state?.h, n);
        return layer.kind === 'lstm' ? { h, c: first(state?.c, n) } : { h };
      });
      const length = lengths?.[b] ?? steps;
      for (let step = 0; step < steps; step++) {
        if (step >= length) outputs[step]![b]!.push(exact(new Float64Array(H)));
        else {
          const t = direction === 'forward' ? step : length - 1 - step;
          now = blocks.map((gates, n) => stepOf(layer)(gates, frames[t]![b]!, now[n]!));
          outputs[t]![b]!.push(join(now.map(({ h }) => h)));
        }
      }
      finals[b]!.h.push(...now.map(({ h }) => h));
      if (layer.kind === 'lstm') finals[b]!.c.push(...now.map(({ c }) => c!));
    }
  }
  return {
    frames: outputs.map((frame) => frame.map((parts) => join(parts))),
    h: finals.map(({ h }) => join(h)),
    c: layer.kind === 'lstm' ? finals.map(({ c }) => join(c)) : [],
  };
}

function stepOf(
  layer: CommonLayerSpec,
): (gates: readonly Gate[], x: Bounded, state: BlockState) => BlockState {
  if (cellOf(layer).isFamily) return generalStep(layer);
  if (layer.kind === 'lstm') return stepLstm;
  if (layer.kind === 'gru') return layer.resetAfter === false ? stepGruBefore : stepGruAfter;
  return layer.activation === 'relu' ? stepElmanRelu : stepElmanTanh;
}

/** The gates of each block of one direction; weight_peephole [3 H] is that of i f o, which are gates 0, 1 and 3. */
function readBlocks(layer: CommonLayerSpec, tensors: Tensors, end: string, steps: number): Gate[][] {
  const { inputSize, hiddenSize } = layer;
  const units = hiddenSize / blocksOf(layer);
  const rowsOf = (field: string, row: number, width: number) =>
    tensors[`${layer.name}.${field}${end}`]!.data.subarray(row * width, (row + units) * width);
  return Array.from({ length: blocksOf(layer) }, (_, n) =>
    Array.from({ length: cellOf(layer).gates }, (_, g) => {
      const row = g * hiddenSize + n * units;
      const hh = rowsOf('weight_hh', row, units);
      const at = [0, 1, 3].indexOf(g);
      const peeps = layer.kind === 'lstm' && layer.peepholes && at >= 0;
      // One step hands no error on to a next one.
      const stretch = steps > 1 ? { stretch: spectralBound(hh, units, units) } : {};
      return {
        ih: { weights: rowsOf('weight_ih', row, inputSize), height: units, width: inputSize },
        hh: { weights: hh, height: units, width: units, ...stretch },
        biasIh: rowsOf('bias_ih', row, 1),
        biasHh: rowsOf('bias_hh', row, 1),
        ...(peeps && { peephole: rowsOf('weight_peephole', at * hiddenSize + n * units, 1) }),
      };
    }),
  );
}
