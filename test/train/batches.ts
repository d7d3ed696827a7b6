import { seededRandom } from '#dist/base/random.js';
import { isRecurrent, type LayerSpec, type ModelSpec, outputsOf, stripsOf } from '#dist/model/spec.js';
import { layerTensors } from '#dist/model/tensors.js';
import { inputWidth } from '#dist/model/wiring.js';
import { cellKinds } from '../oracle/arbitraries.js';
import { randomOrder, randomState } from '../oracle/random.js';
import { randomStream } from '../oracle/strips.js';
import { layerOf } from '../session/draw.js';
import { normedKinds, type TrainKind, trainKinds, trainLayer } from './cells.js';
import type { OracleBatch, OracleLoss, Weights } from './oracle.js';

/** A cell of a structure between what it reads and a linear layer; one that must be as wide reads another one. */
export function modelOf(
  kind: TrainKind,
  {
    hiddenSize,
    blocks = 1,
    inputSize = 3,
    outputs = 4,
  }: Record<'hiddenSize', number> & Partial<Record<'blocks' | 'inputSize' | 'outputs', number>>,
): ModelSpec {
  const isWide = kind === 'sruScaled' && inputSize !== hiddenSize;
  const before: LayerSpec[] = isWide
    ? [{ kind: 'linear', name: 'in', inputSize, outputSize: hiddenSize }]
    : [];
  const layer = trainLayer(kind, 'rnn', isWide ? hiddenSize : inputSize, hiddenSize, blocks);
  return {
    layers: [
      ...before,
      layer,
      { kind: 'linear', name: 'out', inputSize: outputsOf(layer), outputSize: outputs },
    ],
  };
}

/** All five cells, of every structure, with each activation between them; ids in, classes out. */
export function tower(hiddenSize: number, blocks: number, classes = 5): ModelSpec {
  const between: LayerSpec[] = (['tanh', 'sigmoid', 'relu'] as const).map((activation) => ({
    kind: 'activation',
    name: activation,
    activation,
  }));
  return {
    layers: [
      { kind: 'embedding', name: 'embedding', count: classes, size: 3 },
      ...cellKinds.flatMap((kind, k) => [
        layerOf(kind, `rnn.${k}`, k === 0 ? 3 : hiddenSize, hiddenSize, blocks),
        ...between.slice(k, k + 1),
      ]),
      { kind: 'linear', name: 'narrow', inputSize: hiddenSize, outputSize: 3, bias: false },
      { kind: 'linear', name: 'out', inputSize: 3, outputSize: classes },
    ],
  };
}

/** The cells that no other tower has, one after the other, with layers of another width between some; values in. */
export function secondTower(hiddenSize: number, blocks: number, classes = 5): ModelSpec {
  const others: readonly TrainKind[] = [...cellKinds, ...normedKinds];
  return stack(
    trainKinds.filter((kind) => !others.includes(kind)),
    hiddenSize,
    blocks,
    classes,
  );
}

/**
 * Those whose units all meet, behind and before each other. A normalisation divides by what may be small: in a taller
 * tower there would be little that a rounding could not do.
 */
export function normedTower(hiddenSize: number, blocks: number, classes = 5): ModelSpec {
  return stack(['lngru', 'lnlstm', 'lngru'], hiddenSize, blocks, classes);
}

function stack(kinds: readonly TrainKind[], hiddenSize: number, blocks: number, classes: number): ModelSpec {
  const layers: LayerSpec[] = [];
  let width = 3;
  for (const [k, kind] of kinds.entries()) {
    if (kind === 'sruScaled' && width !== hiddenSize) {
      layers.push({ kind: 'linear', name: `wide.${k}`, inputSize: width, outputSize: hiddenSize });
      width = hiddenSize;
    }
    const layer = trainLayer(kind, `rnn.${k}`, width, hiddenSize, blocks);
    layers.push(layer);
    width = outputsOf(layer);
  }
  return { layers: [...layers, { kind: 'linear', name: 'out', inputSize: width, outputSize: classes }] };
}

/** Weights uniform within `scale`, in f64; with `rounded` they are f32 values. Orders of shuffles are orders, streams of strips streams. */
export function randomWeights(spec: ModelSpec, seed: number, scale = 0.8, rounded = false): Weights {
  const random = seededRandom(seed);
  const weights: Weights = {};
  const shapes = spec.layers.flatMap((layer) =>
    Object.entries(layerTensors(layer)).map(([name, shape]) => ({ layer, name, shape })),
  );
  for (const { layer, name, shape } of shapes) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (layer.kind === 'shuffle') {
      weights[name] = { shape, data: randomOrder(random, count) };
      continue;
    }
    const strips = isRecurrent(layer) ? stripsOf(layer) : undefined;
    if (isRecurrent(layer) && strips !== undefined && name === `${layer.name}.strips`) {
      weights[name] = { shape, data: randomStream(random, layer, strips) };
      continue;
    }
    const data = Float64Array.from({ length: count }, () => (2 * random() - 1) * scale);
    weights[name] = { shape, data: rounded ? Float32Array.from(data) : data };
  }
  return weights;
}

/** Input and targets that suit a spec and a loss; one target in four of 'steps' is not counted. */
export function randomBatch(
  spec: ModelSpec,
  loss: OracleLoss,
  {
    steps,
    batch,
    seed,
    lengths,
    withState = false,
  }: { steps: number; batch: number; seed: number; lengths?: number[]; withState?: boolean },
): OracleBatch {
  const random = seededRandom(seed);
  const first = spec.layers[0]!;
  const last = spec.layers.findLast((layer) => layer.kind === 'linear')!;
  const below = (count: number) => Math.floor(random() * count);
  const x =
    first.kind === 'embedding'
      ? Int32Array.from({ length: steps * batch }, () => below(first.count))
      : Float32Array.from({ length: steps * batch * inputWidth(spec) }, () => 2 * random() - 1);
  const targets = {
    steps: () =>
      Int32Array.from({ length: steps * batch }, () => (below(4) === 0 ? -1 : below(last.outputSize))),
    sequence: () => Int32Array.from({ length: batch }, () => below(last.outputSize)),
    // Half as many as there are steps: enough of them for every repetition to fit.
    ctc: () =>
      Array.from({ length: batch }, (_, b) =>
        Array.from({ length: Math.ceil((lengths?.[b] ?? steps) / 2) }, () => 1 + below(last.outputSize - 1)),
      ),
  }[loss.kind]();
  return {
    x,
    steps,
    batch,
    loss,
    targets,
    ...(lengths === undefined ? {} : { lengths }),
    ...(withState ? { state: randomState(random, spec, batch) } : {}),
  };
}
