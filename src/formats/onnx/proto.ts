import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { vocabKey } from './names.js';
import { readTensorInfo, type TensorInfo } from './tensor.js';
import {
  broken,
  type Field,
  fieldsOf,
  floatOf,
  floatsOf,
  integersOf,
  type Span,
  spanOf,
  textOf,
} from './wire.js';

/**
 * The messages of an ONNX file that a model of layers needs; numbers of fields are those of onnx.proto. Each is read
 * by a function of its own that calls those of the messages within, none of which calls it again: nesting is bounded.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

export interface Attribute {
  name: string;
  integer: number | undefined;
  float: number | undefined;
  text: string | undefined;
  tensor: TensorInfo | undefined;
  integers: number[];
  floats: number[];
  texts: string[];
}

export interface Node {
  name: string;
  op: string;
  /** '' is ONNX's own */
  domain: string;
  /** names of values; '' where one is left out */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Attribute>;
  /** byte where it begins */
  at: number;
}

/** A declared input or output; a size is undefined where only the running model knows it. */
export interface ValueInfo {
  name: string;
  type: number;
  shape: (number | undefined)[] | undefined;
}

export interface Graph {
  opset: number;
  /** the program that wrote the file */
  producer: string;
  /** of the file's metadata, the vocabulary that encodeOnnx writes */
  vocab: string | undefined;
  nodes: Node[];
  constants: Map<string, TensorInfo>;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
}

/** More of anything than a recurrent model has, and few enough to be gone through in no time. */
const maxNodes = 50_000;
const maxNames = 8192;
const maxAttributes = 64;
const maxIntegers = 4096;

/** @throws FormatError for what is no ModelProto; UnsupportedError for opsets outside 7..21 */
export function readGraph(bytes: Uint8Array): Graph {
  let graph: Field | undefined;
  let opset: number | undefined;
  let producer = '';
  let vocab: string | undefined;
  for (const field of fieldsOf({ bytes, begin: 0, end: bytes.length })) {
    if (field.number === 2) producer = textOf(bytes, field);
    if (field.number === 7) graph = field;
    if (field.number === 14) vocab = readVocab(spanOf(bytes, field)) ?? vocab;
    if (field.number !== 8) continue;
    let domain = '';
    let version = 0;
    for (const part of fieldsOf(spanOf(bytes, field))) {
      if (part.number === 1) domain = textOf(bytes, part);
      if (part.number === 2) version = part.value;
    }
    if (domain === '' || domain === 'ai.onnx') opset = version;
  }
  if (graph === undefined) throw broken('it has no graph', bytes.length);
  if (opset === undefined) throw broken('it does not say which opset it is of', bytes.length);
  if (!(opset >= 7 && opset <= 21)) {
    throw new UnsupportedError(
      `the ONNX file is of opset ${opset}; 7 to 21 are read. Export it with another.`,
      'onnx opset',
    );
  }
  const parts = { nodes: [], constants: new Map(), inputs: [], outputs: [] };
  return readGraphProto(spanOf(bytes, graph), { opset, producer, vocab, ...parts });
}

/** The value of an entry of the metadata, where it is the vocabulary. */
function readVocab(span: Span): string | undefined {
  let key: Field | undefined;
  let value: Field | undefined;
  for (const field of fieldsOf(span)) {
    if (field.number === 1) key = field;
    if (field.number === 2) value = field;
  }
  // Others' metadata may be of any length.
  if (key === undefined || key.end - key.begin !== vocabKey.length || value === undefined) return undefined;
  return textOf(span.bytes, key) === vocabKey ? textOf(span.bytes, value) : undefined;
}

function readGraphProto(span: Span, graph: Graph): Graph {
  const { bytes } = span;
  for (const field of fieldsOf(span)) {
    if (field.number === 1) {
      limit(graph.nodes.length, maxNodes, 'nodes');
      graph.nodes.push(readNode(spanOf(bytes, field)));
    } else if (field.number === 5) {
      limit(graph.constants.size, maxNodes, 'initialisers');
      const tensor = readTensorInfo(spanOf(bytes, field));
      graph.constants.set(tensor.name, tensor);
    } else if (field.number === 11 || field.number === 12) {
      const list = field.number === 11 ? graph.inputs : graph.outputs;
      limit(list.length, maxNames, 'inputs or outputs');
      list.push(readValueInfo(spanOf(bytes, field)));
    } else if (field.number === 15) {
      throw new UnsupportedError('the ONNX file has a sparse initialiser.', 'onnx sparse initialiser');
    }
  }
  return graph;
}

