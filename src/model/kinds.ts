import { integer } from '../base/guards.js';
import type { StateName } from './cells.js';
import { checkTaken, type FunctionName, functions } from './functions.js';
import type { Given } from './given.js';
import { conv, delay } from './past.js';
import { elman, gru, lngru, lnlstm, lstm, qrnn, slstm, sru } from './recurrent.js';
import type { LayerSpec } from './spec.js';

/** What the whole package knows of a kind of layer: its fields, its sizes and its tensors. */
export interface Kind<S> {
  /** The fields of its own, every default written out. @throws TypeError, RangeError */
  check(given: Given): Omit<S, 'kind' | 'name' | 'inputs'>;
  /** Features that it reads; undefined where any number will do. */
  reads(layer: S): number | undefined;
  /** Features that it gives, when it reads `width` of them. */
  gives(layer: S, width: number): number;
  /** Its tensors by the end of their names, with their shapes. */
  tensors(layer: S): Record<string, number[]>;
  /** What it keeps of each stream from step to step, by name, with its width; a layer that goes both ways has it twice. */
  states?(layer: S): Partial<Record<StateName, number>>;
}

type Kinds = { [K in LayerSpec['kind']]: Kind<Extract<LayerSpec, { kind: K }>> };

const outside = ['softmax', 'logSoftmax'] as const;
const elementwise = Object.keys(functions) as FunctionName[];

/** Of the operations that combine, their numbers in assembly/math/combine.ts. */
export const combineCodes = { add: 0, subtract: 1, multiply: 2, divide: 3 } as const;
const combinations = Object.keys(combineCodes) as (keyof typeof combineCodes)[];

/** A new kind of layer is a record here, its plan in pack/ and its kernel. */
export const kinds: Kinds = {
  embedding: {
    check: (given) => ({ count: given.size('count'), size: given.size('size') }),
    reads: () => undefined,
    gives: ({ size }) => size,
    tensors: ({ count, size }) => ({ weight: [count, size] }),
  },
  lstm,
  gru,
  elman,
  slstm,
  lnlstm,
  lngru,
  sru,
  qrnn,
  linear: {
    check(given) {
      const sizes = { inputSize: given.size('inputSize'), outputSize: given.size('outputSize') };
      const blocks = given.divisor('blocks', sizes);
      return { ...sizes, ...(blocks === 1 ? {} : { blocks }), bias: given.flag('bias', true) };
    },
    reads: ({ inputSize }) => inputSize,
    gives: ({ outputSize }) => outputSize,
    tensors: ({ inputSize, outputSize, blocks = 1, bias }) => ({
      weight: [outputSize, inputSize / blocks],
      ...(bias === false ? {} : { bias: [outputSize] }),
    }),
  },
  activation: {
    check(given) {
      const activation = given.oneOf('activation', [...elementwise, ...outside]);
      return { activation, ...checkTaken(activation, given.fields, given.where) };
    },
    reads: () => undefined,
    gives: (_, width) => width,
    tensors: () => ({}),
  },
  combine: {
    check: (given) => ({ combine: given.oneOf('combine', combinations) }),
    reads: () => undefined,
    gives: (_, width) => width,
    tensors: () => ({}),
  },
  scale: {
    check: (given) => ({ size: given.size('size') }),
    reads: ({ size }) => size,
    gives: ({ size }) => size,
    tensors: ({ size }) => ({ weight: [size], bias: [size] }),
  },
  norm: {
    check(given) {
      const size = given.size('size');
      const groups = given.divisor('groups', { size });
      const epsilon = given.has('epsilon') ? given.number('epsilon', Number.MIN_VALUE) : 1e-5;
      return { size, norm: given.oneOf('norm', ['layer', 'rms'], 'layer'), groups, epsilon };
    },
    reads: ({ size }) => size,
    gives: ({ size }) => size,
    tensors: ({ size, norm }) => ({ weight: [size], ...(norm === 'rms' ? {} : { bias: [size] }) }),
  },
  slice: {
    check(given) {
      const inputSize = given.size('inputSize');
      const from = integer(given.fields.from, given.what('from'), 0, inputSize - 1);
      return { inputSize, from, to: integer(given.fields.to, given.what('to'), from + 1, inputSize) };
    },
    reads: ({ inputSize }) => inputSize,
    gives: ({ from, to }) => to - from,
    tensors: () => ({}),
  },
  conv,
  delay,
};

/** The record of a layer's kind. */
export function kindOf<S extends LayerSpec>(layer: S): Kind<S> {
  return kinds[layer.kind] as unknown as Kind<S>;
}
