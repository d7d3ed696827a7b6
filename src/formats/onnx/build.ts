import { MismatchError, UnsupportedError } from '../../base/errors.js';
import { checkSpec } from '../../model/check.js';
import { type FunctionName, functions } from '../../model/functions.js';
import { endOf } from '../../model/recurrent.js';
import type { LayerSpec, ModelSpec } from '../../model/spec.js';
import { checkTensors, type Tensors } from '../../model/tensors.js';
import { type Link, nameNode, type Part, type Source, unsupported } from './values.js';
import type { Walk } from './walk.js';

type Recurrent = Extract<Link, { kind: 'recurrent' }>;

const maxLayers = 1000;

/**
 * The layers that lead to the output, in an order in which they can run. All recurrent ones agree on which axes are
 * steps and streams, and on whether there are lengths.
 * @throws UnsupportedError where they do not, and for too many
 */
export function collectLinks(output: Link): Link[] {
  let links = reach(output);
  const all = new Set(links);
  // Nodes that are read by themselves too are no blocks: else they would run twice.
  const doubled = links.filter(
    (link): link is Recurrent => link.kind === 'recurrent' && link.apart.some((one) => all.has(one)),
  );
  for (const link of doubled) {
    const { id, width, node, apart } = link;
    for (const key of Object.keys(link)) delete (link as Partial<Record<string, unknown>>)[key];
    Object.assign(link, { id, width, node, sources: apart, kind: 'activation', activation: 'identity' });
  }
  if (doubled.length > 0) links = reach(output);
  const [one, ...others] = links.filter((link) => link.kind === 'recurrent');
  for (const other of others) {
    const [a, b] = [nameNode(one!.parts[0]!.node), nameNode(other.parts[0]!.node)];
    if (other.time !== one!.time || other.batch !== one!.batch)
      throw new UnsupportedError(`${b} runs along another axis than ${a}.`, 'onnx axes');
    if (other.hasLengths !== one!.hasLengths)
      throw new UnsupportedError(`only one of ${a} and ${b} has sequence_lens.`, 'onnx sequence_lens');
  }
  return links;
}

function reach(output: Link): Link[] {
  const reached = new Set<Link>([output]);
  for (const { sources } of reached)
    for (const source of sources) if (source !== undefined) reached.add(source);
  if (reached.size > maxLayers)
    throw new UnsupportedError(`the graph has more than ${maxLayers} layers.`, 'onnx size');
  return [...reached].sort((a, b) => a.id - b.id);
}

