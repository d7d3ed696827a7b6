import { ACTIVATION_ERROR, gamma, UNIT_ROUNDOFF } from '../oracle/tolerance.js';

/**
 * Reverse-mode differentiation over vectors in f64: the chain rule, one operation at a time. Each operation computes
 * its result and notes how a gradient of the result becomes gradients of what it read; `backward` goes through the
 * notes from the last to the first.
 */

/** A vector, or a matrix row after row, with the gradient of the loss with respect to each element. */
export interface Node {
  readonly value: Float64Array;
  readonly gradient: Float64Array;
}

/** What one output of a product reads. */
export interface Reach {
  first: number;
  count: number;
}

/** What a program of less precision has in the place of `value`, when it can be off by `bound`. */
export type Round = (value: number, bound: number) => number;

export const exactly: Round = (value) => value;

export class Tape {
  private readonly notes: (() => void)[] = [];

  /**
   * @param round is asked for the result of every operation, forward and backward
   * @param terms the most terms that any gradient is the sum of, for the bounds given to `round`
   */
  constructor(
    readonly round: Round = exactly,
    private readonly terms = 1,
  ) {}

  /** A value that nothing here computes: an input, a weight. */
  leaf(values: ArrayLike<number>): Node {
    return { value: Float64Array.from(values), gradient: new Float64Array(values.length) };
  }

  private give(x: Node, i: number, part: number, own = 0): void {
    x.gradient[i]! += this.round(part, gamma(this.terms) * Math.abs(part) + own);
  }

  /** Adds to the gradients of all leaves; the last results have been given theirs by the caller. */
  backward(): void {
    for (const note of this.notes.toReversed()) note();
  }

  /**
   * out[u] = Σ_k w[(row + u) · width + k] · x[first + k] for u within 0..height-1 and k within 0..count-1, where `reads` says
   * what u reads; default: the first `width` values of x.
   */
  product(
    w: Node,
    row: number,
    height: number,
    width: number,
    x: Node,
    reads: (u: number) => Reach = () => ({ first: 0, count: width }),
  ): Node {
    const out = this.leaf(new Float64Array(height));
    for (let u = 0; u < height; u++) {
      const { first, count } = reads(u);
      let sum = 0;
      let size = 0;
      for (let k = 0; k < count; k++) {
        const part = w.value[(row + u) * width + k]! * x.value[first + k]!;
        sum += part;
        size += Math.abs(part);
      }
      out.value[u] = this.round(sum, gamma(count) * size);
    }
    this.notes.push(() => {
      for (let u = 0; u < height; u++) {
        const { first, count } = reads(u);
        for (let k = 0; k < count; k++) {
          this.give(w, (row + u) * width + k, out.gradient[u]! * x.value[first + k]!);
          this.give(x, first + k, out.gradient[u]! * w.value[(row + u) * width + k]!);
        }
      }
    });
    return out;
  }

  /** out of places[k] += x[k], from zeros; a place below 0 is none. One place of several values is their sum. */
  scatter(size: number, parts: readonly { x: Node; places: readonly number[] }[]): Node {
    const [sums, sizes] = [new Float64Array(size), new Float64Array(size)];
    const counts = new Int32Array(size);
    for (const { x, places } of parts) {
      for (const [k, place] of places.entries()) {
        if (place < 0) continue;
        sums[place]! += x.value[k]!;
        sizes[place]! += Math.abs(x.value[k]!);
        counts[place]!++;
      }
    }
    const out = this.leaf(
      sums.map((sum, i) => this.round(sum, gamma(Math.max(0, counts[i]! - 1)) * sizes[i]!)),
    );
    this.notes.push(() => {
      for (const { x, places } of parts)
        for (const [k, place] of places.entries()) if (place >= 0) this.give(x, k, out.gradient[place]!);
    });
    return out;
  }

  /** x[first .. first + count - 1] */
  slice(x: Node, first: number, count: number): Node {
    const out = this.leaf(x.value.subarray(first, first + count));
    this.notes.push(() => {
      for (let i = 0; i < count; i++) this.give(x, first + i, out.gradient[i]!);
    });
    return out;
  }

  /** Vectors end to end. */
  join(...parts: readonly Node[]): Node {
    if (parts.length === 1) return parts[0]!;
    const out = this.leaf(parts.flatMap(({ value }) => [...value]));
    this.notes.push(() => {
      let first = 0;
      for (const part of parts) {
        for (let i = 0; i < part.value.length; i++) this.give(part, i, out.gradient[first + i]!);
        first += part.value.length;
      }
    });
    return out;
  }

  /** The sum of vectors of one length. */
  add(...terms: readonly Node[]): Node {
    const out = this.leaf(
      terms[0]!.value.map((_, i) => {
        const parts = terms.map((term) => term.value[i]!);
        const size = parts.reduce((sum, part) => sum + Math.abs(part), 0);
        return this.round(
          parts.reduce((sum, part) => sum + part, 0),
          gamma(parts.length) * size,
        );
      }),
    );
    this.notes.push(() => {
      for (const term of terms) {
        for (let i = 0; i < term.gradient.length; i++) this.give(term, i, out.gradient[i]!);
      }
    });
    return out;
  }

