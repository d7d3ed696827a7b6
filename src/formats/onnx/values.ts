import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { Axis, Extent } from './axes.js';
import type { Node } from './proto.js';
import { isInteger, readNumbers, readValues, type TensorInfo } from './tensor.js';

/** What is known of a value of the graph while it is walked through, without running it. */
export type Value = ArrayValue | Sizes | Fill | Flow | Failed;

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

/** What goes from layer to layer: the input, or the output of a chain of layers, all of it in the order of `axes`. */
export interface Flow {
  kind: 'flow';
  axes: readonly Axis[];
  /** the layers so far, the last one first; undefined is the graph's input */
  chain: Link | undefined;
  /** features here; undefined for an input that does not say */
  width: number | undefined;
  /** first of the features here among those of the chain */
  from: number;
  isIds: boolean;
}

/** Why a value is not known. Thrown only where it is needed: what does not reach an output may be anything. */
export interface Failed {
  kind: 'failed';
  error: Error;
}

/** A layer, and what it reads. */
export type Link = {
  parent: Link | undefined;
  /** features that it gives */
  width: number;
  /** that which makes it what it is */
  node: Node;
} & (
  | { kind: 'recurrent'; parts: Part[]; time: number | undefined; batch: number | undefined }
  | { kind: 'linear'; inputSize: number; weight: Float32Array; bias?: Float32Array }
  | { kind: 'embedding'; count: number; weight: Float32Array }
  | { kind: 'activation'; activation: 'tanh' | 'sigmoid' | 'relu' | 'softmax' | 'logSoftmax' }
);

/** One recurrent node: a layer, or one of its blocks. Matrices in our order of gates. */
export interface Part {
  kind: 'lstm' | 'gru' | 'elman';
  node: Node;
  /** I, and where it begins among the features that the layer reads */
  inputSize: number;
  from: number;
  /** features that the layer reads */
  inputWidth: number;
  /** D */
  units: number;
  resetAfter: boolean;
  activation: 'tanh' | 'relu';
  /** [G·D, I], [G·D, D], [G·D], [G·D] */
  weightIh: Float32Array;
  weightHh: Float32Array;
  biasIh: Float32Array;
  biasHh: Float32Array;
  /** the numbers of its final h, and c: first … first + D − 1 */
  finals: number[];
  /** for h, and c: the elements of the graph's inputs that it begins with; undefined is zeros */
  initial: (Int32Array | undefined)[];
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
