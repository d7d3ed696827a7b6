import { FormatError, MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { ModelSpec } from '../../model/spec.js';
import type { ModelFile } from '../../model/tensors.js';
import { compactModel } from '../structure.js';
import { checkVocab } from '../vocab.js';
import { build, collectLinks } from './build.js';
import { isFeatures } from './inputs.js';
import { singleOf } from './links.js';
import { producer, vocabKey } from './names.js';
import { evaluate } from './operators.js';
import { type Node, readGraph } from './proto.js';
import { checkStates } from './states.js';
import type { ArrayValue, Flow, Link } from './values.js';
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
  /** the input that is the lengths of the streams, where there is one */
  lengths?: string;
}

/**
 * Reads an ONNX model whose graph is made of layers: recurrent nodes, products with matrices, an embedding, activations,
 * norms, flows that meet and part, and between them what only moves the axes of steps and streams. The model that comes
 * out reads [T, B, I] and gives [T, B, O], whatever the order of the graph's axes; states that are inputs and outputs of
 * the graph are the session's, an input that is the lengths of all nodes is the run's, and sizes that the graph fixes for
 * steps and streams are free.
 * @param bytes all of the file
 * @param files those that listFiles names, as far as they are at hand
 * @throws FormatError for broken bytes, with their place; MismatchError when sizes disagree; UnsupportedError for all
 *   else, naming node, operator and attribute
 */
export function readOnnx(
  bytes: Uint8Array,
  options: OnnxReadOptions = {},
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): { file: ModelFile; names: OnnxNames } {
  if (options.spec !== undefined) {
    throw new UnsupportedError(
      'an ONNX file says what its layers are; leave the option spec out.',
      'onnx spec',
    );
  }
  const graph = readGraph(bytes);
  for (const tensor of graph.constants.values())
    if (tensor.outside !== undefined) tensor.outside.bytes = files.get(tensor.outside.location);
  const size = [...files.values()].reduce((sum, { length }) => sum + length, bytes.length);
  const walk = new Walk(graph, size, evaluate);
  const { x, states, lengths } = walk.inputs;
  let output: { name: string; flow: Flow } | undefined;
  const finals: { name: string; value: ArrayValue }[] = [];
  for (const { name } of graph.outputs) {
    const value = walk.get(name, bytes.length);
    if (value.kind === 'state') finals.push({ name, value });
    else if (value.kind !== 'flow')
      throw new UnsupportedError(`the output ${show(name)} is not that of a layer.`, 'onnx outputs');
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
  const last = singleOf(walk, outputNode, output.flow);
  if (last === undefined) throw new UnsupportedError('the output of the graph is its input.', 'onnx outputs');
  const links = collectLinks(last);
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
      ...(lengths === undefined ? {} : { lengths }),
    },
  };
}

/**
 * The files in which an ONNX model has weights, by their names in its folder.
 * @throws FormatError, UnsupportedError as readOnnx; UnsupportedError for a file of another folder
 */
export function listFiles(bytes: Uint8Array): string[] {
  const names = new Set<string>();
  for (const { name, outside } of readGraph(bytes).constants.values()) {
    if (outside === undefined) continue;
    if (!/^[^/\\\0]+$/.test(outside.location) || outside.location === '..' || outside.location === '.')
      throw new UnsupportedError(
        `tensor ${show(name)} lies in ${show(outside.location)}; only files beside the model are read.`,
        'onnx external data',
      );
    names.add(outside.location);
  }
  return [...names];
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

/** What messages call that which gives the output, where it is no node that is read. */
const outputNode: Node = {
  ...{ name: 'output', op: 'Identity', domain: '', at: 0 },
  ...{ inputs: [], outputs: [], attributes: new Map() },
};

/** The last axis of the output must be the features, and the others steps and streams, each whole. */
function checkOutput(walk: Walk, name: string, flow: Flow): void {
  const wholes = flow.axes.map((axis) => walk.whole(axis, flow));
  if (!isFeatures(walk, flow, wholes.length - 1) || wholes.includes(undefined)) {
    throw new UnsupportedError(
      `the axes of the output ${show(name)} are not steps and streams, in either order, and then the features.`,
      'onnx outputs',
    );
  }
}
