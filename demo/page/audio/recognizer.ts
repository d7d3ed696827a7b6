import { bands, LogMel } from './features.js';
import { Gate } from './gate.js';

export const digits = 10;
/** frames before the one that is loud enough which belong to a word: "five" and "six" begin softly */
const lead = 4;
/** loud frames that a word has at least; a knock has fewer */
const shortest = 8;

/** Where the parts of a record lie: what is known of one frame, as numbers in one array, for it travels to the page. */
export const record = {
  /** one of `phases` */
  phase: 0,
  /** best digit of the word so far, −1 in silence and for what was no word */
  digit: 1,
  /** dB of full scale */
  level: 2,
  /** [bands] */
  features: 3,
  /** probability of each digit by this frame [digits]; zeros in silence */
  probabilities: 3 + bands,
  size: 3 + bands + digits,
} as const;

/** silence; a word; the quiet that may end it, or be the stop inside of "six"; the frame at which it has ended */
export const phases = { silence: 0, word: 1, quiet: 2, end: 3 } as const;

/** What it needs of a session. */
export interface Stepper {
  step(x: Float32Array, out: Float32Array): Float32Array;
  reset(): void;
}

/**
 * Names spoken digits as they are spoken: sound → log-mel frames → one step of the network for each frame of a word.
 * The evidence is added up over the word, which is how the network was measured: argmax of Σ_t ln softmax(y_t).
 * A frame allocates nothing, except for the first one of a word, where the state is set to zeros.
 */
export class Recognizer {
  readonly #session: Stepper;
  readonly #mel = new LogMel();
  readonly #gate = new Gate();
  readonly #features = new Float32Array(bands);
  /** the last frames before a word */
  readonly #before = new Float32Array(lead * bands);
  readonly #x: readonly Float32Array[];
  readonly #y = new Float32Array(digits);
  /** Σ ln p over the word, and as it was at its last loud frame */
  readonly #sum = new Float64Array(digits);
  readonly #heard = new Float64Array(digits);
  #loud = 0;
  #energy = 0;
  #samples = 0;

  /** @param session of a network [40] → logits [10], one stream */
  constructor(session: Stepper) {
    this.#session = session;
    this.#x = Array.from({ length: lead }, (_, i) => this.#before.subarray(i * bands, (i + 1) * bands));
  }

  /**
   * @param sample the next one, 8000 in a second
   * @param out a record, written when the sample completes a frame
   * @param at where in `out` it begins
   * @returns whether it does
   */
  take(sample: number, out: Float32Array, at = 0): boolean {
    this.#energy += sample * sample;
    this.#samples++;
    if (!this.#mel.take(sample, this.#features)) return false;
    const level = 10 * Math.log10(this.#energy / this.#samples + 1e-10);
    this.#energy = this.#samples = 0;
    this.#frame(level, out, at);
    return true;
  }

  #frame(level: number, out: Float32Array, at: number): void {
    const gate = this.#gate;
    const wasOpen = gate.isOpen;
    gate.take(level);
    out.fill(0, at, at + record.size);
    out[at + record.level] = level;
    out.set(this.#features, at + record.features);
    if (gate.isOpen && !wasOpen) this.#begin();
    if (gate.isOpen) {
      this.#step(this.#features);
      if (gate.isLoud) {
        this.#heard.set(this.#sum);
        this.#loud++;
      }
      out.set(this.#y, at + record.probabilities);
    }
    if (gate.isOpen) out[at + record.phase] = gate.isLoud ? phases.word : phases.quiet;
    else out[at + record.phase] = wasOpen ? phases.end : phases.silence;
    out[at + record.digit] = gate.isOpen || (wasOpen && this.#loud >= shortest) ? largest(this.#heard) : -1;
    this.#before.copyWithin(0, bands);
    this.#before.set(this.#features, (lead - 1) * bands);
  }

  #begin(): void {
    this.#session.reset();
    this.#sum.fill(0);
    this.#loud = 0;
    for (let i = 0; i < lead; i++) this.#step(this.#x[i]!);
  }

  /** Leaves probabilities in y, and adds their logarithms. */
  #step(x: Float32Array): void {
    const y = this.#session.step(x, this.#y);
    let most = y[0]!;
    for (let i = 1; i < digits; i++) most = Math.max(most, y[i]!);
    let total = 0;
    for (let i = 0; i < digits; i++) total += Math.exp(y[i]! - most);
    const norm = most + Math.log(total);
    for (let i = 0; i < digits; i++) {
      const log = y[i]! - norm;
      this.#sum[i] = this.#sum[i]! + log;
      y[i] = Math.exp(log);
    }
  }
}

function largest(x: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
}
