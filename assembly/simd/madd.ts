/**
 * a · b + c in each f32 lane: fused (one rounding) in the relaxed binary, two roundings in the plain one.
 * The only place in the house that says relaxed_*.
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}
