import type { Module } from './modules.js';

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

/** Work allowed to the search; a stack that is not found within it is asked for. */
const maxModules = 64;
const maxSteps = 20_000;

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

/** undefined where ids come in */
function inputWidth({ module, kind }: Piece): number | undefined {
  if (module.kind !== 'matrix') return module.inputSize;
  return kind === 'embedding' ? undefined : module.columns;
}

function resultWidth({ module, kind }: Piece): number {
  if (module.kind !== 'matrix') return module.hiddenSize * (module.bidirectional ? 2 : 1);
  return kind === 'embedding' ? module.columns : module.rows;
}

/** Up to two stacks that use every module once; two also where the search gave up. */
function search(modules: readonly Module[], kindsOf: (module: Module) => Piece['kind'][]): Piece[][] {
  const found: Piece[][] = [];
  const earlier = modules.map((module) => modules.filter((other) => isNumberedBefore(other, module)));
  const used = new Set<Module>();
  const stack: Piece[] = [];
  let steps = 0;
  const extend = () => {
    if (stack.length === modules.length) found.push([...stack]);
    for (const [index, module] of modules.entries()) {
      if (found.length > 1 || ++steps > maxSteps) return;
      if (used.has(module) || earlier[index]!.some((other) => !used.has(other))) continue;
      for (const kind of kindsOf(module)) {
        const piece = { module, kind };
        const before = stack.at(-1);
        if (before !== undefined && inputWidth(piece) !== resultWidth(before)) continue;
        used.add(module);
        stack.push(piece);
        extend();
        stack.pop();
        used.delete(module);
      }
    }
  };
  extend();
  if (steps > maxSteps && found.length < 2) {
    const guess = found[0] ?? modules.map((module) => ({ module, kind: likelyKind(module) }));
    return [guess, guess];
  }
  return found;
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
