import { beginLayout, type Layout } from '../../memory/layout.js';
import {
  type EmbeddingSpec,
  isRecurrent,
  type LayerSpec,
  type LinearSpec,
  type ModelSpec,
} from '../../model/spec.js';
import { inputWidth } from '../../model/wiring.js';
import { type Flow, flowOf } from '../../pack/flow.js';
import { controlWords, vocabularyOf } from '../../pack/plan.js';
import { strideOf } from '../../pack/program.js';
import { tableFloats } from '../../pack/table.js';
import { checkTrainable } from '../trainable.js';
import type { Optimizer } from '../types.js';
import { planBlocks } from './blocks.js';
import { findHead, planHead } from './head.js';
import type { Link } from './link.js';
import { Links } from './links.js';
import { checkLoops, planLoop } from './loops.js';
import { orderFloats } from './order.js';
import {
  onePhase,
  type Plan,
  placeDerived,
  placeRows,
  planBias,
  planParam,
  planWeight,
  type TrainingSizes,
} from './params.js';
import { pastOf, planPast } from './past.js';
import { planActivation, planCombine, planNorm, planScale, planShuffle } from './pointwise.js';
import { type Loop, recurrentsOf, type Scratch, type TrainOp, type TrainProgram } from './program.js';
import { planById, planRecurrent } from './recurrent.js';
import { backWidth, type RecurrentTape } from './recurrent-tape.js';
import { type Node, type NodeGroup, planRoutes } from './routes.js';
import { zoneWords } from './zoneout.js';

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
  const plan: Plan = {
    ...sizes,
    layout,
    params: [],
    floats: 0,
    derived: [],
    rows: capacity.steps * capacity.batch,
  };
  const control = layout.place(controlWords);
  const constants = layout.place(tableFloats);
  const order = layout.place(orderFloats);
  const last = findHead(spec);
  // Weights that change cannot take a shuffle in.
  const flow = flowOf(spec, new Set());
  checkLoops(spec, flow, last);
  const inputs = inputWidth(spec);
  const input: Link = {
    skip: 0,
    y: layout.place(plan.rows * Math.max(1, strideOf(inputs) / 4)),
    ld: strideOf(inputs),
  };
  const links = new Links(plan, flow, inputs, input);
  const groups = planNodes(plan, spec, flow, links, last, constants);
  const operand = links.read(flow.reads[last]![0]!);
  const head = planHead(plan, spec.layers[last] as LinearSpec, operand.link, spec.layers[0]);
  const routes = planRoutes(plan, groups, { layer: last, operands: [operand] }, links);
  const ops = groups.flatMap(({ nodes }) => nodes.map(({ op }) => op));
  const widest = Math.max(strideOf(inputs), head.input.ld, ...ops.map(widestOf)) / 4;
  const extent = placeDerived(plan);
  const program: TrainProgram = {
    control,
    constants,
    order,
    zeros: layout.place(Math.max(widest, head.ld / 4)),
    input,
    inputs,
    vocabulary: vocabularyOf(spec),
    ops,
    loops: loopsOf(groups),
    head,
    routes,
    lengths: layout.place(capacity.batch),
    params: plan.params,
    floats: plan.floats,
    extent,
    weights: layout.place(extent),
    slopes: layout.place(extent),
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

/**
 * The operations before the head, each with what it reads, in an order in which everybody finds that; layers that only pass
 * features on are none.
 */
function planNodes(
  plan: Plan,
  spec: ModelSpec,
  flow: Flow,
  links: Links,
  last: number,
  constants: number,
): NodeGroup[] {
  const nodes: Node[] = [];
  const planNode = (layer: number): Node => {
    const each = spec.layers[layer]!;
    const slots = each.kind === 'conv' || each.kind === 'delay' ? pastOf(each) : 0;
    const operands = flow.reads[layer]!.map((fragments) => links.read(fragments, slots));
    const known = plan.params.length;
    const inputs = operands.map(({ link }) => link);
    const op = planOp(plan, each, inputs, flow.widths[layer]!, constants);
    if (op.op === 'recurrent') {
      const before = nodes.find((node) => node.layer === operands[0]!.whole)?.op;
      const readers = flow.reads.flat(2).filter(({ value }) => value === operands[0]!.whole);
      if (before?.op === 'embedding' && readers.length === 1) op.byId = planById(plan, op, before);
    }
    const node = { layer, op, operands, hasParams: plan.params.length > known };
    nodes.push(node);
    links.set(layer, linkOf(op));
    return node;
  };
  return flow.groups
    .filter(({ layers }) => layers[0]! < last)
    .map(({ layers, loops }) => ({
      nodes: loops ? planLoop(plan, spec, flow, links, layers, planNode) : layers.map(planNode),
      loops,
    }));
}

function loopsOf(groups: readonly NodeGroup[]): Loop[] {
  let to = 0;
  return groups.flatMap(({ nodes, loops }) => {
    const from = to;
    to += nodes.length;
    return loops ? [{ from, to }] : [];
  });
}

/** The widest row that an operation reads, gives or keeps, bytes. */
function widestOf(op: TrainOp): number {
  const states = op.op === 'recurrent' || op.op === 'ragged' ? op.states.map(({ ld }) => ld) : [];
  const half = op.op === 'recurrent' && op.blocked !== undefined ? op.blocked.out.ld : 0;
  return Math.max(op.input.ld, op.out.ld, ...states, half);
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

function planOp(plan: Plan, layer: LayerSpec, inputs: Link[], width: number, constants: number): TrainOp {
  const [input] = inputs as [Link];
  if (isRecurrent(layer)) return planRecurrent(plan, layer, input, constants);
  switch (layer.kind) {
    case 'embedding':
      return planEmbedding(plan, layer, input);
    case 'linear':
      return planLinear(plan, layer, input);
    case 'activation':
      return planActivation(plan, layer, input, width);
    case 'combine':
      return planCombine(plan, layer, inputs, width);
    case 'scale':
      return planScale(plan, layer, input);
    case 'norm':
      return planNorm(plan, layer, input);
    case 'conv':
    case 'delay':
      return planPast(plan, layer, input);
    case 'shuffle':
      return planShuffle(plan, layer, input);
    case 'slice':
      throw new Error(`A ${layer.kind} is no operation of its own.`);
  }
}

function placeDropped(plan: Plan, width: number): number {
  return plan.dropout > 0 ? placeRows(plan, plan.rows, width).y : 0;
}

function planEmbedding(plan: Plan, { name, count, size }: EmbeddingSpec, input: Link): TrainOp {
  const weight = planParam(plan, `${name}.weight`, { parts: 1, rows: count, columns: size, padded: true });
  const out = placeRows(plan, plan.rows, size);
  const dropped = placeDropped(plan, size);
  return { op: 'embedding', name, input, out, outputs: size, dropped, weight, byId: undefined };
}

function planLinear(plan: Plan, layer: LinearSpec, input: Link): TrainOp {
  if (layer.blocks !== undefined) return planBlocks(plan, layer, input);
  const { name, inputSize: inputs, outputSize: outputs } = layer;
  const shape = { parts: 1, rows: outputs, columns: inputs, padded: true };
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

function planScratch({ layout, capacity }: Plan, ops: readonly TrainOp[], widest: number): Scratch {
  const tapes = recurrentsOf(ops);
  const most = (of: (op: RecurrentTape) => number) => Math.max(0, ...tapes.map(of));
  const vector = capacity.batch * most(backWidth);
  const carries = Math.max(
    1,
    most((op) => op.carries),
  );
  return {
    dh: layout.place(vector),
    dc: layout.place(carries * vector),
    row: layout.place(
      2 * most(({ meeting, parts, whole }) => (meeting === undefined ? 0 : parts * whole.rows)),
    ),
    ...placeZone(layout, tapes, vector),
    packed: layout.place(gradientDepth * (gradientRows + widest)),
  };
}

function placeZone(
  layout: Layout,
  tapes: readonly RecurrentTape[],
  vector: number,
): Pick<Scratch, 'held' | 'zone'> {
  if (tapes.every(({ zone }) => zone === undefined)) return { held: 0, zone: 0 };
  return { held: layout.place(2 * vector), zone: layout.place(zoneWords) };
}
