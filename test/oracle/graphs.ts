import fc from 'fast-check';
import { seededRandom } from '#dist/base/random.js';
import { type FunctionName, functions } from '#dist/model/functions.js';
import { combineCodes } from '#dist/model/kinds.js';
import type { DelaySpec, Direction, LayerSpec, ModelSpec } from '#dist/model/spec.js';
import { edgeSizes } from './arbitraries.js';
import { divisorsOf } from './blocks.js';

const directions: readonly Direction[] = ['forward', 'reverse', 'bidirectional'];
const cells = ['lstm', 'gru', 'gruBefore', 'elman'] as const;
const names = Object.keys(functions) as FunctionName[];

/**
 * Graphs of up to nine layers of every kind, each of which reads one to three of those before it, side by side or one
 * with another; the last one reads what nobody has read.
 * @param reverses whether recurrent layers may go backward too
 * @param delays how many delays there are at most, each of which reads any layer, mostly a later one
 */
export function graph(reverses: boolean, delays = 0): fc.Arbitrary<ModelSpec> {
  return fc
    .record({ seed: fc.integer(), layers: fc.integer({ min: 1, max: 8 }), ids: fc.boolean() })
    .map(({ seed, layers, ids }) => new Grower(seed, reverses, ids, delays).grow(layers));
}

/** A model of one graph after another. */
class Grower {
  readonly #random: () => number;
  readonly #layers: LayerSpec[] = [];
  /** what can be read: names and widths */
  readonly #given: { name: string; width: number }[] = [];
  readonly #unread = new Set<string>();
  /** delays that read nothing yet */
  readonly #open: DelaySpec[] = [];

  constructor(
    seed: number,
    readonly reverses: boolean,
    readonly ids: boolean,
    readonly delays: number,
  ) {
    this.#random = seededRandom(seed);
  }

