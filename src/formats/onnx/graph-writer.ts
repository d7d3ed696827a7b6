import {
  bytesField,
  bytesOfMessage,
  floatField,
  integerField,
  type Message,
  messageField,
  messageOf,
  textField,
} from './encode.js';
import { producer } from './names.js';

/** TensorProto.DataType */
const types = { float32: 1, int32: 6, int64: 7 } as const;
type ElementType = keyof typeof types;

/** Size of an axis: a number, or the name of one that only the running model knows. */
export type Size = number | string;

export type AttributeValue =
  | { integer: number }
  | { float: number }
  | { text: string }
  | { integers: readonly number[] }
  | { floats: readonly number[] }
  | { texts: readonly string[] };
export type Attributes = Record<string, AttributeValue>;

/** Opsets that are written, and the IR versions of their time: the first with LayerNormalization, and the first with Gelu. */
export const opsets = { 17: 8, 20: 9 } as const;
export type Opset = keyof typeof opsets;

/** Gathers a graph node by node, and writes it as a ModelProto. Numbers of fields are those of onnx.proto. */
export class GraphWriter {
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];
  readonly #names = new Set<string>();
  readonly #nodeNames: Set<string>;
  readonly #lists = new Map<string, string>();

  /** @param layers names for the nodes that give what a layer gives; no other node has one of them */
  constructor(
    layers: readonly string[],
    readonly opset: Opset,
  ) {
    this.#nodeNames = new Set(layers);
  }

  /** Declares an input of the graph. Inputs and outputs come first, so that they have the names that they are given. */
  input(name: string, type: ElementType, shape: readonly Size[]): string {
    this.#inputs.push(messageField(11, valueInfo(name, type, shape)));
    return freshName(this.#names, name);
  }

  /** Declares an output of the graph; a node has to give it. */
  output(name: string, shape: readonly Size[]): string {
    this.#outputs.push(messageField(12, valueInfo(name, 'float32', shape)));
    return freshName(this.#names, name);
  }

  /** A name for a value that is like this one and not yet that of another. */
  value(name: string): string {
    return freshName(this.#names, name);
  }

  /** Weights; returns their name. */
  constant(name: string, shape: readonly number[], data: Float32Array): string {
    return this.#constant(name, 'float32', shape, data);
  }

  /** A list of integers: axes, or a shape. */
  integers(values: readonly number[]): string {
    const key = values.join('_');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const name = this.#constant(
      `integers.${key}`,
      'int64',
      [values.length],
      BigInt64Array.from(values, BigInt),
    );
    this.#lists.set(key, name);
    return name;
  }

  /**
   * Adds a node. An empty name among the inputs leaves that one out.
   * @param layer whose node it is
   * @param part what it is there; '' is that which has the layer's name
   * @returns the first output
   */
  node(
    op: string,
    layer: string,
    part: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes = {},
  ): string {
    this.#nodes.push(
      messageField(1, [
        ...inputs.map((input) => textField(1, input)),
        ...outputs.map((output) => textField(2, output)),
        textField(3, part === '' ? layer : freshName(this.#nodeNames, `${layer}/${part}`)),
        textField(4, op),
        ...Object.entries(attributes).map(([key, value]) => messageField(5, attribute(key, value))),
      ]),
    );
    return outputs[0]!;
  }

  /** The whole file; `metadata` are strings by name that it shall have. */
  build(metadata: Readonly<Record<string, string>>): Uint8Array {
    const graph = [
      ...this.#nodes,
      textField(2, producer),
      ...this.#constants,
      ...this.#inputs,
      ...this.#outputs,
    ];
    return bytesOfMessage(
      messageOf([
        integerField(1, opsets[this.opset]),
        textField(2, producer),
        messageField(7, graph),
        messageField(8, [textField(1, ''), integerField(2, this.opset)]),
        ...Object.entries(metadata).map(([key, value]) =>
          messageField(14, [textField(1, key), textField(2, value)]),
        ),
      ]),
    );
  }

  #constant(
    name: string,
    type: ElementType,
    shape: readonly number[],
    { buffer, byteOffset, byteLength }: ArrayBufferView,
  ): string {
    const fresh = freshName(this.#names, name);
    this.#constants.push(
      messageField(5, [
        ...shape.map((size) => integerField(1, size)),
        integerField(2, types[type]),
        textField(8, fresh),
        bytesField(9, new Uint8Array(buffer, byteOffset, byteLength)),
      ]),
    );
    return fresh;
  }
}

function freshName(taken: Set<string>, name: string): string {
  let fresh = name;
  for (let i = 1; taken.has(fresh); i++) fresh = `${name}'${i}`;
  taken.add(fresh);
  return fresh;
}

function attribute(name: string, value: AttributeValue): Message[] {
  const [fields, type] = encodeAttribute(value);
  return [textField(1, name), ...fields, integerField(20, type)];
}

/** The fields of a value, and its AttributeProto.AttributeType. */
function encodeAttribute(value: AttributeValue): [fields: Message[], type: number] {
  if ('float' in value) return [[floatField(2, value.float)], 1];
  if ('integer' in value) return [[integerField(3, value.integer)], 2];
  if ('text' in value) return [[textField(4, value.text)], 3];
  if ('floats' in value) return [value.floats.map((float) => floatField(7, float)), 6];
  if ('integers' in value) return [value.integers.map((integer) => integerField(8, integer)), 7];
  return [value.texts.map((text) => textField(9, text)), 8];
}

function valueInfo(name: string, type: ElementType, shape: readonly Size[]): Message[] {
  const sizes = shape.map((size) =>
    messageField(1, [typeof size === 'number' ? integerField(1, size) : textField(2, size)]),
  );
  const tensor = [integerField(1, types[type]), messageField(2, sizes)];
  return [textField(1, name), messageField(2, [messageField(1, tensor)])];
}
