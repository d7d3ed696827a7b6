import { ArgumentRangeError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { LinearSpec } from '../../model/spec.js';
import { strideOf } from '../../pack/program.js';
import type { TrainableLayerSpec, TrainableSpec } from '../trainable.js';
import { onePhase, type Plan, planBias, planParam, planWeight } from './params.js';
import type { Head, Link, Param } from './program.js';

/** Floats of logits at a time: a large vocabulary goes through its softmax in slices of so many. */
const logitFloats = 2 ** 22;
const leastSlice = 16;

/** The layers before the last linear one, and that one. A softmax at the end is the loss's own. */
export function splitHead(spec: TrainableSpec): { layers: TrainableLayerSpec[]; last: LinearSpec } {
  const layers = [...spec.layers];
  const isSoftmax = (layer: TrainableLayerSpec) =>
    layer.kind === 'activation' && (layer.activation === 'softmax' || layer.activation === 'logSoftmax');
  if (isSoftmax(layers.at(-1)!)) layers.pop();
  const last = layers.pop();
  if (last?.kind !== 'linear') {
    throw new UnsupportedError(
      `training needs a linear layer at the end, whose outputs are the classes; the spec ends with ${last === undefined ? 'nothing' : `${last.kind} ${show(last.name)}`}.`,
      'train head',
    );
  }
  const within = layers.find(isSoftmax);
  if (within !== undefined)
    throw new UnsupportedError(
      `layer ${show(within.name)}: a softmax is trained only at the end.`,
      'train softmax',
    );
  return { layers, last };
}

/** The last linear layer and the loss. */
export function planHead(
  plan: Plan,
  layer: LinearSpec,
  input: Link,
  first: TrainableLayerSpec | undefined,
): Head {
  const { loss, capacity, layout } = plan;
  const { name, inputSize: inputs, outputSize: outputs } = layer;
  const isPooled = loss.kind === 'sequence';
  const rows = isPooled ? capacity.batch : plan.rows;
  const ld = strideOf(outputs);
  const fits = Math.max(leastSlice, Math.floor((logitFloats * 4) / ld));
  const slice = loss.kind === 'ctc' ? rows : Math.min(rows, fits);
  const pooled = () => (isPooled ? layout.place((capacity.batch * input.ld) / 4) : 0);
  const own = { parts: 1, rows: outputs, columns: inputs };
  const param = plan.tie ? tiedParam(plan, layer, first) : planParam(plan, `${name}.weight`, own);
  return {
    input,
    inputs,
    outputs,
    weight: planWeight(layout, param, onePhase(outputs)),
    bias: planBias(plan, layer),
    loss,
    pooled: pooled(),
    pooledSlope: pooled(),
    rows,
    slice,
    logits: layout.place((slice * ld) / 4),
    ld,
    targets: layout.place(rows),
    offsets: layout.place(capacity.batch + 1),
    losses: layout.place(rows),
    hits: layout.place(rows),
  };
}

/** The embedding's parameter, which is then the last layer's too. */
function tiedParam(
  { params }: Plan,
  { name, inputSize, outputSize }: LinearSpec,
  first: TrainableLayerSpec | undefined,
): Param {
  if (first?.kind !== 'embedding' || first.count !== outputSize || first.size !== inputSize) {
    const found = first?.kind === 'embedding' ? `${first.count} × ${first.size}` : `${first?.kind ?? 'none'}`;
    throw new ArgumentRangeError(
      `tie: the last layer, ${outputSize} × ${inputSize}, needs an embedding of the same size as the first one; it is ${found}.`,
    );
  }
  const shared = params[0]!;
  shared.names.push(`${name}.weight`);
  return shared;
}
