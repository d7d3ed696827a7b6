import { UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { sizeOf } from './arrays.js';
import { type Axis, axisOf, features, joined } from './axes.js';
import type { Graph, Node, ValueInfo } from './proto.js';
import {
  type ArrayValue,
  constantOf,
  type Flow,
  type Link,
  type LinkKind,
  once,
  type Source,
  type Value,
} from './values.js';
import { broken } from './wire.js';

const recurrentOps = new Set(['LSTM', 'GRU', 'RNN']);
const maxStates = 2 ** 20;

/** The graph's inputs that are states, by the numbers of their elements, and the one that is not. */
export interface Inputs {
  x: ValueInfo;
  states: { name: string; value: ArrayValue; first: number }[];
  /** the name of that which says how long each stream is */
  lengths: string | undefined;
}

/** A graph that is being walked through: what is known of each value. */
export class Walk {
  readonly values = new Map<string, Value>();
  readonly opset: number;
  readonly inputs: Inputs;
  /** features of x, where it says so */
  width: number | undefined;
  /** sizes of the axes of x, by their places */
  readonly #sizes: (number | undefined)[] = [];
  readonly #kept = new Map<string, Link>();
  #links = 0;
  #numbered = 0;
  #spent = 0;
  readonly #budget: number;

  /** @param evaluate tells what a node makes of its inputs */
  constructor(
    graph: Graph,
    fileBytes: number,
    readonly evaluate: (walk: Walk, node: Node) => readonly Value[],
  ) {
    this.opset = graph.opset;
    // Weights that nodes share, and moves of axes, may make more of a file than is in it; within reason.
    this.#budget = Math.max(2 ** 22, 8 * fileBytes);
    for (const [name, tensor] of graph.constants) this.values.set(name, constantOf(tensor));
    this.inputs = this.#findInputs(graph);
    for (const node of graph.nodes) this.#enter(node);
  }

  /** A new layer. */
  link(node: Node, width: number, sources: readonly Source[], kind: LinkKind): Link {
    return { ...kind, id: this.#links++, width, node, sources };
  }

  /** The layer that has been made under this key, or a new one. */
  once(key: string, make: () => Link): Link {
    const kept = this.#kept.get(key) ?? make();
    this.#kept.set(key, kept);
    return kept;
  }

  /** Gives numbers to so many elements of states, and returns the first. */
  number(count: number): number {
    const first = this.#numbered;
    this.#numbered += count;
    if (this.#numbered > maxStates)
      throw new UnsupportedError(`the states have more than ${maxStates} values.`, 'onnx state size');
    return first;
  }

  /** Counts values that are made. @throws UnsupportedError when they are many times those of the file */
  spend(count: number): void {
    this.#spent += count;
    if (!(this.#spent <= this.#budget)) {
      throw new UnsupportedError(
        'the graph makes many times more values of its constants than the file holds.',
        'onnx size',
      );
    }
  }

  /** The value of this name. @throws FormatError when no node before makes it; what its node threw */
  get(name: string, at: number): Value {
    const value = this.values.get(name);
    if (value === undefined) throw broken(`nothing makes the value ${show(name)} before it is read`, at);
    if (value.kind === 'failed') throw value.error;
    return value;
  }

  /** Which axis of the model a group is, all of it; undefined for parts and for mixtures, 'one' for none. */
  whole(axis: Axis, { width }: Pick<Flow, 'width'>): number | 'one' | undefined {
    const atoms = joined(axis);
    if (atoms.length === 0) return 'one';
    const [atom] = atoms;
    if (atoms.length > 1 || atom!.stride !== 1) return undefined;
    const size = atom!.axis === features ? width : this.#sizes[atom!.axis];
    return atom!.size === size ? atom!.axis : undefined;
  }

  #enter(node: Node): void {
    let results: readonly Value[];
    try {
      results = this.evaluate(this, node);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      results = node.outputs.map(() => ({ kind: 'failed', error }));
    }
    for (const [index, name] of node.outputs.entries()) {
      if (name === '') continue;
      const error = new UnsupportedError(
        `output ${index} of a node ${node.op} is not supported.`,
        `onnx ${node.op} output`,
      );
      this.values.set(name, results[index] ?? { kind: 'failed', error });
    }
  }

  #findInputs(graph: Graph): Inputs {
    const isState = findNames(graph, 5, 7);
    const isLengths = findNames(graph, 4, 5);
    const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    const states: Inputs['states'] = [];
    let x: ValueInfo | undefined;
    let lengths: string | undefined;
    for (const info of graph.inputs) {
      if (this.values.has(info.name) || !read.has(info.name)) continue;
      if (isState(info.name)) {
        const value = this.#stateOf(info);
        this.values.set(info.name, value.value);
        states.push(value);
      } else if (isLengths(info.name)) {
        if (lengths !== undefined)
          throw new UnsupportedError(
            `the graph has two inputs that are lengths, ${show(lengths)} and ${show(info.name)}; one is supported.`,
            'onnx inputs',
          );
        lengths = info.name;
        this.values.set(info.name, { kind: 'lengths' });
      } else if (x === undefined) {
        x = info;
        this.values.set(info.name, this.#flowOf(info));
      } else {
        throw new UnsupportedError(
          `the graph has two inputs that are no states, ${show(x.name)} and ${show(info.name)}; one is supported.`,
          'onnx inputs',
        );
      }
    }
    if (x === undefined) throw new UnsupportedError('the graph has no input but states.', 'onnx inputs');
    return { x, states, lengths };
  }

  #flowOf({ name, type, shape }: ValueInfo): Flow {
    const isIds = type === 6 || type === 7;
    if (shape === undefined || !(isIds || [1, 10, 11, 16].includes(type)))
      throw new UnsupportedError(
        `the input ${show(name)} has no shape, or is of another type than float, int32 and int64.`,
        'onnx inputs',
      );
    this.#sizes.push(...shape);
    const last = isIds ? -1 : shape.length - 1;
    this.width = shape[last];
    const axes = shape.map((size, place) => axisOf(place === last ? features : place, size));
    return { kind: 'flow', axes, chain: undefined, width: this.width, from: 0, isIds };
  }

  #stateOf({ name, shape }: ValueInfo): Inputs['states'][number] {
    const open = (shape ?? []).filter((size) => size === undefined).length;
    if (shape === undefined || open > 1) {
      throw new UnsupportedError(
        `the state ${show(name)} must have a shape with one size open at most.`,
        'onnx state shape',
      );
    }
    const dims = shape.map((size) => size ?? 1);
    const count = sizeOf(dims);
    const first = this.number(count);
    const batch = open === 1 ? shape.indexOf(undefined) : undefined;
    const value: ArrayValue = {
      kind: 'state',
      dims,
      batch,
      isInteger: false,
      data: once(() => Int32Array.from({ length: count }, (_, i) => first + i)),
    };
    return { name, value, first };
  }
}

/**
 * Which values lead to these inputs of recurrent nodes, without a recurrent node between, and other than by their
 * shapes.
 */
function findNames(graph: Graph, from: number, to: number): (name: string) => boolean {
  const names = new Set<string>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const { op, inputs, outputs } = graph.nodes[i]!;
    if (recurrentOps.has(op)) {
      for (const name of inputs.slice(from, to)) if (name !== '') names.add(name);
    } else if (op !== 'Shape' && outputs.some((name) => names.has(name))) {
      // The first input has the data; those after it say what is done to them, except where all are joined.
      for (const name of op === 'Concat' ? inputs : inputs.slice(0, 1)) names.add(name);
    }
  }
  return (name) => names.has(name);
}
