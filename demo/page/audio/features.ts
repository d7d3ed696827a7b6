// What networks of spoken digits read. The evidence in bench/ trains on it and the page hears through it: one code, so
// that a model is never fed other numbers than it has learnt from.
import { PowerSpectrum } from './fft.js';

/** samples per second of everything here */
export const rate = 8000;
/** samples of a window: 25 ms */
export const windowSize = 200;
/** samples from one window to the next: 10 ms */
export const hopSize = 80;
/** features of a frame */
export const bands = 40;
const fftSize = 256;
/** Hz; below it there is hum, and above it nothing at 8 kHz */
const lowest = 20;
const highest = 4000;
/** Energy that silence is taken to have: about a sample's last bit. */
const floor = 1e-6;
/** Mean and standard deviation of the log energies of spoken digits, rounded: fixed, so that a model needs no statistics beside it. */
const center = -4;
const spread = 4;

/** The mel scale (O'Shaughnessy 1987): Hz → mel. */
export function melOf(hertz: number): number {
  return 2595 * Math.log10(1 + hertz / 700);
}

/** Mel → Hz. */
export function hertzOf(mel: number): number {
  return 700 * (10 ** (mel / 2595) - 1);
}

/**
 * Weights [bands][fftSize/2 + 1] of triangular filters: band b rises from edge b to 1 at edge b + 1 and falls to edge
 * b + 2; the edges stand equally far apart in mel.
 */
export function melFilters(): Float64Array[] {
  const low = melOf(lowest);
  const high = melOf(highest);
  const edges = Array.from({ length: bands + 2 }, (_, i) => hertzOf(low + ((high - low) * i) / (bands + 1)));
  return Array.from({ length: bands }, (_, band) =>
    Float64Array.from({ length: fftSize / 2 + 1 }, (_, bin) => {
      const hertz = (bin * rate) / fftSize;
      const rise = (hertz - edges[band]!) / (edges[band + 1]! - edges[band]!);
      const fall = (edges[band + 2]! - hertz) / (edges[band + 2]! - edges[band + 1]!);
      return Math.max(0, Math.min(rise, fall));
    }),
  );
}

/** The window of Hann, periodic: sin²(πi/n). */
export function hannWindow(): Float64Array {
  return Float64Array.from({ length: windowSize }, (_, i) => Math.sin((Math.PI * i) / windowSize) ** 2);
}

/**
 * Log-mel features of sound as it comes: (ln(Σ filter · |spectrum|² + floor) − center) / spread, one frame for every
 * full window. How the sound is cut into pieces makes no difference to the frames.
 */
export class LogMel {
  readonly #spectrum = new PowerSpectrum(fftSize);
  readonly #window = hannWindow();
  readonly #filters = melFilters().map((weights) => {
    const first = weights.findIndex((weight) => weight > 0);
    const end = weights.findLastIndex((weight) => weight > 0) + 1;
    return { first, weights: weights.slice(first, end) };
  });
  readonly #pending = new Float32Array(windowSize);
  readonly #windowed = new Float64Array(windowSize);
  readonly #power = new Float64Array(fftSize / 2 + 1);
  readonly #made = new Float32Array(bands);
  #filled = 0;

  /**
   * One sample; allocates nothing.
   * @param sample within [-1, 1)
   * @param out where a frame goes that it completes, [bands]
   * @returns whether it completes one
   */
  take(sample: number, out: Float32Array): boolean {
    this.#pending[this.#filled++] = sample;
    if (this.#filled < windowSize) return false;
    this.#frame(out);
    this.#pending.copyWithin(0, hopSize);
    this.#filled = windowSize - hopSize;
    return true;
  }

  /**
   * @param samples any number, within [-1, 1)
   * @returns the frames that they complete, [frames, bands]
   */
  push(samples: ArrayLike<number>): Float32Array {
    const frames = framesIn(this.#filled + samples.length);
    const out = new Float32Array(frames * bands);
    let at = 0;
    for (let i = 0; i < samples.length; i++) {
      if (!this.take(samples[i]!, this.#made)) continue;
      out.set(this.#made, at);
      at += bands;
    }
    return out;
  }

  /** Forgets the samples that have not made a frame. */
  reset(): void {
    this.#filled = 0;
  }

  #frame(out: Float32Array): void {
    const pending = this.#pending;
    const window = this.#window;
    const windowed = this.#windowed;
    const power = this.#power;
    for (let i = 0; i < windowSize; i++) windowed[i] = pending[i]! * window[i]!;
    this.#spectrum.measure(windowed, power);
    for (let band = 0; band < bands; band++) {
      const { first, weights } = this.#filters[band]!;
      let energy = floor;
      for (let k = 0; k < weights.length; k++) energy += weights[k]! * power[first + k]!;
      out[band] = (Math.log(energy) - center) / spread;
    }
  }
}

/** Frames of all of a sound, [frames, bands]. */
export function logMel(samples: ArrayLike<number>): Float32Array {
  return new LogMel().push(samples);
}

/** Full windows in a number of samples. */
export function framesIn(samples: number): number {
  return samples < windowSize ? 0 : 1 + Math.floor((samples - windowSize) / hopSize);
}
