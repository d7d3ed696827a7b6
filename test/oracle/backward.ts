import type { CellKind } from './arbitraries.js';
import {
  add,
  affine,
  type Bounded,
  blend,
  exact,
  type Matrix,
  multiply,
  relu,
  sigmoid,
  tanh,
} from './bounded.js';

/**
 * Back-propagation through time of one part of a recurrent layer, for one stream, written plainly, and with what an f32
 * program may be off by: the running error analysis of bounded.ts goes on through the backward pass, since that
 * is made of the same operations.
 */
export interface Passage {
  kind: CellKind;
  units: number;
  /** valid steps; later ones hand nothing back */
  length: number;
  /** [T][G] input halves of the pre-activations */
  z: readonly (readonly ArrayLike<number>[])[];
  /** [T][G] what is added to the recurrent halves, apart from the others only in a GRU that resets after */
  s: readonly (readonly ArrayLike<number>[])[];
  /** [G] recurrent weights [units, units] */
  w: readonly Matrix[];
  /** the state before step 0 */
  h: ArrayLike<number>;
  c: ArrayLike<number>;
  /** [T] gradients of the outputs */
  dy: readonly ArrayLike<number>[];
}

export interface Passed {
  /** [T] */
  y: Bounded[];
  c: Bounded[];
  /** [T][G] dL/dz */
  dz: Bounded[][];
  /** [T][G] dL/ds; differs from dz only in a GRU that resets after */
  ds: Bounded[][];
  /** [T] r ∘ h of a GRU that resets before */
  q: Bounded[];
}

/** What one step hands back. */
interface Back {
  dz: Bounded[];
  ds?: Bounded[];
  dh: Bounded;
  dc: Bounded;
}

interface Step {
  h: Bounded;
  c: Bounded;
  q?: Bounded;
  /** from what arrives at h and c */
  back(dh: Bounded, dc: Bounded): Back;
}

type Forward = (
  passage: Passage,
  z: readonly ArrayLike<number>[],
  s: readonly ArrayLike<number>[],
  h: Bounded,
  c: Bounded,
) => Step;

const forwards: Readonly<Record<CellKind, Forward>> = {
  lstm({ w }, z, _, h, before) {
    const [i, f, g, o] = w.map((matrix, gate) => {
      const x = affine([{ matrix, vector: h }], [z[gate]!]);
      return gate === 2 ? tanh(x) : sigmoid(x);
    }) as [Bounded, Bounded, Bounded, Bounded];
    const c = add(multiply(f, before), multiply(i, g));
    const t = tanh(c);
    return {
      h: multiply(o, t),
      c,
      back(d, dc) {
        const e = add(multiply(multiply(d, o), tanhSlope(t)), dc);
        const dz = [
          multiply(multiply(e, g), sigmoidSlope(i)),
          multiply(multiply(e, before), sigmoidSlope(f)),
          multiply(multiply(e, i), tanhSlope(g)),
          multiply(multiply(d, t), sigmoidSlope(o)),
        ];
        return { dz, dh: handBack(w, dz), dc: multiply(e, f) };
      },
    };
  },

  gruAfter({ w }, z, s, h, c) {
    const [hr, hu, hn] = w.map((matrix, gate) => affine([{ matrix, vector: h }], [s[gate]!])) as [
      Bounded,
      Bounded,
      Bounded,
    ];
    const r = sigmoid(add(exact(z[0]!), hr));
    const u = sigmoid(add(exact(z[1]!), hu));
    const n = tanh(add(exact(z[2]!), multiply(r, hn)));
    return {
      h: blend(u, n, h),
      c,
      back(d, dc) {
        const dn = multiply(multiply(d, complement(u)), tanhSlope(n));
        const dr = multiply(multiply(dn, hn), sigmoidSlope(r));
        const du = multiply(multiply(d, subtract(h, n)), sigmoidSlope(u));
        const ds = [dr, du, multiply(dn, r)];
        return { dz: [dr, du, dn], ds, dh: handBack(w, ds, multiply(d, u)), dc };
      },
    };
  },

  gruBefore({ w }, z, _, h, c) {
    const gate = (g: number, vector: Bounded) => affine([{ matrix: w[g]!, vector }], [z[g]!]);
    const r = sigmoid(gate(0, h));
    const u = sigmoid(gate(1, h));
    const q = multiply(r, h);
    const n = tanh(gate(2, q));
    return {
      h: blend(u, n, h),
      c,
      q,
      back(d, dc) {
        const dn = multiply(multiply(d, complement(u)), tanhSlope(n));
        const dq = handBack([w[2]!], [dn]);
        const dr = multiply(multiply(dq, h), sigmoidSlope(r));
        const du = multiply(multiply(d, subtract(h, n)), sigmoidSlope(u));
        const direct = add(multiply(d, u), multiply(dq, r));
        return { dz: [dr, du, dn], dh: handBack([w[0]!, w[1]!], [dr, du], direct), dc };
      },
    };
  },

  elmanTanh({ w }, z, _, h, c) {
    const y = tanh(affine([{ matrix: w[0]!, vector: h }], [z[0]!]));
    return {
      h: y,
      c,
      back(d, dc) {
        const dz = [multiply(d, tanhSlope(y))];
        return { dz, dh: handBack(w, dz), dc };
      },
    };
  },

  elmanRelu({ w }, z, _, h, c) {
    const x = affine([{ matrix: w[0]!, vector: h }], [z[0]!]);
    // On which side of 0 the program is cannot be told where its error reaches 0.
    const side = of(
      x.value.map((v) => (v > 0 ? 1 : 0)),
      x.value.map((v, i) => (Math.abs(v) <= x.error[i]! ? 1 : 0)),
    );
    return {
      h: relu(x),
      c,
      back(d, dc) {
        const dz = [multiply(d, side)];
        return { dz, dh: handBack(w, dz), dc };
      },
    };
  },
};

