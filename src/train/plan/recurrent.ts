import { type Layout, roundUp } from '../../memory/layout.js';
import { type BlockRun, blockRunsOf } from '../../model/blocks.js';
import { type Cell, hasSeparateBias, vectorsOf } from '../../model/cells.js';
import { kindOf } from '../../model/kinds.js';
import { type RecurrentLayerSpec, stripsOf } from '../../model/spec.js';
import { partsOf } from '../../pack/ops.js';
import { parameterFloats } from '../../pack/parameters.js';
import { panelRows, partRows, phasesOf } from '../../pack/rows.js';
import { tableFloats } from '../../pack/table.js';
import { planInputBlocks } from './blocks.js';
import { tapeOf } from './cells.js';
import type { Link, Param, Weight } from './link.js';
import { onePhase, type Plan, placeRows, planParam, planWeight } from './params.js';
import type { EmbeddingTape } from './program.js';
import {
  type ById,
  type ColumnTape,
  type MeetingTape,
  type PartShape,
  type RaggedTape,
  type RecurrentTape,
  rowsPerId,
  type StateTape,
  sideUnits,
} from './recurrent-tape.js';
import { planStrips } from './strips.js';
import { cutZone, planZone, type Zone } from './zoneout.js';

/** The tape of a recurrent layer, or those of its runs of blocks. */
export function planRecurrent(
  plan: Plan,
  layer: RecurrentLayerSpec,
  input: Link,
  constants: number,
): RecurrentTape | RaggedTape {
  const states = planStates(plan, layer);
  const [{ at: y, ld, width: outputs }] = states as [StateTape];
  const dropped = plan.dropout > 0 ? placeRows(plan, plan.rows, outputs).y : 0;
  const [first, ...more] = blockRunsOf(layer) as [BlockRun, ...BlockRun[]];
  const zone = planZone(plan, layer);
  const given = { input, constants };
  if (more.length === 0) return { ...planRun(plan, layer, first, { ...given, states, zone }), dropped };
  const runs = [first, ...more].map((run) => {
    const own = {
      states: states.map((state) => cutState(state, run)),
      zone: zone && cutZone(zone, run.unit),
    };
    return planRun(plan, layer, run, { ...given, ...own });
  });
  return { op: 'ragged', name: layer.name, input, out: { y, ld, skip: 1 }, outputs, dropped, states, runs };
}

/** The columns that a run of blocks has of a state. */
function cutState(state: StateTape, { unit, count, units }: BlockRun): StateTape {
  const first = unit * 4;
  const kept = state.kept.map((at) => at + first) as StateTape['kept'];
  return { ...state, at: state.at + first, kept, width: count * units };
}

/** What a tape is made of: states and what is drawn are those of its units. */
interface Given {
  states: StateTape[];
  zone: Zone | undefined;
  input: Link;
  constants: number;
}

/** The tape of some blocks of a layer that are of one size. */
function planRun(
  plan: Plan,
  layer: RecurrentLayerSpec,
  run: BlockRun,
  { states, zone, input, constants }: Given,
): RecurrentTape {
  const { name, inputSize: inputs } = layer;
  const hidden = run.count * run.units;
  const { layout, rows: most } = plan;
  const { cell, side, carries, meets, skips } = tapeOf(layer);
  // Those that meet are one part where they run; here they are several, which one worker runs together.
  const { block: units, diagonal } = partsOf(layer, run);
  const parts = Math.ceil(hidden / units);
  const whole = shapeOf(cell, units);
  const last = shapeOf(cell, hidden - (parts - 1) * units);
  const { rows } = whole;
  const param = (field: string, columns: number, gates?: readonly number[]) => {
    const own = { cell, first: run.unit, hidden, all: layer.hiddenSize, units };
    const gated = { ...own, ...(gates === undefined ? {} : { gates }) };
    const padded = field === 'weight_ih' || (field === 'weight_hh' && !diagonal);
    return planParam(plan, `${name}.${field}`, { parts, rows, columns, padded, gated });
  };
  const [h] = states as [StateTape];
  const blocked = layer.inputBlocks === undefined ? undefined : planInputBlocks(plan, layer, parts * rows);
  const wih =
    blocked?.weight ??
    planWeight(layout, param('weight_ih', inputs), {
      whole: [{ first: 0, rows }],
      last: [{ first: 0, rows: last.rows }],
    });
  const strips = stripsOf(layer) && planStrips(plan, layer, rows);
  const whh = cell.recurs
    ? planHidden(
        layout,
        strips?.dense ?? param('weight_hh', diagonal ? 1 : h.width < hidden ? h.width : units),
        diagonal,
        whole,
        last,
      )
    : undefined;
  const whr = side === 'projection' ? planProjection(plan, `${name}.weight_hr`, h.width, hidden) : undefined;
  const columns = new Map(cell.columns.map(({ tensor, gates }) => [tensor, param(tensor, 1, gates)]));
  const biases: ColumnTape[] = cell.columns
    .filter(({ to }) => to === 'bias')
    .map(({ tensor, gates }) => ({ param: columns.get(tensor)!, gates }));
  const sides = side === undefined ? 0 : side === 'row' ? rows : sideUnits(units, side, h.width);
  const own = meets && columns.get(meets.tensor);
  const placeOwn = () => layout.place(tableFloats + parameterFloats);
  const table = cell.isFamily ? placeOwn() : constants;
  return {
    op: 'recurrent',
    name,
    input,
    out: { y: h.at, ld: h.ld, skip: 1 },
    outputs: h.width,
    dropped: 0,
    cell: cell.code,
    gates: cell.phases.map(({ length }) => length),
    table,
    evaluation: zone === undefined ? table : placeOwn(),
    zone,
    inputs,
    hidden,
    parts,
    whole,
    last,
    diagonal,
    carries,
    states,
    z: layout.place(parts * most * rows),
    s: sides === 0 ? 0 : layout.place(parts * most * sides),
    side,
    wih,
    blocked,
    whh,
    strips,
    whr,
    biases,
    bhh: hasSeparateBias(cell) && !cell.meets ? columns.get('bias_hh') : undefined,
    bias: layout.place(parts * rows),
    meets: own && { param: own, runs: meets!.runs },
    meeting: cell.meets && planMeeting(plan, cell, columns, parts * rows),
    skip: skips ? placeRows(plan, most, hidden).y : 0,
    byId: undefined,
  };
}

