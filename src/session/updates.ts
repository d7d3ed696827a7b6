import { ArgumentRangeError, ArgumentTypeError, UnsupportedError } from '../base/errors.js';
import { object, show } from '../base/guards.js';
import type { Arena } from '../memory/arena.js';
import type { Frame, MaskPlan, Program } from '../pack/program.js';

/** Which blocks of some layers update in which steps, by the layers' names: [T, N] each, 0 where a block is skipped. */
type Updates = Record<string, Uint8Array>;

/** What is skipped in a run. */
export interface Skips {
  /** of every step, a row of the frame's masks, where steps do not say otherwise; undefined: nothing */
  row: Uint8Array | undefined;
  /** of each step, [T, count] */
  given: { column: number; count: number; values: Uint8Array }[];
}

/** Bytes in a row of the masks. */
export function maskWidth({ run }: Program): number {
  return run.masks.width;
}

/**
 * The columns of a layer in the masks.
 * @throws TypeError, RangeError for what is no recurrent layer's name; UnsupportedError for a layer that goes
 * backward or whose blocks meet
 */
export function findMask({ masks }: Program, name: unknown): MaskPlan {
  if (typeof name !== 'string')
    throw new ArgumentTypeError(`a layer whose blocks update is told by its name, got ${show(name)}.`);
  const plan = masks.find((each) => each.name === name);
  if (plan === undefined)
    throw new ArgumentRangeError(
      `only blocks of recurrent layers update, and ${show(name)} is none of them.`,
    );
  if (plan.column < 0)
    throw new UnsupportedError(
      `layer ${name} goes backward through time, or its blocks meet in every step; skipping them is not supported.`,
      'updates',
    );
  return plan;
}

/**
 * Checks what a caller gives of a run of so many steps.
 * @throws as findMask does, and for arrays of another kind or size
 */
export function checkUpdates(program: Program, updates: Updates, steps: number): Skips['given'] {
  object(updates, 'updates');
  return Object.entries(updates).map(([name, values]) => {
    const { column, count } = findMask(program, name);
    if (!(values instanceof Uint8Array))
      throw new ArgumentTypeError(`updates of layer ${name} must be a Uint8Array, got ${show(values)}.`);
    if (values.length !== steps * count)
      throw new ArgumentRangeError(
        `updates of layer ${name} [${steps}, ${count}] need ${steps * count} values, got ${values.length}.`,
      );
    return { column, count, values };
  });
}

/** Writes the masks of steps [t0, t0 + steps) of a run into a frame. */
export function writeUpdates(
  { u8 }: Arena,
  { masks }: Frame,
  { row, given }: Skips,
  t0: number,
  steps: number,
): void {
  const { at, width } = masks;
  for (let t = 0; t < steps; t++) {
    const to = at + t * width;
    if (row === undefined) u8.fill(1, to, to + width);
    else u8.set(row, to);
    for (const { column, count, values } of given)
      u8.set(values.subarray((t0 + t) * count, (t0 + t + 1) * count), to + column);
  }
}
