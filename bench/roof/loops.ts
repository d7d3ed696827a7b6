// The two limits of a core, as AssemblyScript reaches them: multiply-adds that never touch memory, and loads that
// do nothing else. Compiled by bench/roof.ts; not part of the package.

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/**
 * `rounds` times twelve independent multiply-adds of four lanes: 96 · rounds operations. Keeps a sum at `out`.
 *
 * Where a multiply-add is two instructions, multiplications and additions go in chains of their own, because that is
 * what the machine can do at most: in one chain, each waits for the other, and the same loop reaches 50 GFLOP/s of 59.
 */
export function multiply_add(out: usize, rounds: usize): void {
  const x = v128.load(out);
  const y = v128.load(out, 16);
  let a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x;
  let b0 = x, b1 = x, b2 = x, b3 = x, b4 = x, b5 = x;
  if (!ASC_FEATURE_RELAXED_SIMD) {
    for (let i: usize = 0; i < rounds << 1; i++) {
      a0 = f32x4.add(a0, x);
      b0 = f32x4.mul(b0, y);
      a1 = f32x4.add(a1, x);
      b1 = f32x4.mul(b1, y);
      a2 = f32x4.add(a2, x);
      b2 = f32x4.mul(b2, y);
      a3 = f32x4.add(a3, x);
      b3 = f32x4.mul(b3, y);
      a4 = f32x4.add(a4, x);
      b4 = f32x4.mul(b4, y);
      a5 = f32x4.add(a5, x);
      b5 = f32x4.mul(b5, y);
    }
    rounds = 0;
  }
  for (let i: usize = 0; i < rounds; i++) {
    a0 = madd(a0, y, x);
    a1 = madd(a1, y, x);
    a2 = madd(a2, y, x);
    a3 = madd(a3, y, x);
    a4 = madd(a4, y, x);
    a5 = madd(a5, y, x);
    b0 = madd(b0, y, x);
    b1 = madd(b1, y, x);
    b2 = madd(b2, y, x);
    b3 = madd(b3, y, x);
    b4 = madd(b4, y, x);
    b5 = madd(b5, y, x);
  }
  a0 = f32x4.add(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)), f32x4.add(a4, a5));
  b0 = f32x4.add(f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3)), f32x4.add(b4, b5));
  v128.store(out, f32x4.add(a0, b0));
}

/** Reads `bytes` (a multiple of 128) from `at`, adding them up so that no load can be left out. */
export function stream(out: usize, at: usize, bytes: usize): void {
  let a0 = v128.load(at), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
  const end = at + bytes;
  for (; at < end; at += 128) {
    a0 = v128.xor(a0, v128.load(at));
    a1 = v128.xor(a1, v128.load(at, 16));
    a2 = v128.xor(a2, v128.load(at, 32));
    a3 = v128.xor(a3, v128.load(at, 48));
    a4 = v128.xor(a4, v128.load(at, 64));
    a5 = v128.xor(a5, v128.load(at, 80));
    a6 = v128.xor(a6, v128.load(at, 96));
    a7 = v128.xor(a7, v128.load(at, 112));
  }
  a0 = v128.xor(v128.xor(v128.xor(a0, a1), v128.xor(a2, a3)), v128.xor(v128.xor(a4, a5), v128.xor(a6, a7)));
  v128.store(out, a0);
}
