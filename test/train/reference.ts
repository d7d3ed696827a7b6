import { readFileSync } from 'node:fs';
import { kindOf } from '#dist/model/kinds.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { isRecurrent } from '#dist/model/spec.js';
import { layerTensors, type Tensors } from '#dist/model/tensors.js';
import type { PlainOptimizer } from './optimizers.js';
import type { OracleBatch, OracleLoss } from './oracle.js';

/** What PyTorch computes in f64, rounded to nine digits; reference.py makes the file. */

/** A relative error of a number in the file: half a unit of its ninth digit. */
export const REFERENCE_ROUNDING = 5e-9;

/** One batch through one model; all inputs and weights are exact in f32. */
export interface ReferenceCase {
  name: string;
  spec: ModelSpec;
  tensors: Tensors;
  batch: OracleBatch;
  expected: { loss: number; gradients: Record<string, number[]> };
}

/** The same first weights, trained by different optimisers with the same batches. */
export interface ReferenceTraining {
  spec: ModelSpec;
  tensors: Tensors;
  /** one for each step; the state starts from zero each time */
  batches: OracleBatch[];
  /**
   * Gradients are multiplied by min(1, clip / (norm + 10⁻⁶)), as clip_grad_norm_ has it: of norms about 0.5 that is 2
   * in a million less than clip / norm.
   */
  clip: number;
  trajectories: {
    optimizer: PlainOptimizer;
    learningRate: number;
    /** of each step: the loss before it, and the norm of its gradients before clipping */
    losses: number[];
    norms: number[];
    /** after the last step */
    tensors: Record<string, number[]>;
  }[];
}

interface StoredBatch {
  loss: OracleLoss;
  steps: number;
  batch: number;
  x?: number[];
  targets: number[] | number[][];
  lengths?: number[];
  withState?: boolean;
  tie?: boolean;
}

interface Stored {
  cases: (StoredBatch & { name: string; spec: ModelSpec; expected: ReferenceCase['expected'] })[];
  training: Omit<StoredBatch, 'x' | 'targets'> & {
    spec: ModelSpec;
    clip: number;
    batches: Pick<StoredBatch, 'x' | 'targets'>[];
    trajectories: ReferenceTraining['trajectories'];
  };
}

/** Streams of numbers: tensor k of a spec has stream k; inputs and states have these. */
const INPUT = 1000;
const STATE = 2000;

export function readReference(): { cases: ReferenceCase[]; training: ReferenceTraining } {
  const text = readFileSync(new URL('reference.json', import.meta.url), 'utf8');
  const { cases, training } = JSON.parse(text) as Stored;
  return {
    cases: cases.map(({ name, spec, expected, ...stored }) => ({
      name,
      spec,
      tensors: tensorsOf(spec),
      batch: batchOf(spec, stored),
      expected,
    })),
    training: {
      spec: training.spec,
      tensors: tensorsOf(training.spec),
      batches: training.batches.map((own) => batchOf(training.spec, { ...training, ...own })),
      clip: training.clip,
      trajectories: training.trajectories,
    },
  };
}

/**
 * Value i of a stream: a hash of both, 16 bits of it as a multiple of 2⁻¹⁵ within [−1, 1); the same function as in
 * reference.py.
 */
function numbers(stream: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let z = Math.imul(Math.imul(stream, 0x9e3779b1) + i + 1, 0x85ebca77);
    z = Math.imul(z ^ (z >>> 15), 0xc2b2ae3d);
    z ^= z >>> 13;
    return (z >>> 16) / 2 ** 15 - 1;
  });
}

function tensorsOf(spec: ModelSpec): Tensors {
  const tensors: Tensors = {};
  const shapes = spec.layers.flatMap((layer) => Object.entries(layerTensors(layer)));
  for (const [stream, [name, shape]] of shapes.entries()) {
    const count = shape.reduce((product, size) => product * size, 1);
    tensors[name] = { shape, data: numbers(stream, count) };
  }
  return tensors;
}

function batchOf(spec: ModelSpec, { loss, steps, batch, x, targets, ...more }: StoredBatch): OracleBatch {
  const first = spec.layers[0]!;
  const width = 'inputSize' in first ? first.inputSize : 1;
  const state = spec.layers.filter(isRecurrent).map((layer, place) => {
    const values = (part: number) => numbers(STATE + 2 * place + part, batch * layer.hiddenSize);
    return kindOf(layer).states!(layer).c !== undefined ? { h: values(0), c: values(1) } : { h: values(0) };
  });
  return {
    loss,
    steps,
    batch,
    x: x === undefined ? numbers(INPUT, steps * batch * width) : Int32Array.from(x),
    targets: loss.kind === 'ctc' ? (targets as number[][]) : Int32Array.from(targets as number[]),
    ...(more.lengths === undefined ? {} : { lengths: more.lengths }),
    ...(more.withState ? { state } : {}),
    ...(more.tie ? { tie: true } : {}),
  };
}
