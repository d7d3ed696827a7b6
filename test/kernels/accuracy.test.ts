import { describe, expect, it } from 'vitest';
import { functionCodes } from '#dist/model/functions.js';
import { availableKernels } from '#dist/wasm/features.js';
import { normalTail } from '../oracle/functions.js';
import { Ground } from './ground.js';

/**
 * Every exponent of a float32, both signs, 512 mantissas of each, infinities and NaN, through the gate functions.
 * Errors in units in the last place of the exact result.
 *
 * These are the stated maxima, rounded up from what is found here: 3.93 and 1.47. Approximation has the smaller part in
 * them, 0.7 ulp of tanh (4.2e-8 of its value) and for a sigmoid a quarter of 1.1e-7, 0.5; the rest is rounding, of a
 * quotient of two sums of five terms. What the layers' oracles grant, tolerance.ts, is a bound of its own.
 */
const tanhUlp = 4;
const sigmoidUlp = 2.5;
/** Past −28 a sigmoid stays at σ(−28). */
const sigmoidFloor = 7e-13;

const mantissas = 512;

function everyExponent(): Float32Array {
  const bits = new Uint32Array(2 * 256 * mantissas);
  let i = 0;
  for (const sign of [0, 1]) {
    for (let exponent = 0; exponent < 256; exponent++) {
      for (let m = 0; m < mantissas; m++) {
        bits[i++] = ((sign << 31) | (exponent << 23) | Math.floor((m * 2 ** 23) / mantissas)) >>> 0;
      }
    }
  }
  return new Float32Array(bits.buffer);
}

/** Distance to the next float32 away from zero. */
function ulp(value: number): number {
  const size = Math.max(Math.abs(value), 2 ** -126);
  return 2 ** (Math.floor(Math.log2(size)) - 23);
}

describe.each(availableKernels())('%s gate functions, over every exponent', async (set) => {
  const ground = await Ground.open(set);
  ground.clear();
  const x = everyExponent();
  const at = ground.place(x);
  const out = ground.room(x.length);
  const run = (name: 'tanh_f32' | 'sigmoid_f32') => {
    ground.kernels[name](out, 0, at, 0, ground.table, 1, x.length);
    return ground.read(out, x.length);
  };

  it(`tanh is within ${tanhUlp} ulp`, () => {
    const y = run('tanh_f32');
    let worst = 0;
    for (const [i, v] of x.entries()) {
      if (Number.isNaN(v)) expect(y[i]).toBeNaN();
      else worst = Math.max(worst, Math.abs(y[i]! - Math.tanh(v)) / ulp(Math.tanh(v)));
    }
    expect(worst).toBeLessThan(tanhUlp);
  });

  it(`sigmoid is within ${sigmoidUlp} ulp above 0, and below in absolute terms`, () => {
    const y = run('sigmoid_f32');
    let above = 0;
    let below = 0;
    for (const [i, v] of x.entries()) {
      const exact = 1 / (1 + Math.exp(-v));
      if (Number.isNaN(v)) expect(y[i]).toBeNaN();
      else if (v >= 0) above = Math.max(above, Math.abs(y[i]! - exact) / ulp(exact));
      else below = Math.max(below, Math.abs(y[i]! - exact));
      if (v < -28) expect(Math.abs(y[i]! - exact)).toBeLessThan(sigmoidFloor);
    }
    expect(above).toBeLessThan(sigmoidUlp);
    expect(below).toBeLessThan(sigmoidUlp * ulp(0.25));
  });
});

/**
 * Functions whose exact result is lost where it is made of parts that cancel: an exponential less one, a logarithm near
 * one. Found: softplus 2.44, silu 1.99, softsign 1.46, elu 0.87; and gelu 5.21, where four roundings of sums come
 * together with those of the exponential.
 */
const functionUlp = 3;
const geluUlp = 6;

describe.each(availableKernels())('%s functions, over every exponent', async (set) => {
  const ground = await Ground.openFamily(set);
  ground.clear();
  const x = everyExponent();
  const at = ground.place(x);
  const out = ground.room(x.length);

  it.each([
    ['softsign', (v: number) => v / (1 + Math.abs(v)), Number.NEGATIVE_INFINITY],
    ['softplus', (v: number) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))), -80],
    ['silu', (v: number) => v / (1 + Math.exp(-v)), -80],
    ['elu', (v: number) => (v < 0 ? Math.expm1(v) : v), -80],
    ['gelu', (v: number) => Math.max(v, 0) - Math.abs(v) * normalTail(Math.abs(v)), -13],
  ] as const)(`%s is within a few ulp where its exponential is`, (name, exact, least) => {
    ground.kernels.function_f32(out, 0, at, 0, ground.table, 1, x.length, functionCodes[name], 1, 0);
    const y = ground.read(out, x.length);
    let worst = 0;
    for (const [i, v] of x.entries()) {
      if (Number.isNaN(v)) expect(y[i], name).toBeNaN();
      else if (v < least) expect(Math.abs(y[i]! - Math.max(exact(v) || 0, -1))).toBeLessThan(2e-33);
      else if (Number.isFinite(v)) worst = Math.max(worst, Math.abs(y[i]! - exact(v)) / ulp(exact(v)));
    }
    expect(worst).toBeLessThan(name === 'gelu' ? geluUlp : functionUlp);
  });
});
