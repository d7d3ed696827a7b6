import { beginLayout, roundUp } from '../../memory/layout.js';
import type { PlainActivationSpec } from '../../model/plain.js';
import { type EmbeddingSpec, isRecurrent, type LinearSpec, type ModelSpec } from '../../model/spec.js';
import { controlWords } from '../../pack/plan.js';
import { strideOf } from '../../pack/program.js';
import { panelRows } from '../../pack/rows.js';
import { tableFloats } from '../../pack/table.js';
import { checkTrainable, type TrainableLayerSpec } from '../trainable.js';
import type { Optimizer } from '../types.js';
import { planHead, splitHead } from './head.js';
import { orderFloats } from './order.js';
import {
  onePhase,
  type Plan,
  placeRows,
  planBias,
  planParam,
  planWeight,
  type TrainingSizes,
} from './params.js';
import type { Link, RecurrentTape, Scratch, TrainOp, TrainProgram } from './program.js';
import { planById, planRecurrent } from './recurrent.js';

/** Rows of a weight's gradient that one kernel call makes: with what it packs, they stay in a second-level cache. */
export const gradientRows = 256;
/** Rows of a batch that gemm_tn_f32 packs at a time. */
export const gradientDepth = 256;
/** Floats of the gradient whose squares make one partial sum; the sums are added in order. */
export const squareFloats = 2 ** 14;

/**
 * Plans all memory of a training before it begins: weights and their packed forms, gradients, moments, the tape of every
 * layer for T·B rows, each worker's scratch. Pure: nothing is allocated yet.
 * @param spec as checkSpec returns it
 * @throws UnsupportedError for a layer that cannot be trained where it stands; RangeError for weights that cannot be tied
 */
export function planTraining(spec: ModelSpec, sizes: TrainingSizes): TrainProgram {
  const { capacity, workers, dropout } = sizes;
  const layout = beginLayout();
  const plan: Plan = { ...sizes, layout, params: [], floats: 0, rows: capacity.steps * capacity.batch };
  const control = layout.place(controlWords);
  const constants = layout.place(tableFloats);
  const order = layout.place(orderFloats);
  const { layers, last } = splitHead(checkTrainable(spec));
  const first = layers[0] ?? last;
  const inputs = 'inputSize' in first ? first.inputSize : 0;
  const input: Link = {
    skip: 0,
    y: layout.place(plan.rows * Math.max(1, strideOf(inputs) / 4)),
    ld: strideOf(inputs),
  };
  const ops: TrainOp[] = [];
  let link: Link = input;
  let width = inputs;
  for (const layer of layers) {
    const op = planOp(plan, layer, link, width, constants);
    const before = ops.at(-1);
    if (op.op === 'recurrent' && before?.op === 'embedding') op.byId = planById(plan, op, before);
    ops.push(op);
    link = linkOf(op);
    width = op.outputs;
  }
  const head = planHead(plan, last, link, layers[0]);
  const widths = [inputs, last.inputSize, ...ops.flatMap(widthsOf)];
  const widest = Math.max(...widths.map(strideOf)) / 4;
  const program: TrainProgram = {
    control,
    constants,
    order,
    zeros: layout.place(Math.max(widest, head.ld / 4)),
    input,
    inputs,
    vocabulary: first.kind === 'embedding' ? first.count : 0,
    ops,
    head,
    gradients: [layout.place(plan.rows * widest), layout.place(plan.rows * widest)],
    lengths: layout.place(capacity.batch),
    params: plan.params,
    floats: plan.floats,
    weights: layout.place(plan.floats),
    slopes: layout.place(plan.floats),
    optimizer: sizes.optimizer,
    clip: sizes.clip,
    moments: Array.from({ length: momentsOf(sizes.optimizer) }, () => layout.place(plan.floats)),
    squares: layout.place(2 * Math.ceil(plan.floats / squareFloats)),
    scratch: Array.from({ length: workers }, () => planScratch(plan, ops, widest)),
    capacity,
    dropout,
    workers,
    bytes: 0,
  };
  program.bytes = layout.bytes;
  return program;
}

/** Features that an operation gives, and those of its states. */
function widthsOf(op: TrainOp): number[] {
  return op.op === 'recurrent' ? [op.outputs, op.hidden] : [op.outputs];
}

/** What the layer after one reads. */
export function linkOf(op: TrainOp): Link {
  return op.dropped === 0 ? op.out : { y: op.dropped, ld: op.out.ld, skip: 0 };
}

/** Numbers that an optimiser keeps for each weight. */
function momentsOf(optimizer: Required<Optimizer>): number {
  if (optimizer.kind === 'sgd') return optimizer.momentum > 0 ? 1 : 0;
  return 2;
}

function planOp(
  plan: Plan,
  layer: TrainableLayerSpec,
  input: Link,
  width: number,
  constants: number,
): TrainOp {
  if (isRecurrent(layer)) return planRecurrent(plan, layer, input, constants);
  switch (layer.kind) {
    case 'embedding':
      return planEmbedding(plan, layer, input);
    case 'linear':
      return planLinear(plan, layer, input);
    default:
      return planActivation(plan, layer, input, width);
  }
}

function placeDropped(plan: Plan, width: number): number {
  return plan.dropout > 0 ? placeRows(plan, plan.rows, width).y : 0;
}

function planEmbedding(plan: Plan, { name, count, size }: EmbeddingSpec, input: Link): TrainOp {
  const weight = planParam(plan, `${name}.weight`, { parts: 1, rows: count, columns: size });
  const out = placeRows(plan, plan.rows, size);
  const dropped = placeDropped(plan, size);
  return { op: 'embedding', name, input, out, outputs: size, dropped, weight, byId: undefined };
}

function planLinear(plan: Plan, layer: LinearSpec, input: Link): TrainOp {
  const { name, inputSize: inputs, outputSize: outputs } = layer;
  const shape = { parts: 1, rows: outputs, columns: inputs };
  return {
    op: 'linear',
    name,
    input,
    out: placeRows(plan, plan.rows, outputs),
    inputs,
    outputs,
    dropped: 0,
    weight: planWeight(plan.layout, planParam(plan, `${name}.weight`, shape), onePhase(outputs)),
    bias: planBias(plan, layer),
  };
}

function planActivation(
  plan: Plan,
  { name, activation }: PlainActivationSpec,
  input: Link,
  width: number,
): TrainOp {
  const out = placeRows(plan, plan.rows, width);
  return {
    op: 'activation',
    name,
    input,
    out,
    outputs: width,
    dropped: 0,
    activation: activation as 'tanh' | 'sigmoid' | 'relu',
  };
}

function planScratch({ layout, capacity }: Plan, ops: readonly TrainOp[], widest: number): Scratch {
  const tapes = ops.filter((op) => op.op === 'recurrent');
  const most = (of: (op: RecurrentTape) => number) => Math.max(0, ...tapes.map(of));
  const vector =
    capacity.batch *
    roundUp(
      most((op) => op.whole.units),
      panelRows,
    );
  const carries = Math.max(
    1,
    most((op) => op.carries),
  );
  return {
    dh: layout.place(vector),
    dc: layout.place(carries * vector),
    packed: layout.place(gradientDepth * (gradientRows + widest)),
  };
}
