import { integer } from '../base/guards.js';
import type { Given } from './given.js';
import type { ConvSpec, DelaySpec } from './spec.js';

/** So many steps a layer may look back. */
const mostSteps = 64;

/** Kinds whose state is what came in before: h [B, steps·size], the oldest first. */
export const conv = {
  check: (given: Given): Omit<ConvSpec, 'kind' | 'name'> => ({
    size: given.size('size'),
    width: integer(given.fields.width, given.what('width'), 2, mostSteps),
    bias: given.flag('bias', true),
  }),
  reads: ({ size }: ConvSpec) => size,
  gives: ({ size }: ConvSpec) => size,
  tensors: ({ size, width, bias }: ConvSpec): Record<string, number[]> => ({
    weight: [size, width],
    ...(bias === false ? {} : { bias: [size] }),
  }),
  states: ({ size, width }: ConvSpec) => ({ h: (width - 1) * size }),
};

export const delay = {
  check: (given: Given): Omit<DelaySpec, 'kind' | 'name'> => ({
    size: given.size('size'),
    steps: integer(given.fields.steps ?? 1, given.what('steps'), 1, mostSteps),
  }),
  reads: ({ size }: DelaySpec) => size,
  gives: ({ size }: DelaySpec) => size,
  tensors: () => ({}),
  states: ({ size, steps = 1 }: DelaySpec) => ({ h: steps * size }),
};
