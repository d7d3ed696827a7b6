import { UnsupportedError } from '../base/errors.js';
import { foldedShuffles } from '../model/shuffle.js';
import { isReversing, type LayerSpec, type ModelSpec } from '../model/spec.js';
import { inputWidth, sourcesOf, widthsOf } from '../model/wiring.js';
import type { Shuffle } from './program.js';

/** Features [column, column + width) of what a layer gives, by its number; −1 is the model's input. */
export interface Fragment {
  value: number;
  column: number;
  width: number;
}

/** Layers that run one after the other, in their order in the spec. */
export interface Group {
  layers: number[];
  /** whether what they give comes back to them through a delay, so that they run step by step; else it is one layer */
  loops: boolean;
}

/**
 * What flows where in a model, before anything has an address. Slices and joins are no work: what a layer reads is a
 * list of fragments of what others make, side by side.
 */
export interface Flow {
  /** features that each layer gives */
  widths: number[];
  /** per layer its operands: a combination has several, each other layer one; none for a layer that does nothing */
  reads: Fragment[][][];
  /** per layer the shuffles that its weights take in: it reads what they read */
  shuffles: Shuffle[][];
  /** what the model gives */
  output: Fragment[];
  /** those that do something, in an order in which everybody finds what he reads, but for what comes back */
  groups: Group[];
  /**
   * Per layer the stage in which it runs. Within a stage everything goes forward through time, chunk by chunk; what goes
   * backward, and what reads that, has to wait until whole sequences are there. Layers that do nothing have none: −1.
   */
  stages: number[];
}

/** Whether a layer does nothing: what it gives is some of what it reads. */
function isView(layer: LayerSpec): boolean {
  return layer.kind === 'slice' || (layer.kind === 'activation' && layer.activation === 'identity');
}

/**
 * @param spec as checkSpec returns it
 * @param folded the shuffles that the weights of those who read them take in
 * @throws UnsupportedError where a layer that goes backward would have to wait for what comes back from it
 */
export function flowOf(spec: ModelSpec, folded: ReadonlySet<number> = foldedShuffles(spec)): Flow {
  const { layers } = spec;
  const widths = widthsOf(spec);
  const isIdle = (index: number) => isView(layers[index]!) || folded.has(index);
  const { reads, output, shuffles } = readsOf(spec, widths, folded, isIdle);
  const groups = groupsOf(spec, reads, isIdle);
  const stages = layers.map(() => -1);
  /** the stage from which on what a layer gives can be read forward */
  const readable = (value: number) => stages[value]! + (isReversing(layers[value]!) ? 1 : 0);
  for (const { layers: members, loops } of groups) {
    const turned = members.find((index) => isReversing(layers[index]!));
    if (loops && turned !== undefined)
      throw new UnsupportedError(
        `layer ${layers[turned]!.name} goes backward through time, and what it gives comes back to it through a delay; that is not supported.`,
        'layer direction in a loop',
      );
    const before = members.flatMap((index) =>
      valuesOf(reads[index]!)
        .filter((value) => value >= 0 && !members.includes(value))
        .map((value) => Math.max(readable(value), stages[value]! + (turned === undefined ? 0 : 1))),
    );
    for (const index of members) stages[index] = Math.max(0, ...before);
  }
  return { widths, reads, shuffles, output, groups, stages };
}

/** What each layer reads, through those that do nothing, and what the model gives. */
function readsOf(
  spec: ModelSpec,
  widths: readonly number[],
  folded: ReadonlySet<number>,
  isIdle: (index: number) => boolean,
): Pick<Flow, 'reads' | 'output' | 'shuffles'> {
  const { layers } = spec;
  const sources = sourcesOf(spec);
  const input = [{ value: -1, column: 0, width: inputWidth(spec) }];
  const given: Fragment[][] = [];
  const givenOf = (source: number) => (source < 0 ? input : given[source]!);
  for (const [index, layer] of layers.entries()) {
    if (!isIdle(index)) {
      given.push([{ value: index, column: 0, width: widths[index]! }]);
      continue;
    }
    const read = mergeFragments(sources[index]!.flatMap(givenOf));
    given.push(layer.kind === 'slice' ? cutFragments(read, layer.from, layer.to) : read);
  }
  const reads = layers.map((layer, index) => {
    if (isIdle(index)) return [];
    const each = sources[index]!.map(givenOf);
    return layer.kind === 'combine' ? each : [mergeFragments(each.flat())];
  });
  const shuffles = layers.map((_, index) => {
    let column = 0;
    return sources[index]!.flatMap((source) => {
      const size = source < 0 ? inputWidth(spec) : widths[source]!;
      column += size;
      return folded.has(source) ? [{ name: layers[source]!.name, column: column - size, size }] : [];
    });
  });
  return { reads, shuffles, output: given.at(-1)! };
}

/**
 * Layers that wait for each other run together: strongly connected components, each behind all that it reads (Tarjan
 * 1972). Where nothing feeds back, this is the spec's own order.
 */
function groupsOf({ layers }: ModelSpec, reads: Flow['reads'], isIdle: (index: number) => boolean): Group[] {
  const groups: Group[] = [];
  /** per layer its number in the search, and the lowest that can be reached from it; infinite once it has a group */
  const numbers = new Map<number, number>();
  const lowest = new Map<number, number>();
  const open: number[] = [];
  const visit = (index: number): number => {
    const number = numbers.size;
    numbers.set(index, number);
    lowest.set(index, number);
    open.push(index);
    const values = valuesOf(reads[index]!).filter((value) => value >= 0);
    for (const value of values)
      lowest.set(index, Math.min(lowest.get(index)!, numbers.has(value) ? lowest.get(value)! : visit(value)));
    if (lowest.get(index)! < number) return lowest.get(index)!;
    const members = open.splice(open.indexOf(index)).sort((a, b) => a - b);
    for (const member of members) lowest.set(member, Number.POSITIVE_INFINITY);
    groups.push({ layers: members, loops: members.length > 1 || values.includes(index) });
    return Number.POSITIVE_INFINITY;
  };
  for (const index of layers.keys()) if (!isIdle(index) && !numbers.has(index)) visit(index);
  return groups;
}

/** Numbers of the layers of which operands are, −1 for the model's input. */
export function valuesOf(operands: readonly Fragment[][]): number[] {
  return operands.flat().map(({ value }) => value);
}

/** The same features in as few fragments as there can be. */
function mergeFragments(fragments: readonly Fragment[]): Fragment[] {
  const merged: Fragment[] = [];
  for (const fragment of fragments) {
    const last = merged.at(-1);
    if (last !== undefined && last.value === fragment.value && last.column + last.width === fragment.column)
      merged[merged.length - 1] = { ...last, width: last.width + fragment.width };
    else merged.push(fragment);
  }
  return merged;
}

/** Features [from, to) of fragments that stand side by side. */
export function cutFragments(fragments: readonly Fragment[], from: number, to: number): Fragment[] {
  const cut: Fragment[] = [];
  let first = 0;
  for (const { value, column, width } of fragments) {
    const begin = Math.max(0, from - first);
    const end = Math.min(width, to - first);
    if (begin < end) cut.push({ value, column: column + begin, width: end - begin });
    first += width;
  }
  return cut;
}
