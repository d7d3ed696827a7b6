import { ArgumentTypeError, MismatchError } from '../base/errors.js';
import { integer, oneOf, show } from '../base/guards.js';
import { maxSize } from '../model/given.js';
import { join, type MatrixModule, type Module, outputsOf, partsOf, type RecurrentModule } from './modules.js';
import type { Piece } from './stack.js';

/**
 * The small spec that names what a state dict cannot: the layers in their order, by the names of their PyTorch
 * modules, without sizes. A full spec is one too; what it says of sizes is compared with the tensors.
 *
 *   { "layers": [ { "kind": "embedding", "name": "embedding" },
 *                 { "kind": "elman", "name": "rnn", "activation": "relu", "blocks": 8 },
 *                 { "kind": "linear", "name": "decoder" },
 *                 { "kind": "activation", "name": "out", "activation": "softmax" } ] }
 *
 * A module of several layers becomes as many layers, `rnn.0`, `rnn.1`, …; one of them may be named alone. A module
 * without a prefix goes by its kind.
 */

/** A layer as far as the file tells it, dense, with the tensor of the file behind each of its own. */
export interface PlannedLayer {
  layer: Record<string, unknown> & { name: string };
  /** [name in the model, name in the file]; no second one means zeros */
  sources: [string, string | undefined][];
  /** N, where the spec asks for one */
  blocks?: number;
}

const kinds = ['embedding', 'lstm', 'gru', 'elman', 'linear', 'activation'] as const;
const sizeFields = ['count', 'size', 'inputSize', 'hiddenSize', 'projectionSize', 'outputSize', 'bias'];

/** What the inferred pieces of a stack become. */
export function planPieces(pieces: readonly Piece[]): PlannedLayer[] {
  return pieces.flatMap(({ module, kind }) => {
    if (module.kind !== 'matrix') return planRecurrent(module);
    return [planMatrix(module, kind === 'embedding' ? 'embedding' : 'linear')];
  });
}

/**
 * What a small spec makes of the modules of a file.
 * @throws TypeError, RangeError when it is no spec; MismatchError when the file has no such module, or of another
 *   kind or size
 */
export function planHint(hint: unknown, modules: readonly Module[]): PlannedLayer[] {
  const layers: unknown =
    hint !== null && typeof hint === 'object' ? (hint as { layers?: unknown }).layers : undefined;
  if (!Array.isArray(layers)) {
    throw new ArgumentTypeError(
      `a spec must be an object { layers: [{ kind, name }, ...] }, got ${show(hint)}.`,
    );
  }
  integer(layers.length, 'the number of layers in a spec', 1, 1000);
  return layers.flatMap((entry: unknown, index) => {
    if (entry === null || typeof entry !== 'object') {
      throw new ArgumentTypeError(`layer ${index} must be an object { kind, name }, got ${show(entry)}.`);
    }
    return planEntry(entry as Record<string, unknown>, index, modules);
  });
}

function planEntry(
  entry: Record<string, unknown>,
  index: number,
  modules: readonly Module[],
): PlannedLayer[] {
  const kind = oneOf(entry.kind, `layer ${index}: kind`, kinds);
  const { name } = entry;
  if (typeof name !== 'string')
    throw new ArgumentTypeError(`layer ${index}: name must be a string, got ${show(name)}.`);
  if (kind === 'activation') return [{ layer: { kind, name, activation: entry.activation }, sources: [] }];
  const planned = findPlanned(kind, name, modules);
  for (const [place, { layer }] of planned.entries()) {
    for (const field of sizeFields) {
      const stated = entry[field];
      const found = layer[field];
      if (stated === undefined || found === undefined || stated === found) continue;
      if (field === 'inputSize' && place > 0) continue;
      const problem = `the spec says ${field} ${show(stated)}, the tensors say ${show(found)}`;
      throw new MismatchError(
        `layer ${index} (${show(name)}): ${problem}. Sizes may be left out of the spec.`,
      );
    }
  }
  if (kind === 'embedding' || kind === 'linear') return planned;
  const told: Record<string, unknown> = {};
  for (const field of ['activation', 'resetAfter'])
    if (entry[field] !== undefined) told[field] = entry[field];
  const blocks =
    entry.blocks === undefined ? {} : { blocks: integer(entry.blocks, `layer ${index}: blocks`, 1, maxSize) };
  return planned.map(({ layer, sources }) => ({ layer: { ...layer, ...told }, sources, ...blocks }));
}

