import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { LayerSpec } from '../../model/spec.js';
import type { ModelFile, Tensors } from '../../model/tensors.js';
import { findChains } from '../chain.js';
import { Arrays } from './arrays.js';
import { assembleModel, type LayoutOptions } from './assemble.js';
import { readConfig } from './keras-config.js';
import { type Activation, activationFields, gateFunction, namedActivation } from './keras-functions.js';
import { describe, type KerasPiece, makeLayer, type Told } from './keras-layer.js';
import { findKerasLayers, isKerasBookkeeping } from './keras-names.js';

/** How to read the weights of a Keras model. */
export interface KerasOptions extends LayoutOptions {
  /** the model's config.json, parsed: it tells order, activations and everything else that weights do not */
  config?: unknown;
  /** without a config: the activation of every Dense and SimpleRNN, or of some layers: 'relu', 'dense=softmax,rnn=relu' */
  activation?: string | undefined;
  /** without a config: the activation of the gates of every LSTM and GRU, or of some; default sigmoid */
  recurrentActivation?: string | undefined;
  /** without a config: of a GRU that has no bias, which would tell */
  resetAfter?: boolean | undefined;
}

/** A layer in its place. */
export interface KerasStep {
  piece: KerasPiece;
  told: Told;
  /** behind the layer; undefined where there is none */
  after?: Activation;
}

/**
 * Makes a model of the weights of a Keras model, of Keras 2 or 3: LSTM, GRU, SimpleRNN, Bidirectional, Dense, Embedding,
 * LayerNormalization and BatchNormalization, under the names that Keras gives them.
 *
 *   x kernel [I, G·H] + h recurrent_kernel [H, G·H] + bias, gates i f c o (LSTM) and z r h (GRU)
 *
 * are transposed and put in the order i f g o and r z n. A GRU with reset_after has a bias [2, 3·H], of the input and of
 * the state; a bias [3·H] says that it has not.
 * @param arrays by their names
 * @throws MismatchError for arrays that are missing, left over or of other shapes, and where something must be told that
 *   weights do not have: the message names the option; UnsupportedError for other layers
 */
export function decodeKeras(arrays: Tensors, options: KerasOptions = {}): ModelFile {
  const store = new Arrays(arrays, 'tensor', isKerasBookkeeping);
  const pieces = findKerasLayers(store.names).map((layer) => describe(layer, store));
  if (pieces.length === 0) throw new MismatchError('the file has no weights of a layer.');
  const layers: LayerSpec[] = [];
  const tensors: Tensors = {};
  const add = (piece: KerasPiece, name: string, told: Told, inputs: string[] | undefined) => {
    const made = makeLayer(piece, name, told, store);
    layers.push({ ...made.layer, ...(inputs === undefined ? {} : { inputs }) });
    Object.assign(tensors, made.tensors);
  };
  if (options.config === undefined) {
    for (const { piece, told, after } of orderPieces(pieces, options)) {
      const name = piece.layer.name || piece.kind;
      add(piece, name, told, undefined);
      if (after !== undefined && after !== 'identity')
        layers.push({ kind: 'activation', name: `${name}.activation`, ...activationFields(after) });
    }
  } else {
    readConfig(options.config, pieces, {
      layer: ({ piece, told }, name, inputs) => add(piece, name, told, inputs),
      plain: (layer) => layers.push(layer),
    });
  }
  store.checkLeftovers('Layers of Keras are known by the names of their weights.');
  return assembleModel(layers, tensors, 'these weights', options);
}

const cure =
  "Give the option config: the model's config.json, which is in a .keras file, or what model.to_json() gives";

/** The one order that widths allow, with what the options tell. */
function orderPieces(pieces: readonly KerasPiece[], options: KerasOptions): KerasStep[] {
  if (pieces.length > 64)
    throw new MismatchError(`the order of ${pieces.length} layers is not told by their widths. ${cure}.`);
  const numbers = pieces.map(({ layer }) => /^(.*?)(?:_(\d{1,6}))?$/.exec(layer.path)!);
  const isBefore = (a: number, b: number) =>
    numbers[a]![1] === numbers[b]![1] && Number(numbers[a]![2] ?? 0) < Number(numbers[b]![2] ?? 0);
  const { found, complete } = findChains(
    pieces.map((piece) => [piece]),
    isBefore,
  );
  const [chain] = found;
  if (chain === undefined || found.length > 1 || !complete) {
    const list = pieces.slice(0, 10).map(({ layer, kind, reads, gives }) => {
      return `${show(layer.name || kind)} (${kind}, ${reads ?? 'ids'} → ${gives})`;
    });
    const problem = chain === undefined ? 'allow no order' : 'allow more than one order';
    throw new MismatchError(`the widths of the layers ${problem}: ${list.join(', ')}. ${cure}.`);
  }
  // One for all is for layers that do not have what nearly everybody uses: LSTM and GRU keep their tanh.
  const activation = readNamed(options.activation, 'activation', pieces, ['linear', 'elman']);
  const recurrent = readNamed(options.recurrentActivation, 'recurrentActivation', pieces, ['lstm', 'gru']);
  return chain.map((piece) => {
    const name = piece.layer.name || piece.kind;
    const own = activation(piece);
    const told: Told = options.resetAfter === undefined ? {} : { resetAfter: options.resetAfter };
    if (piece.kind === 'linear' || piece.kind === 'elman') {
      if (own === undefined) {
        throw new MismatchError(
          `the weights do not tell the activation of ${piece.kind === 'linear' ? 'Dense' : 'SimpleRNN'} layer ` +
            `${show(name)}. Give the option activation, such as ${show(`${name}=${piece.kind === 'linear' ? 'softmax' : 'tanh'}`)}. ` +
            `${cure.replace('Give', 'Or give')}.`,
        );
      }
      if (piece.kind === 'linear') return { piece, told, after: own };
    }
    if (piece.kind === 'lstm' || piece.kind === 'gru' || piece.kind === 'elman') {
      if (own !== undefined) told.activation = gateFunction(own, `layer ${show(name)}`);
      const gates = recurrent(piece);
      if (gates !== undefined) told.recurrentActivation = gateFunction(gates, `layer ${show(name)}`);
    }
    return { piece, told };
  });
}

/** Functions by layers: 'relu' for every one, 'dense=softmax,dense_1=relu' for some. */
function readNamed(
  text: string | undefined,
  option: string,
  pieces: readonly KerasPiece[],
  kinds: readonly KerasPiece['kind'][],
): (piece: KerasPiece) => Activation | undefined {
  if (text === undefined) return () => undefined;
  let all: Activation | undefined;
  const some = new Map<string, Activation>();
  for (const entry of text.split(',')) {
    const at = entry.lastIndexOf('=');
    const value = namedActivation(entry.slice(at + 1));
    if (at < 0) {
      all = value;
      continue;
    }
    const name = entry.slice(0, at);
    if (!pieces.some(({ layer, kind }) => name === (layer.name || kind))) {
      const names = pieces.slice(0, 20).map(({ layer, kind }) => show(layer.name || kind));
      throw new MismatchError(`${option} names layer ${show(name)}; there are ${names.join(', ')}.`);
    }
    some.set(name, value);
  }
  return ({ layer, kind }) => some.get(layer.name || kind) ?? (kinds.includes(kind) ? all : undefined);
}
