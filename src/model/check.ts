import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { oneOf, show } from '../base/guards.js';
import { Given } from './given.js';
import { kindOf, kinds } from './kinds.js';
import type { LayerSpec, ModelSpec } from './spec.js';
import { sourcesOf, widthsOf } from './wiring.js';

const maxLayers = 1000;
const names = Object.keys(kinds) as LayerSpec['kind'][];

/**
 * Checks a spec that may come from anywhere and returns a fresh copy with every default written out.
 * @throws TypeError, RangeError naming the layer and the field
 */
export function checkSpec(value: unknown): ModelSpec {
  if (value === null || typeof value !== 'object' || !Array.isArray((value as ModelSpec).layers)) {
    throw new ArgumentTypeError(`a spec must be an object { layers: [...] }, got ${show(value)}.`);
  }
  const { layers } = value as { layers: unknown[] };
  if (layers.length === 0 || layers.length > maxLayers) {
    throw new ArgumentRangeError(`a spec must have 1..${maxLayers} layers, got ${layers.length}.`);
  }
  const spec: ModelSpec = { layers: [] };
  for (const [index, entry] of layers.entries()) {
    const layer = checkLayer(entry, index, layers);
    if (spec.layers.some(({ name }) => name === layer.name))
      throw new ArgumentRangeError(`two layers are named ${show(layer.name)}.`);
    spec.layers.push(layer);
  }
  checkWiring(spec);
  return spec;
}

function checkLayer(value: unknown, index: number, layers: readonly unknown[]): LayerSpec {
  if (value === null || typeof value !== 'object') {
    throw new ArgumentTypeError(`layer ${index} must be an object, got ${show(value)}.`);
  }
  const fields = value as Record<string, unknown>;
  const kind = oneOf(fields.kind, `layer ${index}: kind`, names);
  const { name } = fields;
  if (typeof name !== 'string' || name === '' || name.length > 500) {
    throw new ArgumentTypeError(
      `layer ${index}: name must be a string of 1..500 characters, got ${show(name)}.`,
    );
  }
  const given = new Given(fields, `layer ${index} (${name})`);
  const own = kinds[kind].check(given);
  const inputs = checkInputs(given, index, layers);
  return { kind, name, ...own, ...(inputs === undefined ? {} : { inputs }) } as LayerSpec;
}

/** What a layer says that it reads; undefined for the one before it. */
function checkInputs(given: Given, index: number, layers: readonly unknown[]): string[] | undefined {
  const value = given.fields.inputs;
  if (value === undefined) return undefined;
  const what = given.what('inputs');
  if (!Array.isArray(value) || value.length === 0 || value.length > maxLayers)
    throw new ArgumentTypeError(`${what} must be a list of layers' names, got ${show(value)}.`);
  for (const each of value)
    if (typeof each !== 'string') throw new ArgumentTypeError(`${what} must be names, got ${show(each)}.`);
  const before = index === 0 ? 'input' : (layers[index - 1] as { name?: unknown }).name;
  return value.length === 1 && value[0] === before ? undefined : [...(value as string[])];
}

/** Every layer reads what is there and as wide as it wants it, and is read. */
function checkWiring(spec: ModelSpec): void {
  const { layers } = spec;
  const hasInput = layers.findIndex(({ name }) => name === 'input');
  if (hasInput >= 0 && layers.some(({ inputs }) => inputs !== undefined))
    throw new ArgumentRangeError(`layer ${hasInput}: in a graph the name "input" is that of what goes in.`);
  const sources = sourcesOf(spec);
  const [first] = layers;
  if (sources[0]!.some((source) => source >= 0))
    throw new ArgumentRangeError(
      `layer 0 (${first!.name}) must read the model's input alone, because it tells how wide that is; put a slice of all of it first.`,
    );
  const input = first!.kind === 'embedding' ? 0 : kindOf(first!).reads(first!);
  if (input === undefined)
    throw new ArgumentRangeError(
      `layer 0 (${first!.name}): an ${first!.kind} needs a layer before it, which says how wide the input is.`,
    );
  const widths = widthsOf(spec);
  const read = new Set<number>();
  for (const [index, layer] of layers.entries()) {
    const where = `layer ${index} (${layer.name})`;
    for (const source of sources[index]!) read.add(source);
    if (layer.kind === 'embedding') {
      if (sources[index]!.some((source) => source !== -1) || sources[index]!.length !== 1)
        throw new ArgumentRangeError(
          `${where}: an embedding takes ids, so it can only read the model's input.`,
        );
      if (input !== 0)
        throw new ArgumentRangeError(
          `${where}: an embedding takes ids, and the model's input is what layer 0 (${first!.name}) reads, floats.`,
        );
    } else if (input === 0 && sources[index]!.includes(-1)) {
      throw new ArgumentRangeError(`${where}: the model's input is ids, which only an embedding reads.`);
    }
    const found = sources[index]!.map((source) => (source < 0 ? input : widths[source]!));
    if (layer.kind === 'combine') {
      if (found.length < 2 || found.some((width) => width !== found[0]))
        throw new ArgumentRangeError(
          `${where}: inputs must be two or more of the same width; they are ${found.join(', ')}.`,
        );
      continue;
    }
    const wanted = layer.kind === 'embedding' ? undefined : kindOf(layer).reads(layer);
    const width = found.reduce((sum, each) => sum + each, 0);
    if (wanted !== undefined && wanted !== width) {
      const field = 'size' in layer ? 'size' : 'inputSize';
      const whose = layer.inputs === undefined ? 'the layer before it gives' : 'its inputs give';
      throw new ArgumentRangeError(`${where}: ${field} is ${wanted}, but ${whose} ${width}.`);
    }
  }
  const idle = layers.findIndex((_, index) => index < layers.length - 1 && !read.has(index));
  if (idle >= 0)
    throw new ArgumentRangeError(
      `layer ${idle} (${layers[idle]!.name}): no layer reads it, and only the last one is the output.`,
    );
  const reached = reachedFrom(layers.length - 1, sources);
  const lost = layers.findIndex((_, index) => !reached.has(index));
  if (lost >= 0)
    throw new ArgumentRangeError(
      `layer ${lost} (${layers[lost]!.name}): only layers that feed back into it read it; none of it reaches the last one, the output.`,
    );
}

/** What a layer is made of, directly or not, and itself. */
function reachedFrom(last: number, sources: readonly number[][]): Set<number> {
  const reached = new Set([last]);
  for (const index of reached) for (const source of sources[index]!) if (source >= 0) reached.add(source);
  return reached;
}
