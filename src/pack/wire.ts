import { roundUp } from '../memory/layout.js';
import {
  type DelaySpec,
  directionsOf,
  isRecurrent,
  isReversing,
  type LayerSpec,
  type ModelSpec,
  outputsOf,
} from '../model/spec.js';
import { inputWidth } from '../model/wiring.js';
import { type Flow, type Fragment, type Group, valuesOf } from './flow.js';
import { newPlace } from './graph-ops.js';
import type { CopyOp, Op, Port, Stage } from './program.js';
import { Regions, type Spot } from './regions.js';
import { panelRows } from './rows.js';

/** What a model's operations are wired to. */
export interface Wiring {
  /** what is copied or kept besides, to be appended to the operations */
  more: Op[];
  stages: Omit<Stage, 'work'>[];
  /** activations that a frame needs */
  slots: number;
  /** and those of one time step */
  stills: number;
  /** the widest row of any of them, bytes */
  widest: number;
}

/**
 * Decides where every operation reads and writes, and in which order they run.
 * @param ops of each layer; their places are filled in
 */
export function wireOps(spec: ModelSpec, flow: Flow, ops: readonly Op[][]): Wiring {
  const wiring: Wiring = { more: [], stages: [], slots: 1, stills: 0, widest: 0 };
  const known = ops.flat();
  const last = Math.max(0, ...flow.stages);
  for (let stage = 0; stage <= last; stage++) {
    const wired = new StageWiring(spec, flow, ops, stage, known, wiring.more);
    wiring.stages.push(wired.wire());
    const { slots, stills, widest } = wired.regions.assign(wiring.stages.at(-1)!.loops);
    wiring.slots = Math.max(wiring.slots, slots);
    wiring.stills = Math.max(wiring.stills, stills);
    wiring.widest = Math.max(wiring.widest, widest);
  }
  return wiring;
}

/** Fragments of several values in one row, for a layer that reads them side by side. */
interface Join {
  spot: Spot;
  /** numbers of the fragments that are not there yet, and are not written straight to where they belong */
  missing: number[];
}

class StageWiring {
  readonly regions = new Regions();
  readonly #steps: number[][] = [];
  readonly #loops: Stage['loops'] = [];
  #inLoop = false;
  readonly #inputs: Port[] = [];
  readonly #outputs: Port[] = [];
  /** where the features of a value are, those of this stage and those that have come in */
  readonly #spots = new Map<number, Spot>();
  readonly #joins = new Map<string, Join>();
  /** values that layers of this stage make, forward; by the number of the join in which they are made, if any */
  readonly #homes = new Map<number, Spot>();
  readonly #groups: readonly Group[];
  readonly #first: number[];