  /** a b, element by element. */
  multiply(a: Node, b: Node): Node {
    const out = this.leaf(
      a.value.map((v, i) => this.round(v * b.value[i]!, UNIT_ROUNDOFF * Math.abs(v * b.value[i]!))),
    );
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries()) {
        this.give(a, i, g * b.value[i]!);
        this.give(b, i, g * a.value[i]!);
      }
    });
    return out;
  }

  /** a / b, element by element. */
  divide(a: Node, b: Node): Node {
    const out = this.leaf(
      a.value.map((v, i) => this.round(v / b.value[i]!, UNIT_ROUNDOFF * Math.abs(v / b.value[i]!))),
    );
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries()) {
        this.give(a, i, g / b.value[i]!);
        this.give(b, i, (-g * out.value[i]!) / b.value[i]!);
      }
    });
    return out;
  }

  /**
   * (x − m) / √(mean of (x − m)² + epsilon), of each `size` elements by themselves, m being their mean, or 0 where they
   * are not to be `centred`. A program has f64 in the midst of it.
   */
  normalise(x: Node, size: number, centred: boolean, epsilon: number): Node {
    const meanOf = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / size;
    const out = this.leaf(x.value);
    for (let first = 0; first < x.value.length; first += size) {
      const own = [...x.value.subarray(first, first + size)];
      const mean = centred ? meanOf(own) : 0;
      const spread = Math.sqrt(meanOf(own.map((v) => (v - mean) ** 2)) + epsilon);
      for (const [i, v] of own.entries()) {
        const n = (v - mean) / spread;
        out.value[first + i] = this.round(n, UNIT_ROUNDOFF * Math.abs(n));
      }
      this.notes.push(() => {
        const n = [...out.value.subarray(first, first + size)];
        const d = [...out.gradient.subarray(first, first + size)];
        const usual = centred ? meanOf(d) : 0;
        const along = meanOf(d.map((g, i) => g * n[i]!));
        for (const [i, g] of d.entries()) this.give(x, first + i, (g - usual - n[i]! * along) / spread);
      });
    }
    return out;
  }

  /** out[i] = Σ_j w[i · steps + j] · x[j][i]: each feature over some steps. */
  convolve(w: Node, x: readonly Node[]): Node {
    const at = (i: number, j: number) => i * x.length + j;
    const out = this.leaf(
      x[0]!.value.map((_, i) => {
        const parts = x.map(({ value }, j) => w.value[at(i, j)]! * value[i]!);
        const size = parts.reduce((sum, part) => sum + Math.abs(part), 0);
        return this.round(
          parts.reduce((sum, part) => sum + part, 0),
          gamma(x.length) * size,
        );
      }),
    );
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries()) {
        for (const [j, step] of x.entries()) {
          this.give(w, at(i, j), g * step.value[i]!);
          this.give(step, i, g * w.value[at(i, j)]!);
        }
      }
    });
    return out;
  }

  /**
   * f of each element; `slope` is f' as a function of the argument and of f's value.
   * @param own what f32 has f off by
   * @param slack what it has the slope off by, beyond a few roundings of its value
   */
  map(
    x: Node,
    f: (v: number) => number,
    slope: (v: number, y: number) => number,
    own: number | ((v: number) => number) = 0,
    slack = 0,
  ): Node {
    const ownAt = typeof own === 'number' ? () => own : own;
    const out = this.leaf(x.value.map((v) => this.round(f(v), ownAt(v))));
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries())
        this.give(x, i, g * slope(x.value[i]!, out.value[i]!), slack * Math.abs(g));
    });
    return out;
  }

  /** The larger of two, element by element; a where `isFirst` says so, whatever b is. */
  larger(a: Node, b: Node, isFirst: (i: number) => boolean): Node {
    return this.choose(a, b, (i) => isFirst(i) || a.value[i]! >= b.value[i]!);
  }

  /** a where `isFirst` says so, else b, element by element. */
  choose(a: Node, b: Node, isFirst: (i: number) => boolean): Node {
    const first = Array.from(a.value, (_, i) => isFirst(i));
    const out = this.leaf(a.value.map((v, i) => (first[i] ? v : b.value[i]!)));
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries()) this.give(first[i] ? a : b, i, g);
    });
    return out;
  }

  sigmoid(x: Node): Node {
    return this.map(
      x,
      (v) => 1 / (1 + Math.exp(-v)),
      (_, y) => y * (1 - y),
      ACTIVATION_ERROR,
    );
  }

  tanh(x: Node): Node {
    return this.map(x, Math.tanh, (_, y) => 1 - y * y, ACTIVATION_ERROR);
  }

  /** max(x, 0); PyTorch takes the slope at 0 to be 0. */
  relu(x: Node): Node {
    return this.map(
      x,
      (v) => Math.max(v, 0),
      (v) => (v > 0 ? 1 : 0),
    );
  }
}
