import { colourOf, onColourChange, stillness } from './dom.js';

/** ms in which one structure becomes another. */
const fadeMs = 260;
/** Pixels, of those of a page, that a line needs to be seen. */
const thinnest = 2;

/** A recurrent matrix [H, H] of N blocks as a picture: each weight as dark as it is far from zero. */
export class MatrixPicture {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #ratio: number;
  readonly #image: ImageData;
  #before: Uint8ClampedArray;
  #after: Uint8ClampedArray;
  #colour = colourOf('--accent');
  #started = 0;
  #isFading = false;

  /** @param size of its side, in pixels of the page */
  constructor(canvas: HTMLCanvasElement, size: number) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser does not draw on a canvas.');
    this.#ratio = Math.min(2, window.devicePixelRatio || 1);
    this.#canvas = canvas;
    this.#context = context;
    canvas.width = canvas.height = Math.round(size * this.#ratio);
    this.#image = context.createImageData(canvas.width, canvas.height);
    this.#before = new Uint8ClampedArray(canvas.width ** 2);
    this.#after = new Uint8ClampedArray(canvas.width ** 2);
    onColourChange(() => {
      this.#colour = colourOf('--accent');
      this.#draw(1);
    });
  }

  /** @param weights [H, D], within 1 */
  show(hidden: number, blocks: number, weights: Float32Array): void {
    const side = this.#canvas.width;
    const units = hidden / blocks;
    const band = thinnest * this.#ratio;
    [this.#before, this.#after] = [this.#after, this.#before];
    this.#after.fill(0);
    const unitAt = (pixel: number) => Math.floor((pixel * hidden) / side);
    for (let y = 0; y < side; y++) {
      const row = unitAt(y);
      const block = Math.floor(row / units);
      let from = Math.ceil((block * side) / blocks);
      let to = Math.ceil(((block + 1) * side) / blocks);
      // Blocks that are smaller than what can be seen are drawn as large as that.
      if (to - from < band) [from, to] = [y - Math.floor(band / 2), y + Math.ceil(band / 2)];
      for (let x = Math.max(0, from); x < Math.min(side, to); x++) {
        const column = Math.min(units - 1, Math.max(0, unitAt(x) - block * units));
        const weight = Math.abs(weights[row * units + column] ?? 0);
        this.#after[y * side + x] = units < 4 ? 255 : 70 + 185 * weight ** 1.5;
      }
    }
    this.#started = performance.now();
    if (stillness.matches) this.#draw(1);
    else if (!this.#isFading) {
      this.#isFading = true;
      requestAnimationFrame(this.#fade);
    }
  }

  readonly #fade = (): void => {
    const share = Math.min(1, Math.max(0, (performance.now() - this.#started) / fadeMs));
    this.#isFading = share < 1;
    this.#draw(share);
    if (this.#isFading) requestAnimationFrame(this.#fade);
  };

  #draw(share: number): void {
    const { data } = this.#image;
    const [r, g, b] = this.#colour;
    for (let i = 0; i < this.#after.length; i++) {
      const before = this.#before[i];
      data[4 * i] = r;
      data[4 * i + 1] = g;
      data[4 * i + 2] = b;
      data[4 * i + 3] = before + (this.#after[i] - before) * share;
    }
    this.#context.putImageData(this.#image, 0, 0);
  }
}

/** The units of a layer in their N blocks, squares on a diagonal, lit by how far each state is from zero. */
export class StatePicture {
  readonly #context: CanvasRenderingContext2D;
  readonly #blocks: number;
  readonly #size: number;
  #colour = colourOf('--accent');
  #levels = new Float32Array(0);

  /** @param size of its side, in pixels of the page */
  constructor(canvas: HTMLCanvasElement, size: number, blocks: number) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser does not draw on a canvas.');
    this.#blocks = blocks;
    this.#size = size;
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    canvas.width = canvas.height = size * ratio;
    this.#context = context;
    context.scale(ratio, ratio);
    onColourChange(() => {
      this.#colour = colourOf('--accent');
      this.#draw();
    });
  }

  /** @param h state of all units, block by block */
  show(h: Float32Array): void {
    if (this.#levels.length !== h.length) this.#levels = new Float32Array(h.length).fill(0.35);
    // Light fades slower than it comes, so that the eye can follow.
    for (let i = 0; i < h.length; i++) {
      const now = Math.min(1, Math.abs(h[i]));
      this.#levels[i] += (now - this.#levels[i]) * (now > this.#levels[i] ? 0.5 : 0.12);
    }
    this.#draw();
  }

  #draw(): void {
    const context = this.#context;
    const [r, g, b] = this.#colour;
    const cell = this.#size / this.#blocks;
    const gap = this.#blocks === 1 ? 0 : 1;
    const units = this.#levels.length / this.#blocks;
    const side = Math.ceil(Math.sqrt(units || 1));
    const inner = cell - gap;
    context.clearRect(0, 0, this.#size, this.#size);
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    for (let block = 0; block < this.#blocks; block++) {
      const at = block * cell;
      context.globalAlpha = 0.1;
      context.fillRect(at, at, inner, inner);
      for (let unit = 0; unit < units; unit++) {
        context.globalAlpha = this.#levels[block * units + unit];
        const x = at + ((unit % side) * inner) / side;
        const y = at + (Math.floor(unit / side) * inner) / side;
        context.fillRect(x, y, inner / side, inner / side);
      }
    }
  }
}
