import { isRecurrent, type LayerSpec, type ModelSpec } from '../model/spec.js';
import { inputWidth, sourcesOf, widthsOf } from '../model/wiring.js';

/** Features [column, column + width) of what a layer gives, by its number; −1 is the model's input. */
export interface Fragment {
  value: number;
  column: number;
  width: number;
}

/**
 * What flows where in a model, before anything has an address. Slices and joins are no work: what a layer reads is a
 * list of fragments of what others make, side by side.
 */
export interface Flow {
  /** features that each layer gives */
  widths: number[];
  /** per layer its operands: a combination has several, each other layer one */
  reads: Fragment[][][];
  /** what the model gives */
  output: Fragment[];
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

/** Whether a layer goes through time backward, alone or too. */
export function isReversing(layer: LayerSpec): boolean {
  return isRecurrent(layer) && (layer.direction ?? 'forward') !== 'forward';
}

/** @param spec as checkSpec returns it */
export function flowOf(spec: ModelSpec): Flow {
  const { layers } = spec;
  const widths = widthsOf(spec);
  const sources = sourcesOf(spec);
  const input = [{ value: -1, column: 0, width: inputWidth(spec) }];
  const given: Fragment[][] = [];
  const reads: Fragment[][][] = [];
  const stages: number[] = [];
  /** the stage from which on what a layer gives can be read forward */
  const readable = (value: number) =>
    value < 0 ? 0 : stages[value]! + (isReversing(layers[value]!) ? 1 : 0);
  for (const [index, layer] of layers.entries()) {
    const each = sources[index]!.map((source) => (source < 0 ? input : given[source]!));
    const operands = layer.kind === 'combine' ? each : [mergeFragments(each.flat())];
    const whole = [{ value: index, column: 0, width: widths[index]! }];
    if (isView(layer)) {
      given.push(layer.kind === 'slice' ? cutFragments(operands[0]!, layer.from, layer.to) : operands[0]!);
      reads.push([]);
      stages.push(-1);
      continue;
    }
    given.push(whole);
    reads.push(operands);
    const values = operands.flat().map(({ value }) => value);
    const afterWhole = isReversing(layer) ? 1 : 0;
    stages.push(
      Math.max(
        ...values.map((value) => (value < 0 ? 0 : Math.max(readable(value), stages[value]! + afterWhole))),
      ),
    );
  }
  return { widths, reads, output: given.at(-1)!, stages };
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
