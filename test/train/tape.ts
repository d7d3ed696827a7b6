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

export class Tape {
  private readonly notes: (() => void)[] = [];

  /** A value that nothing here computes: an input, a weight. */
  leaf(values: ArrayLike<number>): Node {
    return { value: Float64Array.from(values), gradient: new Float64Array(values.length) };
  }

  /** Adds to the gradients of all leaves; the last results have been given theirs by the caller. */
  backward(): void {
    for (const note of this.notes.toReversed()) note();
  }

  /**
   * out[u] = Σ_k w[(row + u) · width + k] · x[origin(u) + k] for u within 0..height-1. origin is 0; with `blocks` it
   * is the first unit of u's block, so that unit u reads its own block alone: floor(u / width) · width.
   */
  product(w: Node, row: number, height: number, width: number, x: Node, blocks = false): Node {
    const origin = (u: number) => (blocks ? u - (u % width) : 0);
    const out = this.leaf(new Float64Array(height));
    for (let u = 0; u < height; u++) {
      for (let k = 0; k < width; k++)
        out.value[u]! += w.value[(row + u) * width + k]! * x.value[origin(u) + k]!;
    }
    this.notes.push(() => {
      for (let u = 0; u < height; u++) {
        for (let k = 0; k < width; k++) {
          w.gradient[(row + u) * width + k]! += out.gradient[u]! * x.value[origin(u) + k]!;
          x.gradient[origin(u) + k]! += out.gradient[u]! * w.value[(row + u) * width + k]!;
        }
      }
    });
    return out;
  }

  /** x[first .. first + count - 1] */
  slice(x: Node, first: number, count: number): Node {
    const out = this.leaf(x.value.subarray(first, first + count));
    this.notes.push(() => {
      for (let i = 0; i < count; i++) x.gradient[first + i]! += out.gradient[i]!;
    });
    return out;
  }

  /** The sum of vectors of one length. */
  add(...terms: readonly Node[]): Node {
    const out = this.leaf(
      terms[0]!.value.map((_, i) => terms.reduce((sum, term) => sum + term.value[i]!, 0)),
    );
    this.notes.push(() => {
      for (const term of terms) {
        for (let i = 0; i < term.gradient.length; i++) term.gradient[i]! += out.gradient[i]!;
      }
    });
    return out;
  }

  /** a b, element by element. */
  multiply(a: Node, b: Node): Node {
    const out = this.leaf(a.value.map((v, i) => v * b.value[i]!));
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries()) {
        a.gradient[i]! += g * b.value[i]!;
        b.gradient[i]! += g * a.value[i]!;
      }
    });
    return out;
  }

  /** f of each element; `slope` is f' as a function of the argument and of f's value. */
  map(x: Node, f: (v: number) => number, slope: (v: number, y: number) => number): Node {
    const out = this.leaf(x.value.map(f));
    this.notes.push(() => {
      for (const [i, g] of out.gradient.entries()) x.gradient[i]! += g * slope(x.value[i]!, out.value[i]!);
    });
    return out;
  }

  sigmoid(x: Node): Node {
    return this.map(
      x,
      (v) => 1 / (1 + Math.exp(-v)),
      (_, y) => y * (1 - y),
    );
  }

  tanh(x: Node): Node {
    return this.map(x, Math.tanh, (_, y) => 1 - y * y);
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
