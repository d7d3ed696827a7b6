import { ArgumentRangeError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { LayerSpec, LinearSpec, ModelSpec } from '../../model/spec.js';
import { sourcesOf } from '../../model/wiring.js';
import { strideOf } from '../../pack/program.js';
import { planBlockWeight } from './blocks.js';
import type { Link, Param } from './link.js';
import { onePhase, type Plan, planBias, planParam, planWeight } from './params.js';
import type { Head } from './program.js';
import type { BlockWeight } from './tapes.js';

/** Floats of logits at a time: a large vocabulary goes through its softmax in slices of so many. */
const logitFloats = 2 ** 22;
const leastSlice = 16;

/**
 * Finds the last linear layer, from whose outputs the loss is made. A softmax behind it is the loss's own.
 * @returns its number
 */
export function findHead(spec: ModelSpec): number {
  const { layers } = spec;
  const isSoftmax = (layer: LayerSpec | undefined) =>
    layer?.kind === 'activation' && (layer.activation === 'softmax' || layer.activation === 'logSoftmax');
  const end = layers.length - 1;
  const head = isSoftmax(layers[end]) && sourcesOf(spec)[end]!.length === 1 ? end - 1 : end;
  const last = layers[head];
  if (last?.kind !== 'linear') {
    throw new UnsupportedError(
      `training needs a linear layer at the end, whose outputs are the classes; the spec ends with ${last === undefined ? 'nothing' : `${last.kind} ${show(last.name)}`}.`,
      'train head',
    );
  }
  const within = layers.slice(0, head).find(isSoftmax);
  if (within !== undefined)
    throw new UnsupportedError(
      `layer ${show(within.name)}: a softmax is trained only at the end.`,
      'train softmax',
    );
  return head;
}

/** The last linear layer and the loss. */
export function planHead(plan: Plan, layer: LinearSpec, input: Link, first: LayerSpec | undefined): Head {
  const { loss, capacity, layout } = plan;
  const { inputSize: inputs, outputSize: outputs } = layer;
  const isPooled = loss.kind === 'sequence';
  const rows = isPooled ? capacity.batch : plan.rows;
  const ld = strideOf(outputs);
  const fits = Math.max(leastSlice, Math.floor((logitFloats * 4) / ld));
  const slice = loss.kind === 'ctc' ? rows : Math.min(rows, fits);
  const pooled = () => (isPooled ? layout.place((capacity.batch * input.ld) / 4) : 0);
  const blocks = layer.blocks === undefined ? undefined : planHeadBlocks(plan, layer, layer.blocks);
  return {
    input,
    inputs,
    outputs,
    weight: blocks?.weight ?? planWeight(layout, headParam(plan, layer, first), onePhase(outputs)),
    blocks,
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

/** Its weight in blocks. */
function planHeadBlocks(plan: Plan, { name, inputSize, outputSize }: LinearSpec, parts: number): BlockWeight {
  if (plan.tie)
    throw new ArgumentRangeError(
      `tie: the last layer is in ${parts} blocks; one weight with an embedding is dense.`,
    );
  const sizes = { inputs: inputSize, outputs: outputSize, parts };
  return planBlockWeight(plan, `${name}.weight`, sizes, { each: outputSize / parts });
}

/** Its weight, or the embedding's. */
function headParam(plan: Plan, layer: LinearSpec, first: LayerSpec | undefined): Param {
  if (plan.tie) return tiedParam(plan, layer, first);
  const { name, inputSize: columns, outputSize: rows } = layer;
  return planParam(plan, `${name}.weight`, { parts: 1, rows, columns, padded: true });
}

/** The embedding's parameter, which is then the last layer's too. */
function tiedParam(
  { params }: Plan,
  { name, inputSize, outputSize }: LinearSpec,
  first: LayerSpec | undefined,
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
