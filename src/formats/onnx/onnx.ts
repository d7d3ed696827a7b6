import { FormatError, MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { cellOf } from '../../model/cells.js';
import { checkSpec } from '../../model/check.js';
import type { LayerSpec, ModelSpec } from '../../model/spec.js';
import { checkTensors, type ModelFile, type Tensors } from '../../model/tensors.js';
import { compactModel } from '../structure.js';
import { checkVocab } from '../vocab.js';
import { sizeOf } from './arrays.js';
import { features } from './axes.js';
import { producer, vocabKey } from './names.js';
import { evaluate } from './operators.js';
import { readGraph } from './proto.js';
import { type ArrayValue, type Flow, type Link, nameNode, type Part } from './values.js';
import { Walk } from './walk.js';

/** How to read an ONNX file. */
export interface OnnxReadOptions {
  /** N for every recurrent layer, or 'auto' (default) for the largest that holds in each */
  blocks?: 'auto' | number;
  /** largest magnitude off the blocks that counts as zero; default 0 */
  tolerance?: number;
  /** id → byte, of a byte-level model */
  vocab?: unknown;
  /** refused: the file itself says what its layers are */
  spec?: unknown;
}

/** What the graph calls its values. */
export interface OnnxNames {
  input: string;
  output: string;
  /** inputs and outputs that are states; several layers may share one */
  stateInputs: string[];
  stateOutputs: string[];
}

/**
 * Reads an ONNX model whose graph is a stack of layers: recurrent nodes, products with matrices, an embedding,
 * activations, and between them what only moves the axes of steps and streams. The model that comes out reads [T, B, I]
 * and gives [T, B, O], whatever the order of the graph's axes; states that are inputs and outputs of the graph are the
 * session's, and sizes that the graph fixes for steps and streams are free.
 * @param bytes all of the file
 * @throws FormatError for broken bytes, with their place; MismatchError when sizes disagree; UnsupportedError for all
 *   that is not such a stack, naming node, operator and attribute
 */
export function readOnnx(
  bytes: Uint8Array,
  options: OnnxReadOptions = {},
): { file: ModelFile; names: OnnxNames } {
  if (options.spec !== undefined) {
    throw new UnsupportedError(
      'an ONNX file says what its layers are; leave the option spec out.',
      'onnx spec',
    );
  }
  const graph = readGraph(bytes);
  const walk = new Walk(graph, bytes.length, evaluate);
  const { x, states } = walk.inputs;
  let output: { name: string; flow: Flow } | undefined;
  const finals: { name: string; value: ArrayValue }[] = [];
  for (const { name } of graph.outputs) {
    const value = walk.get(name, bytes.length);
    if (value.kind === 'state') finals.push({ name, value });
    else if (value.kind !== 'flow')
      throw new UnsupportedError(`the output ${show(name)} is constant.`, 'onnx outputs');
    else if (output === undefined) output = { name, flow: value };
    else {
      throw new UnsupportedError(
        `the graph has two outputs that are no states, ${show(output.name)} and ${show(name)}; one is supported.`,
        'onnx outputs',
      );
    }
  }
  if (output === undefined) throw new UnsupportedError('the graph has no output but states.', 'onnx outputs');
  checkOutput(walk, output.name, output.flow);
  const links = listLinks(output.flow.chain);
  checkStates(links, walk, finals);
  const names = graph.producer === producer ? ownNames(links) : undefined;
  const { spec, tensors } = build(walk, links, names);
  const file = compactModel({ spec, tensors }, options.blocks ?? 'auto', options.tolerance);
  if (options.vocab !== undefined) file.vocab = checkVocab(options.vocab, file.spec);
  else if (graph.vocab !== undefined) file.vocab = readVocab(graph.vocab, file.spec);
  return {
    file,
    names: {
      input: x.name,
      output: output.name,
      stateInputs: states.map(({ name }) => name),
      stateOutputs: finals.map(({ name }) => name),
    },
  };
}

/** What encodeOnnx called the layers, by their nodes; undefined where something else has been at the file. */
function ownNames(links: readonly Link[]): string[] | undefined {
  const names = links.map(({ node }) => node.name);
  const isGood = names.every((name) => name !== '' && name.length <= 500);
  return isGood && new Set(names).size === names.length ? names : undefined;
}

function readVocab(text: string, spec: ModelSpec): number[] {
  try {
    return checkVocab(text.split(',').map(Number), spec);
  } catch (cause) {
    if (cause instanceof MismatchError) throw cause;
    throw new FormatError(`${vocabKey} in the metadata is broken: ${(cause as Error).message}`, { cause });
  }
}

/** The last axis of the output must be the features, and the others steps and streams, each whole. */
function checkOutput(walk: Walk, name: string, flow: Flow): void {
  const wholes = flow.axes.map((axis) => walk.whole(axis, flow));
  const isFeatures = flow.width === 1 ? wholes.at(-1) === 'one' : wholes.at(-1) === features;
  const isCut = flow.from !== 0 || flow.width !== flow.chain?.width;
  if (!isFeatures || isCut || wholes.includes(undefined)) {
    throw new UnsupportedError(
      `the axes of the output ${show(name)} are not steps and streams, in either order, and then the features.`,
      'onnx outputs',
    );
  }
}

/** The layers from the first to the last, all of which agree on which axes are steps and streams. */
function listLinks(last: Link | undefined): Link[] {
  const links: Link[] = [];
  for (let link = last; link !== undefined; link = link.parent) links.push(link);
  links.reverse();
  const [one, ...others] = links.filter((link) => link.kind === 'recurrent');
  for (const other of others) {
    if (other.time !== one!.time || other.batch !== one!.batch) {
      throw new UnsupportedError(
        `${nameNode(other.parts[0]!.node)} runs along another axis than ${nameNode(one!.parts[0]!.node)}.`,
        'onnx axes',
      );
    }
  }
  return links;
}

/**
 * A state is its layer's from one call to the next only if what comes out of the graph goes in at the same place: every
 * element of an output that is a state must be what the same element of one input begins.
 */
function checkStates(
  links: readonly Link[],
  walk: Walk,
  outputs: readonly { name: string; value: ArrayValue }[],
): void {
  const parts = links.flatMap((link) => (link.kind === 'recurrent' ? link.parts : []));
  /** element of a final state → element of an input that it begins as, −1 for zero */
  const begins = new Map<number, number>();
  const used = new Set<number>();
  for (const { node, finals, initial, units } of parts) {
    for (const [i, first] of finals.entries()) {
      for (let unit = 0; unit < units; unit++) {
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

function build(
  walk: Walk,
  links: readonly Link[],
  names: readonly string[] | undefined,
): { spec: ModelSpec; tensors: Tensors } {
  const tensors: Tensors = {};
  const layers = links.map((link, index): LayerSpec => {
    const nameOf = (kind: string) => names?.[index] ?? `${kind}.${index}`;
    switch (link.kind) {
      case 'recurrent':
        return buildRecurrent(walk, link.parts, nameOf(link.parts[0]!.kind), tensors);
      case 'embedding': {
        const name = nameOf('embedding');
        tensors[`${name}.weight`] = { shape: [link.count, link.width], data: link.weight };
        return { kind: 'embedding', name, count: link.count, size: link.width };
      }
      case 'linear': {
        const name = nameOf('linear');
        const { inputSize, width, bias } = link;
        tensors[`${name}.weight`] = { shape: [width, inputSize], data: link.weight };
        if (bias !== undefined) tensors[`${name}.bias`] = { shape: [width], data: bias };
        return { kind: 'linear', name, inputSize, outputSize: width, bias: bias !== undefined };
      }
      default:
        return { kind: 'activation', name: nameOf(link.activation), activation: link.activation };
    }
  });
  try {
    const spec = checkSpec({ layers });
    return { spec, tensors: checkTensors(spec, tensors) };
  } catch (cause) {
    if (cause instanceof MismatchError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(`this graph makes no model that can be run: ${problem}`, 'onnx model shape');
  }
}

/** A layer of N blocks out of N nodes; what a node does not read of the input has weights of zero. */
function buildRecurrent(walk: Walk, parts: readonly Part[], name: string, tensors: Tensors): LayerSpec {
  const { kind, units, inputWidth: inputSize, resetAfter, activation } = parts[0]!;
  const blocks = parts.length;
  const hiddenSize = blocks * units;
  const { gates } = cellOf({ kind, name, inputSize, hiddenSize });
  const rows = gates * hiddenSize;
  walk.spend(rows * (inputSize + units + 2));
  const place = (
    columns: number,
    take: (part: Part) => { data: Float32Array; width: number; from: number },
  ) => {
    const result = new Float32Array(rows * columns);
    for (const [block, part] of parts.entries()) {
      const { data, width, from } = take(part);
      for (let gate = 0; gate < gates; gate++) {
        for (let unit = 0; unit < units; unit++) {
          const row = gate * units + unit;
          const to = (gate * hiddenSize + block * units + unit) * columns + from;
          result.set(data.subarray(row * width, (row + 1) * width), to);
        }
      }
    }
    return result;
  };
  const plain = (data: Float32Array, width: number) => ({ data, width, from: 0 });
  tensors[`${name}.weight_ih`] = {
    shape: [rows, inputSize],
    data: place(inputSize, ({ weightIh, inputSize: width, from }) => ({ data: weightIh, width, from })),
  };
  tensors[`${name}.weight_hh`] = {
    shape: [rows, units],
    data: place(units, (part) => plain(part.weightHh, units)),
  };
  tensors[`${name}.bias_ih`] = { shape: [rows], data: place(1, (part) => plain(part.biasIh, 1)) };
  tensors[`${name}.bias_hh`] = { shape: [rows], data: place(1, (part) => plain(part.biasHh, 1)) };
  const shared = { name, inputSize, hiddenSize, blocks };
  if (kind === 'lstm') return { kind, ...shared };
  return kind === 'gru' ? { kind, ...shared, resetAfter } : { kind, ...shared, activation };
}
