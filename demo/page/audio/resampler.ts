/** sample positions of the output that the filter reaches to either side */
const reach = 24;
/** Cut-off as a part of the lower rate's half: what lies above it must be gone where the spectrum folds. */
const rolloff = 0.93;
/** of the window of Kaiser: about 80 dB of attenuation */
const beta = 8;
const mostPhases = 1024;
const mostWeights = 2 ** 18;

/**
 * Sound at another rate, as it comes: a low-pass filter (sinc under a Kaiser window; Smith, Digital Audio Resampling,
 * 2002) taken at the positions of the new samples. `push` allocates nothing.
 */
export class Resampler {
  /** samples of the output for `up`, of the input for `down`: their ratio in lowest terms */
  readonly #up: number;
  readonly #down: number;
  /** weights [up][taps]: one row for each place that an output can have between two inputs */
  readonly #weights: Float32Array[];
  readonly #taps: number;
  /** The last inputs twice, so that `taps` of them always lie in one piece. */
  readonly #past: Float32Array;
  #at = 0;
  /** In 1/up of an input: how far the next output lies behind the last input. */
  #phase = 0;

  /**
   * @param from samples per second of the input, a whole number
   * @param to of the output
   * @throws RangeError for rates that are no whole numbers, or whose ratio would need a large table
   */
  constructor(from: number, to: number) {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from > 0 && to > 0))
      throw new RangeError(`rates are whole numbers of samples per second, got ${from} and ${to}.`);
    const shared = greatestDivisor(from, to);
    this.#up = to / shared;
    this.#down = from / shared;
    const half = this.#up === this.#down ? 0 : Math.ceil(reach * Math.max(1, from / to));
    this.#taps = 2 * half + 1;
    if (this.#up > mostPhases || this.#up * this.#taps > mostWeights)
      throw new RangeError(`sound cannot be taken from ${from} to ${to} samples per second.`);
    this.#past = new Float32Array(2 * this.#taps);
    this.#weights = Array.from({ length: this.#up }, (_, phase) => this.#row(phase, half, from, to));
  }

  /** inputs by which sound comes out later: half the filter */
  get delay(): number {
    return (this.#taps - 1) / 2;
  }

  /** Most samples that `push` gives for so many. */
  outputsOf(inputs: number): number {
    return Math.ceil((inputs * this.#up) / this.#down) + 1;
  }

  /**
   * @param input any number of samples
   * @param out [outputsOf(input.length)] or more
   * @returns how many samples came out
   */
  push(input: Float32Array, out: Float32Array): number {
    const taps = this.#taps;
    const past = this.#past;
    let made = 0;
    for (let i = 0; i < input.length; i++) {
      past[this.#at] = past[this.#at + taps] = input[i]!;
      this.#at = (this.#at + 1) % taps;
      for (; this.#phase < this.#up; this.#phase += this.#down) {
        const weights = this.#weights[this.#phase]!;
        let sum = 0;
        for (let tap = 0; tap < taps; tap++) sum += weights[tap]! * past[this.#at + tap]!;
        out[made++] = sum;
      }
      this.#phase -= this.#up;
    }
    return made;
  }

  /** Weights of inputs −half..half for an output that lies phase/up behind the one in the middle. */
  #row(phase: number, half: number, from: number, to: number): Float32Array {
    if (half === 0) return Float32Array.of(1);
    const cutoff = (rolloff * Math.min(from, to)) / from;
    const row = Float64Array.from({ length: this.#taps }, (_, tap) => {
      const distance = tap - half - phase / this.#up;
      const angle = Math.PI * cutoff * distance;
      const sinc = distance === 0 ? 1 : Math.sin(angle) / angle;
      return sinc * kaiser(distance / (half + 1));
    });
    // A constant stays what it is, exactly: rows that differ in their sum would be heard as a tone.
    const sum = row.reduce((total, weight) => total + weight, 0);
    return Float32Array.from(row, (weight) => weight / sum);
  }
}

/** The window of Kaiser, without its constant factor: I₀(β √(1 − x²)); zero beyond ±1. */
function kaiser(x: number): number {
  if (Math.abs(x) >= 1) return 0;
  const quarter = (beta * beta * (1 - x * x)) / 4;
  let sum = 1;
  for (let k = 1, term = 1; term > 1e-12 * sum; k++) sum += term *= quarter / (k * k);
  return sum;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
