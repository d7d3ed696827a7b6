import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { sizeOf } from './arrays.js';
import { type ArrayValue, type Link, nameNode } from './values.js';
import type { Walk } from './walk.js';

/**
 * A state is its layer's from one call to the next only if what comes out of the graph goes in at the same place: every
 * element of an output that is a state must be what the same element of one input begins.
 */
export function checkStates(
  links: readonly Link[],
  walk: Walk,
  outputs: readonly { name: string; value: ArrayValue }[],
): void {
  const parts = links.flatMap((link) => (link.kind === 'recurrent' ? link.parts : []));
  /** element of a final state → element of an input that it begins as, −1 for zero */
  const begins = new Map<number, number>();
  const used = new Set<number>();
  for (const { node, finals, initial, units, directions } of parts) {
    for (const [i, first] of finals.entries()) {
      for (let unit = 0; unit < units * directions.length; unit++) {
        const from = initial[i]?.[unit] ?? -1;
        if (from >= 0 && used.has(from)) {
          throw new UnsupportedError(
            `${nameNode(node)} shares its initial state with another.`,
            'onnx initial state',
          );
        }
        used.add(from);
        begins.set(first + unit, from);
      }
    }
  }
  for (const { name, value } of outputs) {
    const refuse = (problem: string) =>
      new UnsupportedError(`the state ${show(name)} ${problem}.`, 'onnx state');
    const elements = value.data();
    const from = begins.get(elements[0]!);
    const input = walk.inputs.states.find(
      (state) => from !== undefined && from >= state.first && from < state.first + sizeOf(state.value.dims),
    );
    if (input !== undefined) {
      const { dims, batch } = input.value;
      const isSame =
        dims.length === value.dims.length && dims.every((size, axis) => size === value.dims[axis]);
      if (!isSame || batch !== value.batch)
        throw refuse(
          `is ${show(value.dims)}; ${show(input.name)}, which it should replace, is ${show(dims)}`,
        );
    }
    for (const [place, element] of elements.entries()) {
      const start = begins.get(element);
      if (start === undefined) throw refuse('is not that of a layer on the way to the output');
      if (start !== (input === undefined ? -1 : input.first + place))
        throw refuse('has not its values in the places in which an input of the graph has them');
    }
  }
}
