import { ArgumentTypeError, MismatchError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { LayerSpec } from '../../model/spec.js';
import { type Activation, activationFields, activationOf, gateFunction } from './keras-functions.js';
import type { KerasPiece, Told } from './keras-layer.js';
import { type Listed, readNodes } from './keras-nodes.js';

/**
 * The config.json of a Keras model, of Keras 2 or 3:
 *
 *   { "class_name": "Sequential" | "Functional" | "Model", "config": { "layers": [
 *       { "class_name": "LSTM", "config": { "name": "lstm", "activation": "tanh", … }, "inbound_nodes": … }, … ] } }
 */

type Fields = Record<string, unknown>;

/** What becomes of the layers, in their order. */
export interface Sink {
  /** one with weights */
  layer(of: { piece: KerasPiece; told: Told }, name: string, inputs: string[] | undefined): void;
  /** one without */
  plain(layer: LayerSpec): void;
}

/** Layers that do nothing when a model is not trained. */
const idle = new Set([
  'Dropout',
  'SpatialDropout1D',
  'GaussianDropout',
  'GaussianNoise',
  'AlphaDropout',
  'ActivityRegularization',
]);
const merges: Readonly<Record<string, 'add' | 'subtract' | 'multiply'>> = {
  Add: 'add',
  Subtract: 'subtract',
  Multiply: 'multiply',
};

/** Kinds of the layers with weights, by Keras's names. */
const kinds: Readonly<Record<string, KerasPiece['kind']>> = {
  LSTM: 'lstm',
  GRU: 'gru',
  SimpleRNN: 'elman',
  Dense: 'linear',
  Embedding: 'embedding',
  LayerNormalization: 'norm',
  BatchNormalization: 'scale',
};

/**
 * Goes through the layers of a config.
 * @throws TypeError when it is no config; MismatchError when the weights have other layers; UnsupportedError for what
 *   has no counterpart here
 */
export function readConfig(config: unknown, pieces: readonly KerasPiece[], sink: Sink): void {
  const { layers, output, version } = readNodes(config);
  const counts = new Map<string, number>();
  const left = new Set(pieces);
  // What each layer of the config gives: these layers of the model, side by side.
  const given = new Map<string, string[]>();
  let last = 'input';
  for (const listed of layers) {
    const { className, name, fields, reads } = listed;
    const number = counts.get(className) ?? 0;
    counts.set(className, number + 1);
    if (className === 'InputLayer') {
      given.set(name, ['input']);
      continue;
    }
    const sources = reads.map((source) => given.get(source)!);
    const inputs = sources.flat();
    if (idle.has(className)) {
      given.set(name, inputs);
      continue;
    }
    if (className === 'Concatenate') {
      if (fields.axis !== -1 && fields.axis !== 2)
        throw unsupported(listed, `axis ${show(fields.axis)} (the features are -1)`);
      given.set(name, inputs);
      continue;
    }
    const wired = inputs.length === 1 && inputs[0] === last ? undefined : inputs;
    const merge = Object.hasOwn(merges, className) ? merges[className] : undefined;
    const after = plainActivation(listed, version);
    if (merge !== undefined) {
      if (sources.some((source) => source.length !== 1))
        throw unsupported(listed, 'what it reads is concatenated');
      sink.plain({ kind: 'combine', name, combine: merge, inputs });
    } else if (after !== undefined) {
      sink.plain({ kind: 'activation', name, ...activationFields(after), ...(wired && { inputs: wired }) });
    } else {
      const step = readLayer(listed, number, left, version);
      left.delete(step.piece);
      sink.layer(step, name, wired);
      if (step.after !== undefined && step.after !== 'identity') {
        const behind = `${name}.activation`;
        sink.plain({ kind: 'activation', name: behind, ...activationFields(step.after) });
        last = behind;
        given.set(name, [behind]);
        continue;
      }
    }
    last = name;
    given.set(name, [name]);
  }
  if (output !== undefined) {
    const end = given.get(output)!;
    if (end.length !== 1 || end[0] !== last)
      throw new UnsupportedError(
        `the output of the model is that of layer ${show(output)}, which is not its last one.`,
        'Keras graph',
      );
  }
}

function unsupported({ className, name }: Listed, problem: string): UnsupportedError {
  return new UnsupportedError(
    `layer ${show(name)} (${className}): ${problem} is not done.`,
    `Keras ${className.slice(0, 60)}`,
  );
}

/** The function of a layer that is nothing else; undefined for other layers. */
function plainActivation(listed: Listed, version: number | undefined): Activation | undefined {
  const { className, fields } = listed;
  const number = (...values: unknown[]) => {
    const found = values.find((value) => value !== undefined && value !== null);
    const value = Array.isArray(found) && found.length === 1 ? found[0] : found;
    if (typeof value !== 'number') throw unsupported(listed, `the parameter ${show(value)}`);
    return value;
  };
  switch (className) {
    case 'Activation':
      return readActivation(listed, 'activation', version);
    case 'Softmax':
      if ((fields.axis ?? -1) !== -1) throw unsupported(listed, `axis ${show(fields.axis)}`);
      return 'softmax';
    case 'LeakyReLU':
      return { function: 'leakyRelu', alpha: number(fields.negative_slope, fields.alpha) };
    case 'ELU':
      return { function: 'elu', alpha: number(fields.alpha, 1) };
    case 'ThresholdedReLU':
      return { function: 'thresholdedRelu', alpha: number(fields.theta, 1) };
    case 'ReLU': {
      const isPlain = fields.max_value == null && !fields.threshold;
      if (!isPlain) throw unsupported(listed, 'max_value or threshold');
      const slope = number(fields.negative_slope, 0);
      return slope === 0 ? 'relu' : { function: 'leakyRelu', alpha: slope };
    }
    default:
      return undefined;
  }
}

function readActivation(
  { fields, ...listed }: Listed,
  field: string,
  version: number | undefined,
): Activation {
  let value = fields[field];
  // An activation with a place of its own: { "class_name": "function", "config": "gelu" }
  if (value !== null && typeof value === 'object') value = (value as Fields).config;
  if (value === undefined || value === null) return 'identity';
  if (typeof value !== 'string') throw unsupported({ fields, ...listed }, `the activation ${show(value)}`);
  return activationOf(value, version);
}

/** A layer with weights: its piece, and what the config says of it. */
function readLayer(
  listed: Listed,
  number: number,
  pieces: ReadonlySet<KerasPiece>,
  version: number | undefined,
): { piece: KerasPiece; told: Told; after?: Activation } {
  const inner = unwrap(listed);
  const { className, fields } = inner;
  const kind = Object.hasOwn(kinds, className) ? kinds[className] : undefined;
  if (kind === undefined) throw unsupported(listed, 'this kind of layer');
  const piece = findPiece(listed, number, kind, pieces);
  const told: Told = {};
  if (kind === 'linear') return { piece, told, after: readActivation(inner, 'activation', version) };
  if (kind === 'embedding') {
    if (fields.mask_zero === true) {
      throw new UnsupportedError(
        `layer ${show(listed.name)} (Embedding): mask_zero is not done. Set it to false in the config, and give a run ` +
          'the lengths of its streams instead.',
        'Keras mask_zero',
      );
    }
    return { piece, told };
  }
  if (kind === 'norm' || kind === 'scale') {
    const axis = Array.isArray(fields.axis) && fields.axis.length === 1 ? fields.axis[0] : fields.axis;
    if (axis !== -1 && axis !== 2) throw unsupported(listed, `axis ${show(fields.axis)}`);
    if (fields.rms_scaling === true) throw unsupported(listed, 'rms_scaling');
    if (typeof fields.epsilon === 'number') told.epsilon = fields.epsilon;
    return { piece, told };
  }
  const isBoth = listed.className === 'Bidirectional';
  if (!isBoth && fields.go_backwards === true) throw unsupported(listed, 'go_backwards');
  if (isBoth && fields.return_sequences !== true)
    throw unsupported(listed, 'Bidirectional with return_sequences=False');
  if (isBoth !== piece.layer.backward.size > 0)
    throw new MismatchError(
      `the config says that layer ${show(listed.name)} is ${isBoth ? '' : 'not '}Bidirectional; its weights are for ` +
        `${isBoth ? 'one direction' : 'two directions'}.`,
    );
  told.activation = gateFunction(readActivation(inner, 'activation', version), `layer ${show(listed.name)}`);
  if (kind !== 'elman')
    told.recurrentActivation = gateFunction(
      readActivation(inner, 'recurrent_activation', version),
      `layer ${show(listed.name)}`,
    );
  if (kind === 'gru' && typeof fields.reset_after === 'boolean') {
    told.resetAfter = fields.reset_after;
    if (piece.resetAfter !== undefined && piece.resetAfter !== told.resetAfter)
      throw new MismatchError(
        `the config says reset_after ${show(told.resetAfter)} of layer ${show(listed.name)}; the shape of its bias says ` +
          `${show(piece.resetAfter)}.`,
      );
  }
  return { piece, told };
}

/** The layer inside of Bidirectional and TimeDistributed. */
function unwrap(listed: Listed): Listed {
  const { className, fields } = listed;
  if (className !== 'Bidirectional' && className !== 'TimeDistributed') return listed;
  const inner = fields.layer as { class_name?: unknown; config?: unknown } | null | undefined;
  if (typeof inner?.class_name !== 'string' || inner.config === null || typeof inner.config !== 'object')
    throw new ArgumentTypeError(`layer ${show(listed.name)} of the config has no layer in it.`);
  if (className === 'Bidirectional') {
    if ((fields.merge_mode ?? 'concat') !== 'concat')
      throw unsupported(listed, `merge_mode ${show(fields.merge_mode)}`);
    // Keras 3 writes it out where it is like the other one.
    const back = (fields.backward_layer as { config?: Fields } | null | undefined)?.config;
    for (const field of ['units', 'activation', 'recurrent_activation', 'reset_after', 'use_bias'])
      if (back != null && back[field] !== (inner.config as Fields)[field])
        throw unsupported(listed, `a backward_layer with another ${field}`);
  }
  return { ...listed, className: inner.class_name, fields: inner.config as Fields };
}

/**
 * The weights of a layer. Keras 3 numbers the layers of a class in its files, `lstm`, `lstm_1`, whatever they are named;
 * everywhere else the name is in the path.
 */
function findPiece(
  { className, name }: Listed,
  number: number,
  kind: KerasPiece['kind'],
  pieces: ReadonlySet<KerasPiece>,
): KerasPiece {
  const counted = number === 0 ? snake(className) : `${snake(className)}_${number}`;
  const found = [...pieces].filter(({ layer }) =>
    layer.path.split('/').includes(layer.isNumbered ? counted : name),
  );
  const [piece] = found;
  if (piece === undefined || found.length > 1) {
    const names = (found.length > 1 ? found : [...pieces]).slice(0, 10).map(({ layer }) => show(layer.path));
    const problem = found.length > 1 ? 'more than one has' : 'no layer has';
    throw new MismatchError(
      `the config names ${className} ${show(name)}; ${problem} its weights: ${names.join(', ') || 'none is left'}.`,
    );
  }
  if (piece.kind !== kind)
    throw new MismatchError(
      `the config says that ${show(name)} is ${className}; its weights are those of ${piece.kind}.`,
    );
  return piece;
}

/** As Keras names the group of a class: SimpleRNN → simple_rnn. */
function snake(className: string): string {
  return className
    .slice(0, 200)
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
