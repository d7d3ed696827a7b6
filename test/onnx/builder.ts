import {
  bytesField,
  floatField,
  integerField,
  integerFields,
  message,
  messageField,
  textField,
} from './proto.js';

/** TensorProto.DataType */
export const elementTypes = { float32: 1, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

/** A dimension: a number, or the name of one that is known only when the model runs. */
export type Dimension = number | string;

/** an integer, a float, floats, a text, texts or integers */
export type AttributeValue =
  | number
  | { float: number }
  | { floats: readonly number[] }
  | string
  | readonly string[]
  | readonly number[];
export type Attributes = Record<string, AttributeValue>;

const defaultOpset = 17;
const irVersion = 8;

/** Gathers an ONNX graph node by node, and writes it as a ModelProto. Numbers of fields are those of onnx.proto. */
export class GraphBuilder {
  readonly #nodes: Uint8Array[] = [];
  readonly #constants = new Map<string, Uint8Array>();
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];

  /** Declares an input of the graph and returns its name. */
  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.#inputs.push(messageField(11, valueInfo(name, type, shape)));
    return name;
  }

  /** Declares the value of this name an output of the graph. */
  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#outputs.push(messageField(12, valueInfo(name, type, shape)));
  }

  /** A value known beforehand; returns its name. */
  constant(name: string, shape: readonly number[], data: Float32Array | readonly number[]): string {
    const raw = data instanceof Float32Array ? data : BigInt64Array.from(data, BigInt);
    const type = data instanceof Float32Array ? 'float32' : 'int64';
    this.#constants.set(
      name,
      messageField(5, [
        integerFields(1, shape),
        integerField(2, elementTypes[type]),
        textField(8, name),
        bytesField(9, new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength)),
      ]),
    );
    return name;
  }

  /** A value known beforehand whose TensorProto has been made already. */
  tensor(name: string, fields: readonly Uint8Array[]): string {
    this.#constants.set(name, messageField(5, [textField(8, name), ...fields]));
    return name;
  }

  /** Adds a node; an empty name among the inputs or outputs leaves that one out. Returns the first output. */
  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes = {},
  ): string {
    this.#nodes.push(
      messageField(1, [
        ...inputs.map((name) => textField(1, name)),
        ...outputs.map((name) => textField(2, name)),
        textField(3, `${op}:${outputs.find((name) => name !== '')}`),
        textField(4, op),
        ...Object.entries(attributes).map(([name, value]) => messageField(5, attribute(name, value))),
      ]),
    );
    return outputs[0]!;
  }

  /** The whole model. */
  build(name: string, opset = defaultOpset): Uint8Array {
    const graph = [
      ...this.#nodes,
      textField(2, name),
      ...this.#constants.values(),
      ...this.#inputs,
      ...this.#outputs,
    ];
    return message([
      integerField(1, irVersion),
      textField(2, 'the tests of blockrnn'),
      messageField(7, graph),
      messageField(8, [textField(1, ''), integerField(2, opset)]),
    ]);
  }
}

function attribute(name: string, value: AttributeValue): Uint8Array[] {
  const [field, type] = encodeAttribute(value);
  return [textField(1, name), ...field, integerField(20, type)];
}

/** The fields of a value, and its AttributeProto.AttributeType. */
function encodeAttribute(value: AttributeValue): [fields: Uint8Array[], type: number] {
  if (typeof value === 'number') return [[integerField(3, value)], 2];
  if (typeof value === 'string') return [[textField(4, value)], 3];
  if ('float' in value) return [[floatField(2, value.float)], 1];
  if ('floats' in value) return [value.floats.map((item) => floatField(7, item)), 6];
  if (value.every((item) => typeof item === 'number')) return [[integerFields(8, value as number[])], 7];
  return [value.map((text) => textField(9, text as string)), 8];
}

function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Uint8Array[] {
  const dimensions = shape.map((size) =>
    messageField(1, [typeof size === 'number' ? integerField(1, size) : textField(2, size)]),
  );
  const tensor = [integerField(1, elementTypes[type]), messageField(2, dimensions)];
  return [textField(1, name), messageField(2, [messageField(1, tensor)])];
}
