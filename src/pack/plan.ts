import { beginLayout, type Layout } from '../memory/layout.js';
import { cellOf } from '../model/cells.js';
import { blocksOf, isRecurrent, isReversing, type ModelSpec } from '../model/spec.js';
import { inputWidth, widthsOf } from '../model/wiring.js';
import { type Frame, type MaskPlan, type Program, strideOf } from './program.js';
import { tableFloats } from './table.js';

/** Streams that run side by side; a larger batch runs in slices of so many. */
const mostStreams = 64;
/** Floats in an activation buffer: long sequences go through the layers in chunks that fit it. */
const chunkFloats = 2 ** 20;
const mostRows = 4096;
const leastRows = 8;
/**
 * Rows T·B of pre-activations that a tile of steps may have: so many that what they take stays in half of a common
 * second-level cache, and for wide parts no fewer than make it worth while to bring in the weights.
 */
const tileFloats = 2 ** 16;
const leastTileRows = 128;
/** Bytes of a run's masks, unless those of one step are more: they are written anew for each piece. */
const maskBytes = 2 ** 16;
/** Words of the control block. */
export const controlWords = 1024;

/** Where the operations of a model are, which run when, and what that takes of a frame. */
export interface Layers extends Pick<Program, 'ops' | 'stages'> {
  /** activations that a frame needs */
  slots: number;
  /** and those of one time step */
  stills: number;
  /** the widest row of any of them, bytes */
  widest: number;
}

/**
 * Plans the operations of a model.
 * @param layout in which room for their weights is placed
 * @param states to which theirs are added
 */
export type PlanLayers = (
  spec: ModelSpec,
  layout: Layout,
  states: Program['states'],
  masks: Program['masks'],
) => Layers;

/**
 * Plans the memory of a model: where weights, state and scratch will lie, and how large it is. Pure: nothing
 * is allocated yet.
 * @param spec as checkSpec returns it
 * @param workers threads that will each need scratch of their own, at least 1
 * @param planLayers planStack for a plain stack, planGraph for any model
 */
export function planProgram(spec: ModelSpec, workers: number, planLayers: PlanLayers): Program {
  const layout = beginLayout();
  const control = layout.place(controlWords);
  const constants = layout.place(tableFloats);
  const before = layout.bytes;
  const states: Program['states'] = [];
  const masks = planMasks(spec);
  const { ops, stages, slots, stills, widest: widestLayer } = planLayers(spec, layout, states, masks);
  const weightBytes = layout.bytes - before;
  const inputs = inputWidth(spec);
  const program: Program = {
    ops,
    stages,
    reverses: spec.layers.some(isReversing),
    inputs,
    vocabulary: vocabularyOf(spec),
    outputs: widthsOf(spec).at(-1)!,
    states,
    masks,
    control,
    constants,
    workers,
    run: undefined as unknown as Frame,
    step: undefined as unknown as Frame,
    bytes: 0,
    weightBytes,
    work: stages.reduce((sum, { work }) => sum + work, 0),
  };
  // The first activations are also where rows of the input's width are staged.
  const widest = Math.max(strideOf(inputs), widestLayer);
  const rows = Math.max(leastRows, Math.min(mostRows, Math.floor((chunkFloats * 4) / widest)));
  program.run = planFrame(program, layout, { rows, steps: rows, widest, slots, stills, workers });
  program.step = program.reverses
    ? program.run
    : planFrame(program, layout, {
        rows: Math.min(rows, mostStreams),
        steps: 1,
        widest,
        slots,
        stills,
        workers: 1,
      });
  program.bytes = layout.bytes;
  return program;
}

/** Ids that every embedding has a row for; 0 when the input is floats. */
export function vocabularyOf({ layers }: ModelSpec): number {
  const counts = layers.flatMap((layer) => (layer.kind === 'embedding' ? [layer.count] : []));
  return counts.length === 0 ? 0 : Math.min(...counts);
}

/** Which columns of a row of masks are which layer's. */
function planMasks({ layers }: ModelSpec): MaskPlan[] {
  let column = 0;
  return layers.filter(isRecurrent).map((layer) => {
    const count = blocksOf(layer);
    // Whoever goes backward meets a stream's steps at other times than the mask says; blocks that meet cannot skip alone.
    const meets = cellOf(layer).meets && count > 1;
    const plan = { name: layer.name, count, column: meets || isReversing(layer) ? -1 : column };
    if (plan.column >= 0) column += count;
    return plan;
  });
}

interface FrameSize extends Pick<Layers, 'slots' | 'stills' | 'widest'> {
  rows: number;
  /** most steps at a time */
  steps: number;
  workers: number;
}

function planFrame(
  program: Program,
  layout: Layout,
  { rows, steps, widest, slots, stills, workers }: FrameSize,
): Frame {
  const tallest = Math.max(0, ...program.ops.map((op) => (op.op === 'recurrent' ? op.rows : 0)));
  const batch = Math.min(mostStreams, rows);
  // One tile of steps and one more step for the second half of a GRU.
  const scratchFloats = (Math.min(tileRows(tallest), rows) + batch) * tallest;
  const activationFloats = (rows * widest) / 4;
  const width = program.masks.reduce((sum, { count, column }) => sum + (column < 0 ? 0 : count), 0);
  const maskSteps = Math.max(1, Math.min(steps, Math.floor(maskBytes / width)));
  return {
    rows,
    batch,
    input: layout.place(rows * Math.max(1, program.inputs)),
    activations: Array.from({ length: slots }, () => layout.place(activationFloats)),
    activationFloats,
    stills: Array.from({ length: stills }, () => layout.place((batch * widest) / 4)),
    lengths: layout.place(batch),
    masks: { at: layout.place(Math.ceil((maskSteps * width) / 4)), width, steps: maskSteps },
    states: program.states.map(({ parts }) => {
      const ld = strideOf(Math.max(...parts.map(({ width }) => width)));
      return { at: parts.map(() => layout.place((batch * ld) / 4)), ld };
    }),
    scratch: Array.from({ length: workers }, () => layout.place(scratchFloats)),
    scratchFloats,
  };
}

function tileRows(rows: number): number {
  return Math.max(leastTileRows, Math.floor(tileFloats / rows));
}

/** Steps per tile of a recurrent layer whose parts have so many rows; its scratch holds them and one step more. */
export function tileSteps(frame: Frame, rows: number, batch: number, steps: number): number {
  const fits = Math.floor(frame.scratchFloats / (batch * rows)) - 1;
  return Math.max(1, Math.min(steps, fits, Math.floor(tileRows(rows) / batch)));
}
