/**
 * The power spectrum of n real samples, n a power of two: the even and odd samples go through one complex transform
 * of n/2 points (Cooley and Tukey 1965, radix 2, decimation in time), and are taken apart again after it.
 */
export class PowerSpectrum {
  /** n */
  readonly size: number;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  /** cos and −sin of 2π k/n, k < n/2 */
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #reversed: Uint32Array;

  /** @throws RangeError when n is no power of two within 4..2^20 */
  constructor(size: number) {
    if (!Number.isInteger(Math.log2(size)) || size < 4 || size > 2 ** 20)
      throw new RangeError(`a spectrum needs a power of two within 4..2^20, got ${size}.`);
    const half = size / 2;
    const bits = Math.log2(half);
    this.size = size;
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
    this.#cos = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: half }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
    this.#reversed = Uint32Array.from({ length: half }, (_, i) => {
      let reversed = 0;
      for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit);
      return reversed;
    });
  }

  /**
   * out[k] = |Σ_j x[j] e^(−2πi jk/n)|², k = 0..n/2.
   * @param x [n], or fewer values, which zeros then follow
   * @param out [n/2 + 1]
   */
  measure(x: ArrayLike<number>, out: Float64Array): void {
    const re = this.#re;
    const im = this.#im;
    const reversed = this.#reversed;
    const cosines = this.#cos;
    const sines = this.#sin;
    const half = re.length;
    for (let i = 0; i < half; i++) {
      const to = reversed[i]!;
      re[to] = 2 * i < x.length ? x[2 * i]! : 0;
      im[to] = 2 * i + 1 < x.length ? x[2 * i + 1]! : 0;
    }
    this.#transform();
    // With Z the transform of even + i·odd: even = (Z[k] + Z*[−k])/2, odd = (Z[k] − Z*[−k])/2i.
    out[0] = (re[0]! + im[0]!) ** 2;
    out[half] = (re[0]! - im[0]!) ** 2;
    for (let k = 1; k < half; k++) {
      const evenRe = (re[k]! + re[half - k]!) / 2;
      const evenIm = (im[k]! - im[half - k]!) / 2;
      const oddRe = (im[k]! + im[half - k]!) / 2;
      const oddIm = (re[half - k]! - re[k]!) / 2;
      const cos = cosines[k]!;
      const sin = sines[k]!;
      out[k] = (evenRe + oddRe * cos - oddIm * sin) ** 2 + (evenIm + oddRe * sin + oddIm * cos) ** 2;
    }
  }

  #transform(): void {
    const re = this.#re;
    const im = this.#im;
    const cosines = this.#cos;
    const sines = this.#sin;
    const count = re.length;
    for (let width = 1; width < count; width *= 2) {
      const stride = count / width;
      for (let start = 0; start < count; start += 2 * width) {
        for (let k = 0; k < width; k++) {
          const cos = cosines[k * stride]!;
          const sin = sines[k * stride]!;
          const a = start + k;
          const b = a + width;
          const bRe = re[b]! * cos - im[b]! * sin;
          const bIm = re[b]! * sin + im[b]! * cos;
          re[b] = re[a]! - bRe;
          im[b] = im[a]! - bIm;
          re[a] = re[a]! + bRe;
          im[a] = im[a]! + bIm;
        }
      }
    }
  }
}
