import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { ActivationSpec, CombineSpec } from '../../model/spec.js';
import type { Axis, Extent } from './axes.js';
import type { Node } from './proto.js';
import { isInteger, readNumbers, readValues, type TensorInfo } from './tensor.js';

/** What is known of a value of the graph while it is walked through, without running it. */
export type Value = ArrayValue | Sizes | Fill | Flow | Reduced | Lengths | Failed;

/** Numbers that are at hand: of a constant, or, of a state, whose element is where. */
export interface ArrayValue {
  kind: 'constant' | 'state';
  /** with 1 in the place of a state's streams */
  dims: number[];
  /** place of a state's axis of streams; undefined where there is but one stream */
  batch?: number | undefined;
  /** how many streams, where the model says so */
  streams?: number | undefined;
  isInteger: boolean;
  data(): Float32Array | Int32Array;
  /** a constant's few integers, exactly; undefined for what has been moved about */
  numbers?: (() => number[]) | undefined;
  /** the same as an output of the layer, where the graph is of one step */
  flow?: Flow | undefined;
}

/** A list of sizes, or one, that may hang on how many steps and streams there are. */
export interface Sizes {
  kind: 'sizes';
  isScalar: boolean;
  items: readonly Extent[];
}

/** One number everywhere, in a tensor of any shape. */
export interface Fill {
  kind: 'fill';
  value: number;
}

/** What goes from layer to layer: the input, or the output of layers, all of it in the order of `axes`. */
export interface Flow {
  kind: 'flow';
  axes: readonly Axis[];
  /** the layer that gives it, which has others before it; undefined is the graph's input */
  chain: Link | undefined;
  /** features here; undefined for an input that does not say */
  width: number | undefined;
  /** first of the features here among those of the chain */
  from: number;
  /** what took a part of the features */
  cutBy?: Node;
  isIds: boolean;
}

/** A mean over features of each step and stream, on the way to a norm. */
export interface Reduced {
  kind: 'reduced';
  /** of what flow, before it was reduced */
  axes: readonly Axis[];
  of: Link | undefined;
  /** over how many features that lie side by side */
  size: number;
  form: 'mean' | 'variance' | 'square';
  epsilon: number;
  /** whether its root has been taken, and whether one has been divided by it */
  isRoot: boolean;
  isInverse: boolean;
}

/** The input of the graph that says how long each stream is. */
export interface Lengths {
  kind: 'lengths';
}

/** Why a value is not known. Thrown only where it is needed: what does not reach an output may be anything. */
export interface Failed {
  kind: 'failed';
  error: Error;
}

/** What a layer is, beside what it reads. */
export type LinkKind =
  | {
      kind: 'recurrent';
      parts: readonly Part[];
      time: number | undefined;
      batch: number | undefined;
      hasLengths: boolean;
      /** the layers of the parts, each by itself */
      apart: readonly Link[];
    }
  | { kind: 'linear'; inputSize: number; weight: Float32Array; bias?: Float32Array }
  | { kind: 'embedding'; count: number; weight: Float32Array }
  | { kind: 'activation'; activation: ActivationSpec['activation']; alpha?: number; beta?: number }
  | { kind: 'combine'; combine: CombineSpec['combine'] }
  | { kind: 'scale'; weight: Float32Array; bias?: Float32Array }
  | {
      kind: 'norm';
      norm: 'layer' | 'rms';
      groups: number;
      epsilon: number;
      weight?: Float32Array;
      bias?: Float32Array;
    }
  | { kind: 'slice'; inputSize: number; from: number; to: number }
  /** less the mean of so many features: half a norm */
  | { kind: 'centered'; size: number }
  /** no layer: several side by side */
  | { kind: 'concat' };

/** A layer, and what it reads. */
export type Link = LinkKind & {
  /** in the order in which they were found, so that what is read has a lower one */
  id: number;
  /** features that it gives */
  width: number;
  /** that which makes it what it is */
  node: Node;
  /** layers whose features it reads side by side, none of them a concat; undefined is the graph's input */
  sources: readonly Source[];
};
export type Source = Link | undefined;

/** One recurrent node: a layer, or one of its blocks. Matrices in our order of gates. */
export interface Part {
  kind: 'lstm' | 'gru' | 'elman';
  node: Node;
  /** what it reads a part of, and where that begins */
  base: Source;
  from: number;
  /** I */
  inputSize: number;
  /** D */
  units: number;
  /** what the layer's spec says beside sizes, in a fixed order */
  fields: Readonly<Record<string, unknown>>;
  directions: readonly ('forward' | 'reverse')[];
  /** of each direction, by the ends of our tensors' names: weight_ih [G·D, I] and so on */
  weights: readonly Readonly<Record<string, Float32Array>>[];
  /** the numbers of its final h, and c: first … first + directions · D − 1 */
  finals: readonly number[];
  /** for h, and c: the elements of the graph's inputs that it begins with; undefined is zeros */
  initial: readonly (Int32Array | undefined)[];
}

/** Names a node in a message: "/lstm/LSTM (LSTM)". */
export function nameNode({ name, op, outputs }: Node): string {
  return `node ${show(name === '' ? (outputs[0] ?? '') : name)} (${op})`;
}

export function unsupported(node: Node, problem: string, feature: string): UnsupportedError {
  return new UnsupportedError(`${nameNode(node)}: ${problem}.`, `onnx ${node.op} ${feature}`);
}

export function constantOf(tensor: TensorInfo): ArrayValue {
  return {
    kind: 'constant',
    dims: tensor.dims,
    isInteger: isInteger(tensor),
    data: once(() => readValues(tensor)),
    numbers: () => readNumbers(tensor),
  };
}

/** Makes a value when it is asked for, and keeps it. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
