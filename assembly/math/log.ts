/**
 * Natural logarithm of a positive, normal f64, to about 1e-15: x = 2^k · m with m within [√½, √2), and
 * ln m = 2 atanh(s) with s = (m − 1) / (m + 1), |s| ≤ 0.172, as an odd series up to s^19.
 * The standard library's logarithm keeps a table in a data segment, which a kernel may not have.
 */
export function log(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let k = <i64>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    k += 1;
  }
  const s = (m - 1) / (m + 1);
  const q = s * s;
  let p = 1.0 / 19.0;
  p = p * q + 1.0 / 17.0;
  p = p * q + 1.0 / 15.0;
  p = p * q + 1.0 / 13.0;
  p = p * q + 1.0 / 11.0;
  p = p * q + 1.0 / 9.0;
  p = p * q + 1.0 / 7.0;
  p = p * q + 1.0 / 5.0;
  p = p * q + 1.0 / 3.0;
  p = p * q + 1.0;
  return <f64>k * 0.6931471805599453 + 2 * s * p;
}