function findPlanned(kind: Piece['kind'], name: string, modules: readonly Module[]): PlannedLayer[] {
  const isMatrix = kind === 'embedding' || kind === 'linear';
  const candidates = modules.filter((module) => (module.kind === 'matrix') === isMatrix);
  const named = (wanted: string) =>
    candidates.find(({ prefix }) => prefix === wanted) ??
    (wanted === kind ? candidates.find(({ prefix }) => prefix === '') : undefined);
  const module = named(name);
  const dot = name.lastIndexOf('.');
  const parent = module ?? (isMatrix ? undefined : named(name.slice(0, Math.max(dot, 0))));
  if (parent === undefined) throw missing(kind, name, modules);
  if (parent.kind === 'matrix') return [planMatrix(parent, kind === 'embedding' ? 'embedding' : 'linear')];
  if (parent.kind !== kind) {
    const gates = 'weight_hh has 4·H rows in an LSTM, 3·H in a GRU, H in an RNN (kind "elman")';
    throw new MismatchError(
      `the spec says ${show(name)} is ${kind}, its tensors are those of ${parent.kind}: ${gates}.`,
    );
  }
  const layers = planRecurrent(parent);
  if (module !== undefined) return layers;
  const one = layers.filter((planned, l) => planned.layer.name === name || name.slice(dot + 1) === String(l));
  if (one.length === 0) throw missing(kind, name, modules);
  return one;
}

function missing(kind: string, name: string, modules: readonly Module[]): MismatchError {
  const names = modules.slice(0, 20).map((module) => {
    if (module.kind === 'matrix') return `${show(module.prefix || 'linear')} (embedding or linear)`;
    return `${show(module.prefix || module.kind)} (${module.kind})`;
  });
  const more = modules.length > 20 ? ` and ${modules.length - 20} more` : '';
  return new MismatchError(
    `the spec names ${kind} ${show(name)}; the file has only ${names.join(', ') || 'no modules'}${more}.`,
  );
}

function planRecurrent(module: RecurrentModule): PlannedLayer[] {
  const { kind, prefix, inputSize, hiddenSize, projectionSize, layers, bidirectional } = module;
  const ends = bidirectional ? ['', '_reverse'] : [''];
  const direction = bidirectional ? { direction: 'bidirectional' } : {};
  const projection = projectionSize === undefined ? {} : { projectionSize };
  const found = partsOf(module);
  const needed = [...new Set([...found, 'bias_ih', 'bias_hh'])];
  return Array.from({ length: layers }, (_, l) => {
    const name = `${prefix || kind}.${l}`;
    const sources = ends.flatMap((end) =>
      needed.map((part): [string, string | undefined] => [
        `${name}.${part}${end}`,
        found.includes(part) ? join(prefix, `${part}_l${l}${end}`) : undefined,
      ]),
    );
    const width = l === 0 ? inputSize : ends.length * outputsOf(module);
    return { layer: { kind, name, inputSize: width, hiddenSize, ...projection, ...direction }, sources };
  });
}

function planMatrix(module: MatrixModule, kind: 'embedding' | 'linear'): PlannedLayer {
  const { prefix, rows, columns, bias } = module;
  const name = prefix || kind;
  const sources: PlannedLayer['sources'] = [[`${name}.weight`, join(prefix, 'weight')]];
  if (kind === 'embedding') return { layer: { kind, name, count: rows, size: columns }, sources };
  if (bias) sources.push([`${name}.bias`, join(prefix, 'bias')]);
  return { layer: { kind, name, inputSize: columns, outputSize: rows, bias }, sources };
}

/** A small spec for the reader to correct: what the pieces suggest, as JSON with the names of the file. */
export function suggestHint(pieces: readonly Piece[]): string {
  const layers: Record<string, string>[] = [];
  for (const [index, { module, kind }] of pieces.slice(0, 64).entries()) {
    const name = (module.prefix || kind).slice(0, 500);
    layers.push(kind === 'elman' ? { kind, name, activation: 'tanh' } : { kind, name });
    if (kind === 'linear' && pieces[index + 1]?.kind === 'linear') {
      layers.push({ kind: 'activation', name: `activation.${index}`, activation: 'relu' });
    }
  }
  return JSON.stringify({ layers });
}
