/**
 * The recurrent matrix of N blocks, drawn as it is: squares on the diagonal, nothing between them. Each square is
 * made of its block's units, lit by how far each is from zero.
 */
export class Matrix {
  readonly #context: CanvasRenderingContext2D;
  readonly #blocks: number;
  readonly #size: number;
  #levels = new Float32Array(0);

  constructor(canvas: HTMLCanvasElement, blocks: number) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser does not draw on a canvas.');
    this.#blocks = blocks;
    this.#size = canvas.width;
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    canvas.width = canvas.height = this.#size * ratio;
    this.#context = context;
    context.scale(ratio, ratio);
    this.#draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
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
    const style = getComputedStyle(document.documentElement);
    const accent = resolve(style, '--accent');
    const line = resolve(style, '--line');
    const size = this.#size;
    const cell = size / this.#blocks;
    context.clearRect(0, 0, size, size);
    context.globalAlpha = 1;
    context.fillStyle = line;
    for (let row = 0; row < this.#blocks; row++)
      for (let column = 0; column < this.#blocks; column++)
        if (row !== column) context.fillRect((column + 0.5) * cell - 1, (row + 0.5) * cell - 1, 2, 2);
    context.fillStyle = accent;
    const units = this.#levels.length / this.#blocks;
    const side = Math.ceil(Math.sqrt(units || 1));
    const inner = cell - 4;
    for (let block = 0; block < this.#blocks; block++) {
      const at = block * cell + 2;
      context.globalAlpha = units === 0 ? 0.35 : 0.12;
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

/** A canvas does not know light-dark(); an element's colour is computed. */
function resolve(style: CSSStyleDeclaration, name: string): string {
  const probe = document.createElement('i');
  probe.style.color = style.getPropertyValue(name);
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
