import { bands } from './audio/features.js';
import { digits, phases, record } from './audio/recognizer.js';
import { fitCanvas } from './canvas.js';
import { colourOf, onColourChange } from './dom.js';

/** frames that are seen: 3 seconds */
const frames = 300;
/** CSS pixels: the digits' names to the left, the sound's picture below */
const gutter = 24;
const soundHeight = 60;
const gap = 10;

/** The last seconds of what was heard: a row of bars for each digit's probability, and the sound's log-mel frames. */
export class Timeline {
  readonly #records = new Float32Array(frames * record.size);
  /** where the next record goes, and so the oldest one is */
  #next = 0;
  #best = -1;
  /** [bands] rows of [frames]: the sound, a column for each record */
  readonly #sound = document.createElement('canvas');
  readonly #pen: CanvasRenderingContext2D;
  readonly #column = new ImageData(1, bands);
  readonly #ask: () => void;
  #colours = readColours();

  constructor(canvas: HTMLCanvasElement) {
    this.#sound.width = frames;
    this.#sound.height = bands;
    const pen = this.#sound.getContext('2d', { willReadFrequently: true });
    if (pen === null) throw new Error('This browser does not draw on a canvas.');
    this.#pen = pen;
    for (let at = record.features; at < this.#records.length; at += record.size)
      this.#records.fill(-2, at, at + bands);
    this.#ask = fitCanvas(canvas, (context, width, height) => this.#draw(context, width, height));
    onColourChange(() => {
      this.#colours = readColours();
      for (let frame = 0; frame < frames; frame++) this.#paintSound(frame);
      this.#ask();
    });
  }

  /** @param records [n, record.size] */
  push(records: Float32Array): void {
    for (let at = 0; at < records.length; at += record.size) {
      this.#records.set(records.subarray(at, at + record.size), this.#next * record.size);
      this.#best = records[at + record.digit]!;
      this.#paintSound(this.#next);
      this.#next = (this.#next + 1) % frames;
    }
    this.#ask();
  }

  #paintSound(frame: number): void {
    const { ink } = this.#colours;
    const { data } = this.#column;
    const from = frame * record.size + record.features;
    for (let band = 0; band < bands; band++) {
      // −1 is a quiet room, 2 a loud vowel.
      const light = Math.max(0, Math.min(1, (this.#records[from + band]! + 1) / 3));
      const to = 4 * (bands - 1 - band);
      for (let i = 0; i < 3; i++) data[to + i] = ink[i]!;
      data[to + 3] = 255 * light;
    }
    this.#pen.putImageData(this.#column, frame, 0);
  }

  #draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { accent, soft, line } = this.#colours;
    const rows = (height - soundHeight - gap) / digits;
    const step = (width - gutter) / frames;
    const ratio = context.getTransform().a;
    context.font = `0.8125rem ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = 'alphabetic';
    for (let digit = 0; digit < digits; digit++) {
      const bottom = Math.round((digit + 1) * rows);
      context.fillStyle = css(digit === this.#best ? accent : soft);
      context.fillText(String(digit), 4, bottom - rows / 2 + 5);
      context.fillStyle = css(line);
      context.fillRect(gutter, bottom - 1, width - gutter, 1);
    }
    context.fillStyle = css(accent);
    for (let age = 0; age < frames; age++) {
      const at = ((this.#next + age) % frames) * record.size;
      const phase = this.#records[at + record.phase];
      if (phase !== phases.word && phase !== phases.quiet) continue;
      context.globalAlpha = phase === phases.word ? 1 : 0.25;
      // At whole pixels of the screen, so that neighbours touch and do not lie on each other.
      const left = Math.round((gutter + age * step) * ratio) / ratio;
      const right = Math.round((gutter + (age + 1) * step) * ratio) / ratio;
      for (let digit = 0; digit < digits; digit++) {
        const size = this.#records[at + record.probabilities + digit]! * (rows - 4);
        if (size < 0.5) continue;
        context.fillRect(left, (digit + 1) * rows - 1 - size, right - left, size);
      }
    }
    context.globalAlpha = 1;
    context.imageSmoothingEnabled = false;
    const top = height - soundHeight;
    // The ring of columns in two pieces, the older one to the left.
    const old = frames - this.#next;
    const border = gutter + old * step;
    context.drawImage(this.#sound, this.#next, 0, old, bands, gutter, top, old * step, soundHeight);
    if (this.#next === 0) return;
    context.drawImage(this.#sound, 0, 0, this.#next, bands, border, top, this.#next * step, soundHeight);
  }
}

function readColours() {
  return {
    ink: colourOf('--ink'),
    accent: colourOf('--accent'),
    soft: colourOf('--soft'),
    line: colourOf('--line'),
  };
}

function css([r, g, b]: readonly number[]): string {
  return `rgb(${r} ${g} ${b})`;
}