  grow(count: number): ModelSpec {
    const width = this.#pick(edgeSizes);
    if (this.ids) this.#add({ kind: 'embedding', name: 'e', count: 11, size: width }, [], width);
    else {
      this.#given.push({ name: 'input', width });
      this.#addOne(['input'], width);
    }
    for (let k = 0; k < count; k++) {
      if (this.#open.length < this.delays && (k === 0 || this.#random() < 0.3)) this.#addDelay();
      if (this.#random() < 0.25) this.#addCombination();
      else {
        const read = Array.from({ length: 1 + this.#below(3) }, () => this.#pick(this.#given));
        this.#addOne(
          read.map(({ name }) => name),
          read.reduce((sum, each) => sum + each.width, 0),
        );
      }
    }
    for (const delay of this.#open) this.#close(delay);
    this.#reachAll();
    const rest = this.#given.filter(({ name }) => this.#unread.has(name));
    if (rest.length > 1)
      this.#addOne(
        rest.map(({ name }) => name),
        rest.reduce((sum, each) => sum + each.width, 0),
      );
    else if (rest[0]!.name !== this.#layers.at(-1)!.name) this.#addOne([rest[0]!.name], rest[0]!.width);
    return { layers: this.#layers };
  }

  #addDelay(): void {
    const [name, size] = [`l${this.#layers.length}`, this.#pick(edgeSizes)];
    const delay: DelaySpec = { kind: 'delay', name, size, steps: this.#pick([1, 1, 2, 3]) };
    this.#open.push(delay);
    this.#add(delay, [], size);
  }

  /** A delay reads what is as wide as it is: as it stands, cut, or through a linear layer. */
  #close(delay: DelaySpec): void {
    const { size } = delay;
    const last = this.#given.slice(-4).filter(({ name }) => name !== 'input');
    const source = this.#random() < 0.97 ? this.#pick(last) : { name: delay.name, width: size };
    const name = `l${this.#layers.length}`;
    const { width } = source;
    if (width > size) {
      const from = this.#below(width - size);
      const slice: LayerSpec = { kind: 'slice', name, inputSize: width, from, to: from + size };
      this.#add(slice, [source.name], size);
    } else if (width < size || this.#random() < 0.2) {
      this.#add({ kind: 'linear', name, inputSize: width, outputSize: size }, [source.name], size);
    }
    const read = this.#layers.at(-1)!.name === name ? name : source.name;
    delay.inputs = [read];
    if (this.#random() < 0.5) this.#unread.delete(read);
  }

  /** What only feeds back is read at the end, too. */
  #reachAll(): void {
    const sources = new Map(this.#layers.map(({ name, inputs }) => [name, inputs ?? []]));
    const reached = new Set(this.#unread);
    const reach = () => {
      for (const name of reached) for (const source of sources.get(name) ?? []) reached.add(source);
    };
    reach();
    for (const { name } of [...this.#layers].reverse()) {
      if (reached.has(name)) continue;
      this.#unread.add(name);
      reached.add(name);
      reach();
    }
  }

  #addOne(inputs: string[], width: number): void {
    const name = `l${this.#layers.length}`;
    const size = this.#pick(edgeSizes);
    // The first layer says how wide the input is.
    const isFirst = this.#layers.length === 0;
    const kind = this.#pick([
      'recurrent',
      'recurrent',
      'linear',
      'activation',
      'scale',
      'norm',
      'slice',
      'shuffle',
    ] as const);
    const direction = this.reverses ? { direction: this.#pick(directions) } : {};
    switch (isFirst && kind === 'activation' ? 'linear' : kind) {
      case 'recurrent': {
        const blocks = this.#pick([1, 1, size]);
        const read = this.#blocksOf(width, size);
        const inputBlocks = read === 1 ? {} : { inputBlocks: read };
        const shared = { name, inputSize: width, hiddenSize: size, blocks, ...inputBlocks, ...direction };
        const cell = this.#pick(cells);
        const both = direction.direction === 'bidirectional' ? 2 : 1;
        const beyond = this.#random() < 0.3 ? { peepholes: true, coupled: true } : {};
        if (cell === 'lstm') this.#add({ kind: cell, ...shared, ...beyond }, inputs, size * both);
        else if (cell === 'elman') this.#add({ kind: cell, ...shared }, inputs, size * both);
        else this.#add({ kind: 'gru', ...shared, resetAfter: cell === 'gru' }, inputs, size * both);
        return;
      }
      case 'linear': {
        const blocks = this.#blocksOf(width, size);
        const own = blocks === 1 ? {} : { blocks };
        this.#add({ kind: 'linear', name, inputSize: width, outputSize: size, ...own }, inputs, size);
        return;
      }
      case 'activation': {
        const activation = this.#pick([...names, 'softmax', 'logSoftmax'] as const);
        this.#add({ kind: 'activation', name, activation }, inputs, width);
        return;
      }
      case 'scale':
        this.#add({ kind: 'scale', name, size: width }, inputs, width);
        return;
      case 'norm': {
        const groups = width % 3 === 0 ? 3 : 1;
        const norm = this.#pick(['layer', 'rms'] as const);
        this.#add({ kind: 'norm', name, size: width, norm, groups, epsilon: 1e-2 }, inputs, width);
        return;
      }
      case 'shuffle':
        this.#add({ kind: 'shuffle', name, size: width }, inputs, width);
        return;
      case 'slice': {
        const from = this.#below(width);
        const to = from + 1 + this.#below(width - from);
        this.#add({ kind: 'slice', name, inputSize: width, from, to }, inputs, to - from);
        return;
      }
    }
  }

  /** Two or three of one width; what is divided by is a sigmoid, which is far from 0. */
  #addCombination(): void {
    const first = this.#pick(this.#given);
    const same = this.#given.filter(({ width }) => width === first.width);
    const combine = this.#pick(Object.keys(combineCodes) as (keyof typeof combineCodes)[]);
    const more = Array.from({ length: 1 + this.#below(2) }, () => this.#pick(same).name);
    if (combine === 'divide') {
      const name = `l${this.#layers.length}`;
      this.#add({ kind: 'activation', name, activation: 'sigmoid' }, [more[0]!], first.width);
      more.splice(0, 2, name);
    }
    const name = `l${this.#layers.length}`;
    this.#add({ kind: 'combine', name, combine, inputs: [] }, [first.name, ...more], first.width);
  }

  #add(layer: LayerSpec, inputs: string[], width: number): void {
    this.#layers.push(inputs.length === 0 ? layer : { ...layer, inputs });
    for (const name of inputs) this.#unread.delete(name);
    this.#unread.add(layer.name);
    this.#given.push({ name: layer.name, width });
  }

  /** One, or any number of blocks that two sizes have in common. */
  #blocksOf(width: number, size: number): number {
    return this.#pick([1, this.#pick(divisorsOf(width).filter((k) => size % k === 0))]);
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)]!;
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }
}