  constructor(
    readonly spec: ModelSpec,
    readonly flow: Flow,
    readonly ops: readonly Op[][],
    readonly stage: number,
    readonly known: readonly Op[],
    readonly more: Op[],
  ) {
    this.#groups = flow.groups.filter(({ layers }) => flow.stages[layers[0]!] === stage);
    let count = 0;
    this.#first = ops.map((each) => {
      count += each.length;
      return count - each.length;
    });
  }

  wire(): Omit<Stage, 'work'> {
    const own = this.#groups.flatMap(({ layers }) => layers);
    for (const index of own) {
      if (this.ops[index]!.every(isBackward)) continue;
      for (const operand of this.flow.reads[index]!) if (operand.length > 1) this.#planJoin(operand);
    }
    for (const { layers, loops } of this.#groups) {
      if (loops) this.#wireLoop(layers);
      else this.#wireLayer(layers[0]!);
    }
    for (const index of own) this.#wireOutputs(index);
    if (this.stage === 0) this.#passInput();
    return { steps: this.#steps, loops: this.#loops, inputs: this.#inputs, outputs: this.#outputs };
  }

  /** A row for a join, in which those who make its values write them where nothing beside is written over. */
  #planJoin(fragments: readonly Fragment[]): void {
    const key = keyOf(fragments);
    if (this.#joins.has(key)) return;
    const total = fragments.reduce((sum, { width }) => sum + width, 0);
    const missing: number[] = [];
    const homes = new Map<number, number>();
    let widest = total;
    let column = 0;
    for (const [index, fragment] of fragments.entries()) {
      const { value, width } = fragment;
      const end = column + roundUp(width, value < 0 ? 1 : reachOf(this.ops[value]![0]!));
      const isLast = index === fragments.length - 1;
      const isWhole = value >= 0 && fragment.column === 0 && width === this.flow.widths[value];
      const isFree = !this.#homes.has(value) && !homes.has(value);
      if (isWhole && isFree && this.#isMadeHere(value) && (isLast || end === column + width)) {
        homes.set(value, column);
        widest = Math.max(widest, end);
      } else missing.push(index);
      column += width;
    }
    const spot = this.regions.add(widest);
    for (const [value, at] of homes) this.#homes.set(value, { ...spot, column: at });
    this.#joins.set(key, { spot, missing });
  }

  /**
   * Delays of a loop give what they have before anything else runs, and take in what has come in the end; between the two
   * its other layers run as they would without it.
   */
  #wireLoop(layers: readonly number[]): void {
    // What comes from before the loop is put beside the rest once, and not step by step.
    for (const fragments of layers.flatMap((index) => this.flow.reads[index]!)) {
      const join = this.#joins.get(keyOf(fragments));
      if (join !== undefined) this.#fill(join, fragments, (value) => !layers.includes(value));
    }
    const from = this.#steps.push([]) - 1;
    const recalls = layers.flatMap((index) => this.ops[index]!.filter((op) => op.op === 'recall'));
    for (const op of recalls) {
      const home = this.#homes.get(op.layer) ?? this.regions.add(this.flow.widths[op.layer]!);
      this.#spots.set(op.layer, home);
      this.regions.use(home, from, op.y);
      this.#steps[from]!.push(this.#first[op.layer]!);
    }
    this.#inLoop = true;
    for (const index of layers) if (this.ops[index]![0]!.op !== 'recall') this.#wireLayer(index);
    const kept = recalls.map(({ layer }) => this.#find(this.flow.reads[layer]![0]!));
    this.#inLoop = false;
    const last = this.#steps.push([]) - 1;
    for (const [k, { name, layer, outputs, state }] of recalls.entries()) {
      const { steps = 1 } = this.spec.layers[layer] as DelaySpec;
      const op: Op = { op: 'keep', name, layer, x: newPlace(), outputs, steps, state };
      this.regions.use(kept[k]!, last, op.x);
      this.#append(op, last);
    }
    this.#loops.push({ from, to: last + 1 });
  }

  #wireLayer(index: number): void {
    const layer = this.spec.layers[index]!;
    const ops = this.ops[index]!;
    const operands = this.flow.reads[index]!;
    const values = valuesOf(operands);
    const reversing = isReversing(layer);
    const read = ops.map((op) =>
      operands.map((operand) => (isBackward(op) ? this.#findReversed(operand) : this.#find(operand))),
    );
    const step = this.#stepFor(ops[0]!, values);
    const home = this.#homes.get(index) ?? this.regions.add(this.flow.widths[index]!);
    if (!reversing) this.#spots.set(index, home);
    for (const [k, op] of ops.entries()) {
      if (op.op === 'recall' || op.op === 'keep') continue;
      const [x, ...more] = read[k]!;
      this.regions.use(x!, step, op.x);
      if (op.op === 'combine') {
        for (const spot of more) {
          const place = newPlace();
          op.more.push(place);
          this.regions.use(spot, step, place);
        }
      }
      this.regions.use(shift(home, columnOf(op, layer)), step, op.y);
      this.#steps[step]!.push(this.#first[index]! + k);
    }
    if (reversing) this.#homes.set(index, home);
  }

  /** Features that go forward, in one piece. */
  #find(fragments: readonly Fragment[]): Spot {
    const [{ value, column, width }] = fragments as [Fragment];
    if (fragments.length === 1) return shift(this.#spotOf(value, column, width), column);
    const join = this.#joins.get(keyOf(fragments))!;
    this.#fill(join, fragments);
    return join.spot;
  }

  #spotOf(value: number, column: number, width: number): Spot {
    let spot = this.#spots.get(value);
    if (spot !== undefined) return spot;
    if (value < 0) {
      // The input has a place of its own, in which its rows stand without gaps.
      const of = Math.max(1, inputWidth(this.spec));
      spot = { region: undefined, column: 0, ld: of * 4 };
      this.#spots.set(value, spot);
      this.#bringIn(value, { value, column: 0, width: of }, spot, false);
      return spot;
    }
    const wanted = { value, column, width };
    const key = keyOf([wanted]);
    const known = this.#joins.get(key);
    if (known !== undefined) return shift(known.spot, -column);
    spot = this.regions.add(width);
    this.#joins.set(key, { spot, missing: [] });
    this.#bringIn(value, wanted, spot, false);
    return shift(spot, -column);
  }

  /** Copies what was not written straight into a join, or has it brought in: of all values, or of those that are there. */
  #fill(join: Join, fragments: readonly Fragment[], isThere = (_value: number) => true): void {
    const copies: { from: Spot; to: Spot; fragment: Fragment }[] = [];
    let column = 0;
    for (const [index, fragment] of fragments.entries()) {
      const to = shift(join.spot, column);
      column += fragment.width;
      if (!join.missing.includes(index) || !isThere(fragment.value)) continue;
      join.missing = join.missing.filter((other) => other !== index);
      if (!this.#isMadeHere(fragment.value)) this.#bringIn(fragment.value, fragment, to, false);
      else copies.push({ from: this.#find([fragment]), to, fragment });
    }
    if (copies.length === 0) return;
    const ops = copies.map(({ fragment: { value: layer, width: outputs } }): CopyOp => {
      const { name } = this.spec.layers[layer]!;
      return { op: 'copy', name, layer, x: newPlace(), y: newPlace(), outputs };
    });
    const step = this.#stepFor(ops[0]!, []);
    for (const [k, op] of ops.entries()) {
      const { from, to } = copies[k]!;
      this.regions.use(from, step, op.x);
      this.regions.use(to, step, op.y);
      this.#append(op, step);
    }
  }

  /**
   * The step in which an operation runs, one of its own or the last one. Recurrent layers that do not read each other run
   * side by side. In a loop, where everybody meets after each step of each time step, so do linear layers, and operations
   * of which everybody has the same rows run one behind the other.
   */
  #stepFor(op: Op, values: readonly number[]): number {
    const others = this.#steps.at(-1)?.map((number) => this.#opOf(number)) ?? [];
    const isApart = others.every(({ layer }) => !values.includes(layer));
    const isAll = (ops: readonly Op['op'][]) => [op, ...others].every((each) => ops.includes(each.op));
    const isShared =
      (isApart && isAll(['recurrent'])) || (this.#inLoop && ((isApart && isAll(byColumns)) || isAll(byRows)));
    return others.length > 0 && isShared ? this.#steps.length - 1 : this.#steps.push([]) - 1;
  }

  /** Adds an operation that is no layer's own to a step. */
  #append(op: Op, step: number): void {
    this.#steps[step]!.push(this.known.length + this.more.push(op) - 1);
  }

  /** Features with each stream's steps from the last to the first: they come from outside. */
  #findReversed(fragments: readonly Fragment[]): Spot {
    const key = `reversed ${keyOf(fragments)}`;
    let join = this.#joins.get(key);
    if (join === undefined) {
      const spot = this.regions.add(fragments.reduce((sum, { width }) => sum + width, 0));
      join = { spot, missing: [] };
      this.#joins.set(key, join);
      let column = 0;
      for (const fragment of fragments) {
        this.#bringIn(fragment.value, fragment, shift(spot, column), true);
        column += fragment.width;
      }
    }
    return join.spot;
  }

  #bringIn(value: number, { column, width }: Fragment, spot: Spot, reversed: boolean): void {
    const place = newPlace();
    this.regions.use(spot, -1, place);
    const of = value < 0 ? Math.max(1, inputWidth(this.spec)) : this.flow.widths[value]!;
    this.#inputs.push({ value, of, column, width, place, reversed });
  }

  /** What later stages read of a layer, and what the model gives of it. */
  #wireOutputs(index: number): void {
    const { flow, spec } = this;
    const of = flow.widths[index]!;
    const isRead = flow.reads.some(
      (operands, reader) => flow.stages[reader]! > this.stage && valuesOf(operands).includes(index),
    );
    if (isRead) this.#bringOut(index, { value: index, column: 0, width: of }, of, 0);
    let column = 0;
    const outputs = flow.widths[spec.layers.length - 1]!;
    for (const fragment of flow.output) {
      if (fragment.value === index) this.#bringOut(-1, fragment, outputs, column);
      column += fragment.width;
    }
  }

  /** Columns of a layer's output that the host takes: those of each direction by themselves. */
  #bringOut(value: number, fragment: Fragment, of: number, first: number): void {
    const layer = this.spec.layers[fragment.value]!;
    const reversing = isReversing(layer);
    const home = reversing ? this.#homes.get(fragment.value)! : this.#spots.get(fragment.value)!;
    const ways = isRecurrent(layer) ? directionsOf(layer) : (['forward'] as const);
    const width = this.flow.widths[fragment.value]! / ways.length;
    for (const [k, way] of ways.entries()) {
      const from = Math.max(fragment.column, k * width);
      const to = Math.min(fragment.column + fragment.width, (k + 1) * width);
      if (from >= to) continue;
      const place = newPlace();
      this.regions.use(shift(home, from), Number.POSITIVE_INFINITY, place);
      const column = first + from - fragment.column;
      const reversed = way === 'reverse';
      this.#outputs.push({ value, of, column, width: to - from, place, reversed });
    }
  }

  /** What the model gives of its own input. */
  #passInput(): void {
    let column = 0;
    for (const { value, column: from, width } of this.flow.output) {
      if (value < 0) {
        const place = newPlace();
        this.regions.use(shift(this.#spotOf(-1, from, width), from), Number.POSITIVE_INFINITY, place);
        const of = this.flow.widths.at(-1)!;
        this.#outputs.push({ value: -1, of, column, width, place, reversed: false });
      }
      column += width;
    }
  }

  #isMadeHere(value: number): boolean {
    return value >= 0 && this.flow.stages[value] === this.stage;
  }

  #opOf(number: number): Op {
    return this.known[number] ?? this.more[number - this.known.length]!;
  }
}