/** @param names of the layers, where the file says what they are */
export function build(
  walk: Walk,
  links: readonly Link[],
  names: readonly string[] | undefined,
): { spec: ModelSpec; tensors: Tensors } {
  const tensors: Tensors = {};
  const layers: LayerSpec[] = [];
  const named = new Map<Source, string>([[undefined, 'input']]);
  const first = links[0]!;
  if (first.sources.length > 1 || ['activation', 'combine'].includes(first.kind)) {
    // The first layer of a spec says how many features come in.
    const size = walk.width ?? 0;
    const name = uniqueName('features', names);
    layers.push({ kind: 'slice', name, inputSize: size, from: 0, to: size });
    named.set(undefined, name);
  }
  for (const [index, link] of links.entries()) {
    const name = names?.[index] ?? `${kindName(link)}.${index}`;
    const inputs = link.sources.map((source) => named.get(source)!);
    named.set(link, name);
    layers.push({ ...buildLayer(walk, link, name, tensors), inputs } as LayerSpec);
  }
  try {
    const spec = checkSpec({ layers });
    return { spec, tensors: checkTensors(spec, tensors) };
  } catch (cause) {
    if (cause instanceof MismatchError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(`this graph makes no model that can be run: ${problem}`, 'onnx model shape');
  }
}

function uniqueName(name: string, taken: readonly string[] = []): string {
  return taken.includes(name) ? uniqueName(`${name}'`, taken) : name;
}

function kindName(link: Link): string {
  if (link.kind === 'activation') return link.activation;
  return link.kind === 'recurrent' ? link.parts[0]!.kind : link.kind === 'combine' ? link.combine : link.kind;
}

type Bare = Record<string, unknown> & { kind: LayerSpec['kind']; name: string };

function buildLayer(walk: Walk, link: Link, name: string, tensors: Tensors): Bare {
  const { width } = link;
  const add = (field: string, data: Float32Array, ...shape: number[]) => {
    tensors[`${name}.${field}`] = { shape, data };
  };
  switch (link.kind) {
    case 'recurrent':
      return buildRecurrent(walk, link, name, tensors);
    case 'embedding':
      add('weight', link.weight, link.count, width);
      return { kind: 'embedding', name, count: link.count, size: width };
    case 'linear': {
      const { inputSize, weight, bias } = link;
      add('weight', weight, width, inputSize);
      if (bias !== undefined) add('bias', bias, width);
      return { kind: 'linear', name, inputSize, outputSize: width, bias: bias !== undefined };
    }
    case 'scale':
      add('weight', link.weight, width);
      add('bias', link.bias ?? new Float32Array(width), width);
      return { kind: 'scale', name, size: width };
    case 'norm': {
      const { norm, groups, epsilon, weight, bias } = link;
      add('weight', weight ?? new Float32Array(width).fill(1), width);
      if (norm === 'layer') add('bias', bias ?? new Float32Array(width), width);
      return { kind: 'norm', name, size: width, norm, groups, epsilon };
    }
    case 'activation':
      return { kind: 'activation', name, activation: link.activation, ...takenOf(link) };
    case 'combine':
      return { kind: 'combine', name, combine: link.combine };
    case 'slice': {
      const { inputSize, from, to } = link;
      return { kind: 'slice', name, inputSize, from, to };
    }
    default:
      throw unsupported(link.node, 'it takes the mean from features, and no norm follows', 'input');
  }
}

/** Alpha and beta where they are not the defaults. */
function takenOf(link: Extract<Link, { kind: 'activation' }>): { alpha?: number; beta?: number } {
  const normal = Object.hasOwn(functions, link.activation)
    ? (functions[link.activation as FunctionName] as readonly number[])
    : [];
  return {
    ...(link.alpha === undefined || link.alpha === normal[0] ? {} : { alpha: link.alpha }),
    ...(link.beta === undefined || link.beta === normal[1] ? {} : { beta: link.beta }),
  };
}

/** A layer of N blocks out of N nodes; what a node does not read of the input has weights of zero. */
function buildRecurrent(walk: Walk, { parts, sources }: Recurrent, name: string, tensors: Tensors): Bare {
  const [first] = parts as [Part];
  const { kind, units, directions, fields } = first;
  const blocks = parts.length;
  const hiddenSize = blocks * units;
  const isWhole = blocks === 1;
  const inputSize = isWhole
    ? first.inputSize
    : sources.reduce((sum, source) => sum + (source?.width ?? walk.width ?? first.inputSize), 0);
  const shapes: Record<string, number> = { weight_ih: inputSize, weight_hh: units };
  for (const [d, direction] of directions.entries()) {
    for (const [field, own] of Object.entries(first.weights[d]!)) {
      const columns = shapes[field];
      const width = columns ?? 1;
      const ownWidth = field === 'weight_ih' ? first.inputSize : width;
      const gates = own.length / (units * ownWidth);
      const rows = gates * hiddenSize;
      walk.spend(rows * width);
      const data = new Float32Array(rows * width);
      for (const [block, part] of parts.entries()) {
        const from = field === 'weight_ih' && !isWhole ? part.from : 0;
        const values = part.weights[d]![field]!;
        for (let row = 0; row < gates * units; row++) {
          const to = Math.floor(row / units) * hiddenSize + block * units + (row % units);
          data.set(values.subarray(row * ownWidth, (row + 1) * ownWidth), to * width + from);
        }
      }
      const shape = columns === undefined ? [rows] : [rows, columns];
      tensors[`${name}.${field}${endOf(direction)}`] = { shape, data };
    }
  }
  const direction = directions.length === 2 ? 'bidirectional' : directions[0];
  return { kind, name, inputSize, hiddenSize, blocks, ...fields, direction };
}