/** All steps forwards, then from the last valid one backwards. */
export function passThrough(passage: Passage): Passed {
  const { kind, units, length, z, s, dy } = passage;
  const none = exact(new Float64Array(units));
  const steps: Step[] = [];
  let h = exact(passage.h);
  let c = exact(passage.c);
  for (const [t, gates] of z.entries()) {
    const step: Step =
      t < length
        ? forwards[kind](passage, gates, s[t]!, h, c)
        : { h: none, c, q: none, back: (dh, dc) => ({ dz: gates.map(() => none), dh, dc }) };
    steps.push(step);
    ({ h, c } = step);
  }
  let dh = none;
  let dc = none;
  const backs = new Array<Back>(steps.length);
  for (let t = steps.length - 1; t >= 0; t--) {
    const back = t < length ? steps[t]!.back(add(exact(dy[t]!), dh), dc) : steps[t]!.back(none, none);
    backs[t] = back;
    ({ dh, dc } = back);
  }
  return {
    y: steps.map((step) => step.h),
    c: steps.map((step) => step.c),
    q: steps.map((step) => step.q ?? none),
    dz: backs.map((back) => back.dz),
    ds: backs.map((back) => back.ds ?? back.dz),
  };
}

/** direct + the sum over gates of Wᵀ dz, added up in any order. */
function handBack(w: readonly Matrix[], dz: readonly Bounded[], direct?: Bounded): Bounded {
  const products = w.map((matrix, gate) => ({ matrix: transpose(matrix), vector: dz[gate]! }));
  if (direct !== undefined) products.push({ matrix: identity(direct.value.length), vector: direct });
  return affine(products, []);
}

/** x (1 − x), the slope of a sigmoid by its value. */
function sigmoidSlope(x: Bounded): Bounded {
  return multiply(x, complement(x));
}

/** 1 − x², the slope of tanh by its value. */
function tanhSlope(x: Bounded): Bounded {
  return complement(multiply(x, x));
}

function complement(x: Bounded): Bounded {
  return subtract(exact(new Float64Array(x.value.length).fill(1)), x);
}

function subtract(a: Bounded, b: Bounded): Bounded {
  return add(a, { ...b, value: b.value.map((v) => -v) });
}

function of(value: Float64Array, error: Float64Array): Bounded {
  return { value, error, norm: Math.hypot(...error) };
}

function transpose({ weights, height, width }: Matrix): Matrix {
  const turned = Float64Array.from(
    { length: height * width },
    (_, k) => weights[(k % height) * width + Math.floor(k / height)]!,
  );
  return { weights: turned, height: width, width: height };
}

function identity(size: number): Matrix {
  const weights = Float64Array.from({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? 1 : 0));
  return { weights, height: size, width: size };
}