function readNode(span: Span): Node {
  const { bytes, begin } = span;
  const node: Node = {
    name: '',
    op: '',
    domain: '',
    inputs: [],
    outputs: [],
    attributes: new Map(),
    at: begin,
  };
  for (const field of fieldsOf(span)) {
    switch (field.number) {
      case 1:
      case 2: {
        const list = field.number === 1 ? node.inputs : node.outputs;
        limit(list.length, maxNames, 'inputs or outputs of a node');
        list.push(textOf(bytes, field));
        break;
      }
      case 3:
        node.name = textOf(bytes, field);
        break;
      case 4:
        node.op = textOf(bytes, field);
        break;
      case 5: {
        limit(node.attributes.size, maxAttributes, 'attributes of a node');
        const attribute = readAttribute(spanOf(bytes, field));
        node.attributes.set(attribute.name, attribute);
        break;
      }
      case 7:
        node.domain = textOf(bytes, field);
        if (node.domain === 'ai.onnx') node.domain = '';
    }
  }
  return node;
}

function readAttribute(span: Span): Attribute {
  const { bytes } = span;
  const attribute: Attribute = {
    name: '',
    integer: undefined,
    float: undefined,
    text: undefined,
    tensor: undefined,
    integers: [],
    floats: [],
    texts: [],
  };
  for (const field of fieldsOf(span)) {
    switch (field.number) {
      case 1:
        attribute.name = textOf(bytes, field);
        break;
      case 2:
        attribute.float = floatOf(bytes, field);
        break;
      case 3:
        attribute.integer = field.value;
        break;
      case 4:
        attribute.text = textOf(bytes, field);
        break;
      case 5:
        attribute.tensor = readTensorInfo(spanOf(bytes, field));
        break;
      case 7:
        for (const value of floatsOf(bytes, field)) {
          limit(attribute.floats.length, maxIntegers, 'floats in an attribute');
          attribute.floats.push(value);
        }
        break;
      case 8:
        for (const value of integersOf(bytes, field)) {
          limit(attribute.integers.length, maxIntegers, 'integers in an attribute');
          attribute.integers.push(value);
        }
        break;
      case 9:
        limit(attribute.texts.length, maxNames, 'strings in an attribute');
        attribute.texts.push(textOf(bytes, field));
        break;
    }
  }
  return attribute;
}

function readValueInfo(span: Span): ValueInfo {
  const { bytes } = span;
  const info: ValueInfo = { name: '', type: 0, shape: undefined };
  for (const field of fieldsOf(span)) {
    if (field.number === 1) info.name = textOf(bytes, field);
    if (field.number !== 2) continue;
    for (const kind of fieldsOf(spanOf(bytes, field))) {
      if (kind.number !== 1) continue;
      for (const part of fieldsOf(spanOf(bytes, kind))) {
        if (part.number === 1) info.type = part.value;
        if (part.number === 2) info.shape = readShape(spanOf(bytes, part));
      }
    }
  }
  return info;
}

function readShape(span: Span): (number | undefined)[] {
  const shape: (number | undefined)[] = [];
  for (const field of fieldsOf(span)) {
    if (field.number !== 1) continue;
    limit(shape.length, 16, 'axes');
    let size: number | undefined;
    for (const part of fieldsOf(spanOf(span.bytes, field))) {
      // Exporters write 0 and −1 for what they do not know.
      if (part.number === 1 && part.value > 0) size = part.value;
    }
    shape.push(size);
  }
  return shape;
}

function limit(count: number, most: number, what: string): void {
  if (count >= most) {
    throw new UnsupportedError(`the ONNX file has more than ${show(most)} ${what}.`, 'onnx size');
  }
}
