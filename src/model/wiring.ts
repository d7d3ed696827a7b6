import { ArgumentRangeError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { kindOf } from './kinds.js';
import type { ModelSpec } from './spec.js';

/**
 * What each layer reads: numbers of layers before it, −1 for the model's input; of a delay also its own and later ones.
 * @throws RangeError for a name that is no layer's, or of one that has to stand before it
 */
export function sourcesOf({ layers }: ModelSpec): number[][] {
  const numbers = new Map(layers.map(({ name }, index) => [name, index]));
  return layers.map(({ kind, name, inputs }, index) => {
    const sources = inputs?.map((input) => {
      const source = input === 'input' ? -1 : numbers.get(input);
      if (source !== undefined && (source < index || kind === 'delay')) return source;
      const problem =
        source === undefined
          ? `${show(input)} is none`
          : `${show(input)} is not, and only a delay reads such a one`;
      throw new ArgumentRangeError(
        `layer ${index} (${name}): inputs must be layers before it or "input"; ${problem}.`,
      );
    });
    return sources ?? [index - 1];
  });
}

/** Whether a delay reads itself or a layer behind it. */
export function feedsBack(spec: ModelSpec): boolean {
  return sourcesOf(spec).some((sources, index) => sources.some((source) => source >= index));
}

/** Features that the model's input has; 0 when it is ids. */
export function inputWidth({ layers: [first] }: ModelSpec): number {
  return first!.kind === 'embedding' ? 0 : (kindOf(first!).reads(first!) ?? 0);
}

/** Features that each layer gives. */
export function widthsOf(spec: ModelSpec): number[] {
  const input = inputWidth(spec);
  const sources = sourcesOf(spec);
  const widths: number[] = [];
  for (const [index, layer] of spec.layers.entries()) {
    // What a delay reads may still be unknown; its own size says what it gives.
    const found = sources[index]!.map((source) => (source < 0 ? input : (widths[source] ?? 0)));
    // What is combined is no wider than one of its inputs.
    const width = layer.kind === 'combine' ? found[0]! : found.reduce((sum, each) => sum + each, 0);
    widths.push(kindOf(layer).gives(layer, width));
  }
  return widths;
}
