import { ArgumentTypeError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';

type Fields = Record<string, unknown>;

/** One layer as a config lists it. */
export interface Listed {
  className: string;
  name: string;
  fields: Fields;
  /** names of the layers that it reads */
  reads: string[];
}

/** The layers of a config in their order, each after those that it reads. */
export interface Nodes {
  layers: Listed[];
  /** the layer whose output is the model's; undefined for the last one */
  output: string | undefined;
  /** Keras's first number, where it is said */
  version: number | undefined;
}

const mostLayers = 1000;

/**
 * Reads which layers a model has and what each of them reads.
 * @throws TypeError when it is no config; UnsupportedError for models in models, layers that are used twice, and more
 *   than one input or output
 */
export function readNodes(config: unknown): Nodes {
  const model = object(config, 'config');
  const className = model.class_name;
  const fields = Array.isArray(model.config) ? { layers: model.config } : object(model.config, 'its config');
  const { layers } = fields;
  if (!Array.isArray(layers) || layers.length === 0 || layers.length > mostLayers)
    throw new ArgumentTypeError(`the config of a Keras model must list 1..${mostLayers} layers.`);
  const version = versionOf(model);
  if (className === 'Sequential') {
    let before: string[] = [];
    const listed = layers.map((entry: unknown, index) => {
      const layer = readEntry(entry, index);
      layer.reads = before;
      before = [layer.name];
      return layer;
    });
    // Without an InputLayer the first one reads the input all the same.
    if (listed[0]!.className !== 'InputLayer') {
      const name = 'the input of a Sequential model';
      listed[0]!.reads = [name];
      listed.unshift({ className: 'InputLayer', name, fields: {}, reads: [] });
    }
    checkNames(listed);
    return { layers: listed, output: undefined, version };
  }
  if (className !== 'Functional' && className !== 'Model')
    throw new UnsupportedError(
      `a Keras model of class ${show(className)} is not done; Sequential and Functional are.`,
      'Keras model',
    );
  const listed = layers.map((entry: unknown, index) => {
    const layer = readEntry(entry, index);
    layer.reads = readInbound(object(entry, 'a layer').inbound_nodes, layer);
    return layer;
  });
  checkNames(listed);
  if (listed.filter((layer) => layer.className === 'InputLayer').length !== 1)
    throw new UnsupportedError('a Keras model with more than one input is not done.', 'Keras graph');
  return { layers: sort(listed), output: readOutput(fields.output_layers, listed), version };
}

function versionOf({ keras_version: version }: Fields): number | undefined {
  const first = typeof version === 'string' ? /^(\d{1,3})\./.exec(version)?.[1] : undefined;
  return first === undefined ? undefined : Number(first);
}

function readEntry(entry: unknown, index: number): Listed {
  const { class_name: className, config, name } = object(entry, `layer ${index} of the config`);
  const fields = object(config, `the config of layer ${index}`);
  const own = fields.name ?? name ?? `layer_${index}`;
  if (typeof className !== 'string' || typeof own !== 'string')
    throw new ArgumentTypeError(`layer ${index} of the config needs a class_name and a name.`);
  if (Array.isArray(fields.layers))
    throw new UnsupportedError(`layer ${show(own)} is a model of its own, which is not done.`, 'Keras graph');
  return { className, name: own, fields, reads: [] };
}

function checkNames(layers: readonly Listed[]): void {
  const names = new Set<string>();
  for (const { name } of layers) {
    if (names.has(name)) throw new ArgumentTypeError(`two layers of the config are named ${show(name)}.`);
    names.add(name);
  }
}

/**
 * The layers that a layer reads. Keras 2: [[["lstm", 0, 0, {}], …]]; Keras 3: [{ "args": [tensor or tensors], … }] with
 * { "class_name": "__keras_tensor__", "config": { "keras_history": ["lstm", 0, 0] } }.
 */
function readInbound(nodes: unknown, layer: Listed): string[] {
  if (layer.className === 'InputLayer') return [];
  if (!Array.isArray(nodes) || nodes.length !== 1)
    throw new UnsupportedError(
      `layer ${show(layer.name)} is used ${Array.isArray(nodes) ? nodes.length : 0} times; once is done.`,
      'Keras graph',
    );
  const [node] = nodes as unknown[];
  const tensors = Array.isArray(node) ? node.map(readOld) : readNew(node);
  if (tensors.length === 0)
    throw new ArgumentTypeError(`layer ${show(layer.name)} of the config reads nothing.`);
  return tensors.map(({ name, node: use, tensor }) => {
    if (use !== 0 || tensor !== 0)
      throw new UnsupportedError(
        `layer ${show(layer.name)} reads a state or a second use of ${show(name)}, which is not done.`,
        'Keras graph',
      );
    return name;
  });
}

interface History {
  name: string;
  node: unknown;
  tensor: unknown;
}

function readOld(value: unknown): History {
  if (!Array.isArray(value) || typeof value[0] !== 'string')
    throw new ArgumentTypeError('a node of the config must be [name, node, tensor].');
  return { name: value[0], node: value[1], tensor: value[2] };
}

function readNew(node: unknown): History[] {
  const { args, kwargs } = object(node, 'a node of the config');
  const states = Object.entries(kwargs === undefined ? {} : object(kwargs, 'kwargs'));
  for (const [key, value] of states) {
    // A mask or an initial state is a tensor of its own.
    if (value !== null && typeof value === 'object')
      throw new UnsupportedError(`a layer that takes ${show(key)} is not done.`, 'Keras graph');
  }
  if (!Array.isArray(args) || args.length !== 1)
    throw new UnsupportedError('a layer with more than one argument is not done.', 'Keras graph');
  const tensors: unknown[] = Array.isArray(args[0]) ? args[0] : [args[0]];
  return tensors.map((tensor) =>
    readOld(object(object(tensor, 'a tensor').config, 'a tensor').keras_history),
  );
}

function readOutput(outputs: unknown, layers: readonly Listed[]): string {
  // One output is ["dense", 0, 0] or [["dense", 0, 0]].
  const list: unknown[] = Array.isArray(outputs) ? outputs : [];
  const [first] = list;
  const one =
    typeof first === 'string' ? list : list.length === 1 && Array.isArray(first) ? first : undefined;
  if (one === undefined || !layers.some(({ name }) => name === one[0]))
    throw new UnsupportedError('a Keras model with more than one output is not done.', 'Keras graph');
  return one[0] as string;
}

/** In an order in which each comes after those that it reads; that of the config where it is one. */
function sort(layers: readonly Listed[]): Listed[] {
  const sorted: Listed[] = [];
  const done = new Set<string>();
  const known = new Set(layers.map(({ name }) => name));
  for (const { name, reads } of layers) {
    const unknown = reads.find((source) => !known.has(source));
    if (unknown !== undefined)
      throw new ArgumentTypeError(
        `layer ${show(name)} of the config reads ${show(unknown)}, which is not there.`,
      );
  }
  let left = [...layers];
  while (left.length > 0) {
    const ready = left.filter(({ reads }) => reads.every((source) => done.has(source)));
    if (ready.length === 0) throw new ArgumentTypeError('layers of the config read each other in a circle.');
    for (const layer of ready) done.add(layer.name);
    sorted.push(...ready);
    left = left.filter(({ name }) => !done.has(name));
  }
  return sorted;
}

function object(value: unknown, what: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ArgumentTypeError(`${what} must be an object, got ${show(value)}.`);
  return value as Fields;
}