/** Operations of which a worker has some outputs of all rows, and those of which he has some rows. */
const byColumns: readonly Op['op'][] = ['linear', 'blocks'];
const byRows: readonly Op['op'][] = ['activation', 'function', 'combine', 'scale', 'norm', 'shuffle', 'copy'];

/** Whether an operation goes through time backward. */
function isBackward(op: Op): boolean {
  return op.op === 'recurrent' && op.end !== '';
}

/** The first column of an operation in what its layer gives. */
function columnOf(op: Op, layer: LayerSpec): number {
  if (op.op !== 'recurrent' || !isRecurrent(layer)) return 0;
  const isSecond = isBackward(op) && layer.direction === 'bidirectional';
  return op.first + (isSecond ? outputsOf(layer) : 0);
}

function shift(spot: Spot, columns: number): Spot {
  return { ...spot, column: spot.column + columns };
}

function keyOf(fragments: readonly Fragment[]): string {
  return fragments.map(({ value, column, width }) => `${value}:${column}+${width}`).join(' ');
}

/** Of how many features a kernel writes a multiple. */
function reachOf({ op }: Op): number {
  switch (op) {
    case 'recurrent':
    case 'embedding':
    case 'blocks':
    case 'norm':
    case 'copy':
    case 'shuffle':
    case 'conv':
    case 'delay':
    case 'recall':
      return 1;
    case 'linear':
      return panelRows;
    default:
      return 4;
  }
}
