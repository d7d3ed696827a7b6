import { ArgumentRangeError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { kindOf } from './kinds.js';
import type { ModelSpec } from './spec.js';

/**
 * What each layer reads: numbers of layers before it, −1 for the model's input.
 * @throws RangeError for a name that is no layer's before it
 */
export function sourcesOf({ layers }: ModelSpec): number[][] {
  const numbers = new Map([['input', -1]]);
  return layers.map(({ name, inputs }, index) => {
    const sources = inputs?.map((input) => {
      const source = numbers.get(input);
      if (source === undefined)
        throw new ArgumentRangeError(
          `layer ${index} (${name}): inputs must be layers before it or "input"; ${show(input)} is none.`,
        );
      return source;
    });
    numbers.set(name, index);
    return sources ?? [index - 1];
  });
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
    const found = sources[index]!.map((source) => (source < 0 ? input : widths[source]!));
    // What is combined is no wider than one of its inputs.
    const width = layer.kind === 'combine' ? found[0]! : found.reduce((sum, each) => sum + each, 0);
    widths.push(kindOf(layer).gives(layer, width));
  }
  return widths;
}
