import { findChains, type Link } from './chain.js';
import { type Module, outputsOf } from './modules.js';

/** A module with the part it plays in the model. */
export interface Piece {
  module: Module;
  kind: 'embedding' | 'lstm' | 'gru' | 'elman' | 'linear';
}

/** The one stack that names and shapes allow; or, with `open`, a guess and what they leave open. */
export interface Stack {
  pieces: Piece[];
  open?: string;
}

/** More are not put in order. */
const maxModules = 64;

/**
 * The order in which modules follow each other, told from their widths: an embedding can only come first, every
 * other one reads as many values as the one before it gives. Names help twice: a weight without bias whose
 * module's name has "emb" in it is an embedding, and `seq.0` comes before `seq.1`.
 *
 * Two linear layers in a row are never taken for certain: what stands between them in PyTorch (most often a
 * ReLU) has no tensors, so nothing in a state dict would tell.
 */
export function orderModules(modules: readonly Module[]): Stack {
  const guess = modules.map((module) => ({ module, kind: likelyKind(module) }));
  if (modules.length === 0)
    return { pieces: guess, open: 'it has no tensor of an LSTM, GRU, RNN, Linear or Embedding' };
  if (modules.length > maxModules) return { pieces: guess, open: `the order of ${modules.length} modules` };
  let found = search(modules, (module) => (isNamedEmbedding(module) ? ['embedding'] : possibleKinds(module)));
  if (found.length === 0) found = search(modules, possibleKinds);
  const [pieces] = found;
  if (pieces === undefined)
    return { pieces: guess, open: 'an order in which each layer reads what the one before it gives' };
  if (found.length > 1) {
    const kinds = pieces.some((piece) =>
      found[1]!.some((other) => other.module === piece.module && other.kind !== piece.kind),
    );
    return {
      pieces,
      open: kinds ? 'which weights are embeddings and which are linear' : 'the order of the layers',
    };
  }
  if (pieces.some(({ kind }) => kind === 'elman')) {
    return { pieces, open: 'whether the activation of an RNN is "tanh" or "relu"' };
  }
  if (pieces.some(({ kind }, index) => kind === 'linear' && pieces[index + 1]?.kind === 'linear')) {
    return { pieces, open: 'the activation between two linear layers' };
  }
  return { pieces };
}

function isNamedEmbedding(module: Module): boolean {
  const leaf = module.prefix.slice(module.prefix.lastIndexOf('.') + 1);
  return module.kind === 'matrix' && !module.bias && /emb/i.test(leaf);
}

function likelyKind(module: Module): Piece['kind'] {
  if (module.kind !== 'matrix') return module.kind;
  return isNamedEmbedding(module) ? 'embedding' : 'linear';
}

function possibleKinds(module: Module): Piece['kind'][] {
  if (module.kind !== 'matrix') return [module.kind];
  return module.bias ? ['linear'] : ['embedding', 'linear'];
}

/** Up to two stacks that use every module once; two also where the search gave up. */
function search(modules: readonly Module[], kindsOf: (module: Module) => Piece['kind'][]): Piece[][] {
  const choices = modules.map((module) => kindsOf(module).map((kind) => linkOf({ module, kind })));
  const isBefore = (a: number, b: number) => isNumberedBefore(modules[a]!, modules[b]!);
  const { found, complete } = findChains(choices, isBefore);
  const stacks = found.map((links) => links.map(({ piece }) => piece));
  if (complete || stacks.length > 1) return stacks;
  const guess = stacks[0] ?? modules.map((module) => ({ module, kind: likelyKind(module) }));
  return [guess, guess];
}

function linkOf(piece: Piece): Link & { piece: Piece } {
  const { module, kind } = piece;
  if (module.kind !== 'matrix') {
    const gives = outputsOf(module) * (module.bidirectional ? 2 : 1);
    return { piece, reads: module.inputSize, gives };
  }
  if (kind === 'embedding') return { piece, reads: undefined, gives: module.columns };
  return { piece, reads: module.columns, gives: module.rows };
}

/** Whether two modules are children 0, 1, 2, … of one parent, `a` before `b`. */
function isNumberedBefore(a: Module, b: Module): boolean {
  const [parentA, numberA] = split(a.prefix);
  const [parentB, numberB] = split(b.prefix);
  return parentA === parentB && numberA < numberB;
}

function split(prefix: string): [parent: string, number: number] {
  const dot = prefix.lastIndexOf('.');
  const leaf = prefix.slice(dot + 1);
  return [prefix.slice(0, Math.max(dot, 0)), /^\d{1,9}$/.test(leaf) ? Number(leaf) : Number.NaN];
}
