import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';

/**
 * The names under which Keras keeps the weights of a layer:
 *
 *   Keras 3, .weights.h5     layers/lstm/cell/vars/0                        the parts by number
 *                            layers/bidirectional/forward_layer/cell/vars/0
 *   Keras 3, weight.path     sequential/lstm/lstm_cell/kernel
 *   Keras 2, weight.name     lstm/lstm_cell/recurrent_kernel:0
 *   Keras 2, .h5             model_weights/lstm/lstm/lstm_cell/recurrent_kernel:0
 */

/** The arrays of one layer, by the parts they play: `kernel`, `recurrent_kernel`, `bias`, …; or `0`, `1`, … */
export interface KerasLayer {
  /** the last word of its path, or all of it where several layers have the same */
  name: string;
  /** of its arrays, without what tells the part */
  path: string;
  /** whether its parts go by numbers */
  isNumbered: boolean;
  forward: Map<string, string>;
  /** of the layer that goes back; empty where there is none */
  backward: Map<string, string>;
}

const cell = /^(?:cell|(?:lstm|gru|simple_rnn)_cell(?:_\d{1,6})?)$/;
const cellParts = ['kernel', 'recurrent_kernel', 'bias'];
/** Of no layer: what optimisers, metrics and random seeds keep. */
const others = /(?:^|\/)(?:optimizer|optimizer_weights|metrics|_metrics|seed_generator|iteration)(?:\/|$)/;

/** Whether names of arrays are those of a Keras model with recurrent layers. */
export function isKeras(names: Iterable<string>): boolean {
  return [...names].some((name) => {
    const path = strip(name);
    return /(?:^|\/)(?:recurrent_kernel|cell\/vars\/\d{1,3})$/.test(path) && !others.test(path);
  });
}

/** Whether an array belongs to no layer. */
export function isKerasBookkeeping(name: string): boolean {
  return others.test(strip(name));
}

/**
 * Groups arrays by their layers, in the order of the file.
 * @throws MismatchError when two arrays would be the same part of a layer
 */
export function findKerasLayers(names: readonly string[]): KerasLayer[] {
  const layers = new Map<string, KerasLayer>();
  const places = new Set(names.map((name) => strip(name).split('/')).flatMap(prefixes));
  for (const name of names) {
    const { path, part, isBack, isNumbered } = readName(name, places);
    let layer = layers.get(path);
    if (layer === undefined) {
      layer = { name: path, path, isNumbered, forward: new Map(), backward: new Map() };
      layers.set(path, layer);
    }
    const parts = isBack ? layer.backward : layer.forward;
    const other = parts.get(part);
    if (other !== undefined)
      throw new MismatchError(`tensors ${show(other)} and ${show(name)} would be the same part of a layer.`);
    parts.set(part, name);
  }
  const found = [...layers.values()];
  const lasts = found.map(({ path }) => path.slice(path.lastIndexOf('/') + 1));
  for (const [index, layer] of found.entries()) {
    const last = lasts[index]!;
    if (last !== '' && lasts.indexOf(last) === lasts.lastIndexOf(last)) layer.name = last;
  }
  return found;
}

/** Keras 2 ends names in the number of an output of TensorFlow. */
function strip(name: string): string {
  return name.replace(/:\d{1,3}$/, '');
}

function prefixes(words: string[]): string[] {
  return words.map((_, count) => words.slice(0, count + 1).join('/'));
}

function readName(
  name: string,
  places: ReadonlySet<string>,
): { path: string; part: string; isBack: boolean; isNumbered: boolean } {
  const words = strip(name).split('/');
  let part = words.pop()!;
  const isNumbered = words.at(-1) === 'vars' && /^\d{1,3}$/.test(part);
  if (isNumbered) words.pop();
  const isCell = words.length > 0 && cell.test(words.at(-1)!);
  if (isCell) words.pop();
  if (isCell && isNumbered) part = cellParts[Number(part)] ?? part;
  // Of a Bidirectional layer only where the other direction is there too.
  const direction = /^(forward|backward)_(.+)$/.exec(words.at(-1) ?? '');
  let isBack = false;
  if (direction !== null) {
    const other = direction[1] === 'forward' ? 'backward' : 'forward';
    if (places.has([...words.slice(0, -1), `${other}_${direction[2]}`].join('/'))) {
      isBack = direction[1] === 'backward';
      words.pop();
    }
  }
  // A group of the file and the scope in it are often of one name.
  const path = words.filter((word, index) => word !== words[index - 1]).join('/');
  return { path, part, isBack, isNumbered };
}