/** Room for each state: one slot more than steps, for the state before the first. */
function planStates(plan: Plan, layer: RecurrentLayerSpec): StateTape[] {
  const { steps, batch } = plan.capacity;
  const widths = Object.entries(kindOf(layer).states!(layer)) as [StateTape['name'], number][];
  const tapes = widths.map(([name, width]) => ({
    ...{ name, width },
    link: placeRows(plan, (steps + 1) * batch, width),
  }));
  return tapes.map(({ name, width, link: { y: at, ld } }) => {
    const kept = () => placeRows(plan, batch, width).y;
    return { name, at, ld, width, kept: [kept(), kept()] };
  });
}

/** The vectors of rows of a layer whose units all meet, of so many rows each. */
function planMeeting(
  { layout, capacity }: Plan,
  cell: Cell,
  params: ReadonlyMap<string, Param>,
  rows: number,
): MeetingTape {
  const count = vectorsOf(cell);
  const columns = cell.columns.map(({ tensor, to }) => ({ param: params.get(tensor)!, to: to as number }));
  return {
    ...{ count, columns },
    vectors: layout.place(count * rows),
    sums: layout.place(columns.length * capacity.batch * rows),
  };
}

function planHidden(
  layout: Layout,
  param: Param,
  diagonal: boolean,
  whole: PartShape,
  last: PartShape,
): Weight | Param {
  return diagonal ? param : planWeight(layout, param, { whole: whole.phases, last: last.phases });
}

/**
 * The weight of an output projection [P, H]. The kernels find its panels where the layer's parameters say, then zeros in
 * the place of a bias, then those of the way back.
 */
function planProjection(plan: Plan, name: string, outputs: number, hidden: number): Weight {
  const param = planParam(plan, name, { parts: 1, rows: outputs, columns: hidden });
  const { rows } = param;
  const forward = plan.layout.place(rows * (hidden + 1 + roundUp(hidden, panelRows)));
  return { param, forward, backward: forward + rows * (hidden + 1) * 4, phases: onePhase(rows) };
}

/** Goes by id behind an embedding of few rows, where nothing needs a row's own input. */
export function planById(plan: Plan, op: RecurrentTape, embedding: EmbeddingTape): ById | undefined {
  const { weight: table, dropped, input } = embedding;
  const count = table.rows;
  // Rows that dropout has changed are no longer an id's.
  if (dropped !== 0 || op.skip !== 0 || op.blocked !== undefined || count * rowsPerId > plan.rows)
    return undefined;
  const halves = plan.layout.place(op.parts * count * op.whole.rows);
  embedding.byId = { table, ids: input.y, count, halves };
  return embedding.byId;
}

function shapeOf(cell: Cell, units: number): PartShape {
  const rows = partRows(cell, units);
  const begins = phasesOf(cell, units).map(({ row }) => row);
  const phases = begins.map((first, phase) => ({ first, rows: (begins[phase + 1] ?? rows) - first }));
  // A projection is a phase without gates.
  return { units, rows, phases: phases.filter((phase) => phase.rows > 0) };
}
