/** dB that a word stands above the noise when it begins, and while it goes on */
const rise = 10;
const hold = 6;
/** dB of full scale below which nothing is a word */
const faintest = -55;
/** dB: the noise is never taken to be outside of this */
const lowest = -75;
const highest = -25;
/** dB by which the noise is believed to grow in a frame; what is quieter is believed at once, nearly */
const growth = 0.05;
/** frames of quiet that end a word: longer than the stop inside of "six" and "eight" */
const patience = 25;
/** frames after which it is no word but a louder noise */
const longest = 250;

/**
 * Tells words from the silence between them by their level. The network has learnt from recordings of one word, cut
 * close, that begin at a state of zeros; so somebody has to say where a word begins.
 */
export class Gate {
  #noise = faintest - rise;
  #quiet = 0;
  #length = 0;
  #isOpen = false;
  #isLoud = false;

  /** whether a word is going on */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** whether the last frame was part of it, rather than the quiet that may end it */
  get isLoud(): boolean {
    return this.#isLoud;
  }

  /** @param level of the next frame, dB of full scale */
  take(level: number): void {
    if (this.#isOpen) {
      this.#isLoud = level > Math.max(this.#noise + hold, faintest - rise + hold);
      this.#quiet = this.#isLoud ? 0 : this.#quiet + 1;
      if (++this.#length > longest) this.#noise = Math.min(highest, level);
      else if (this.#quiet < patience) return;
      this.#isOpen = this.#isLoud = false;
      return;
    }
    const most = level < this.#noise ? (level - this.#noise) / 4 : Math.min(growth, level - this.#noise);
    this.#noise = Math.max(lowest, Math.min(highest, this.#noise + most));
    if (level <= Math.max(this.#noise + rise, faintest)) return;
    this.#isOpen = this.#isLoud = true;
    this.#quiet = this.#length = 0;
  }
}
