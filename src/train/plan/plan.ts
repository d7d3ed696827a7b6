import { beginLayout, roundUp } from '../../memory/layout.js';
import { type Cell, cellOf, hasSeparateBias } from '../../model/cells.js';
import type { PlainActivationSpec, PlainLayerSpec, PlainSpec } from '../../model/plain.js';
import {
  type EmbeddingSpec,
  isRecurrent,
  type LinearSpec,
  type ModelSpec,
  type RecurrentLayerSpec,
} from '../../model/spec.js';
import { partsOf } from '../../pack/ops.js';
import { controlWords } from '../../pack/plan.js';
import { strideOf } from '../../pack/program.js';
import { lanes, panelRows, partRows, phasesOf } from '../../pack/rows.js';
import { tableFloats } from '../../pack/table.js';
import { checkTrainable } from '../trainable.js';
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
import {
  type ById,
  type EmbeddingTape,
  type Link,
  type PartShape,
  type RecurrentTape,
  rowsPerId,
  type Scratch,
  type TrainOp,
  type TrainProgram,
} from './program.js';

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
  checkTrainable(spec);
  const { capacity, workers, dropout } = sizes;
  const layout = beginLayout();
  const plan: Plan = { ...sizes, layout, params: [], floats: 0, rows: capacity.steps * capacity.batch };
  const control = layout.place(controlWords);
  const constants = layout.place(tableFloats);
  const order = layout.place(orderFloats);
  const { layers, last } = splitHead(spec as PlainSpec);
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
    const op = planOp(plan, layer, link, width);
    const before = ops.at(-1);
    if (op.op === 'recurrent' && before?.op === 'embedding') op.byId = planById(plan, op, before);
    ops.push(op);
    link = linkOf(op);
    width = op.outputs;
  }
  const head = planHead(plan, last, link, layers[0]);
  const widths = [inputs, last.inputSize, ...ops.map(({ outputs }) => outputs)];
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

/** What the layer after one reads. */
export function linkOf(op: TrainOp): Link {
  return op.dropped === 0 ? op.out : { y: op.dropped, ld: op.out.ld, skip: 0 };
}

/** Numbers that an optimiser keeps for each weight. */
function momentsOf(optimizer: Required<Optimizer>): number {
  if (optimizer.kind === 'sgd') return optimizer.momentum > 0 ? 1 : 0;
  return 2;
}

function planOp(plan: Plan, layer: PlainLayerSpec, input: Link, width: number): TrainOp {
  if (isRecurrent(layer)) return planRecurrent(plan, layer, input);
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

function planRecurrent(plan: Plan, layer: RecurrentLayerSpec, input: Link): TrainOp {
  const { name, inputSize: inputs, hiddenSize: hidden } = layer;
  const { layout, rows: most, capacity } = plan;
  const cell = cellOf(layer);
  const hasCell = cell.states.includes('c');
  const separateBias = hasSeparateBias(cell);
  const { parts, units, diagonal } = partsOf(layer);
  const whole = shapeOf(cell, units);
  const last = shapeOf(cell, hidden - (parts - 1) * units);
  const { rows } = whole;
  const gated = { cell, hidden, units };
  const param = (field: string, columns: number) =>
    planParam(plan, `${name}.${field}`, { parts, rows, columns, gated });
  // One slot more than steps: the state before the first.
  const slots = () => placeRows(plan, (capacity.steps + 1) * capacity.batch, hidden);
  const state = () => placeRows(plan, capacity.batch, hidden).y;
  const kept = () => ({ h: state(), c: hasCell ? state() : 0 });
  const wih = planWeight(layout, param('weight_ih', inputs), {
    whole: [{ first: 0, rows }],
    last: [{ first: 0, rows: last.rows }],
  });
  const whh = param('weight_hh', diagonal ? 1 : units);
  const halves = separateBias ? rows : cell.phases.length > 1 ? roundUp(units, lanes) : 0;
  return {
    op: 'recurrent',
    name,
    input,
    out: { ...slots(), skip: 1 },
    outputs: hidden,
    dropped: placeDropped(plan, hidden),
    cell: cell.code,
    hasCell,
    separateBias,
    inputs,
    parts,
    whole,
    last,
    diagonal,
    c: hasCell ? slots().y : 0,
    z: layout.place(parts * most * rows),
    s: halves === 0 ? 0 : layout.place(parts * most * halves),
    kept: [kept(), kept()],
    wih,
    whh: diagonal ? whh : planWeight(layout, whh, { whole: whole.phases, last: last.phases }),
    bih: param('bias_ih', 1),
    bhh: param('bias_hh', 1),
    bias: layout.place(parts * rows),
    byId: undefined,
  };
}

function planById(plan: Plan, op: RecurrentTape, embedding: EmbeddingTape): ById | undefined {
  const { weight: table, dropped, outputs, input } = embedding;
  const count = table.rows;
  // Rows that dropout has changed are no longer an id's; one column lies without padding.
  if (dropped !== 0 || outputs === 1 || count * rowsPerId > plan.rows) return undefined;
  const halves = plan.layout.place(op.parts * count * op.whole.rows);
  embedding.byId = { table, ids: input.y, count, halves };
  return embedding.byId;
}

function shapeOf(cell: Cell, units: number): PartShape {
  const rows = partRows(cell, units);
  const begins = phasesOf(cell, units).map(({ row }) => row);
  const phases = begins.map((first, phase) => ({ first, rows: (begins[phase + 1] ?? rows) - first }));
  return { units, rows, phases };
}

function planScratch({ layout, capacity }: Plan, ops: readonly TrainOp[], widest: number): Scratch {
  const units = Math.max(0, ...ops.map((op) => (op.op === 'recurrent' ? op.whole.units : 0)));
  const state = () => layout.place(capacity.batch * roundUp(units, panelRows));
  return { dh: state(), dc: state(), packed: layout.place(gradientDepth * (gradientRows + widest)) };
}
