import uPlot from 'uplot';
import { colourOf, onColourChange } from './dom.js';

export interface Line {
  /** a colour's name in the style sheet */
  colour: string;
  dashed: boolean;
  /** µs by N, as far as known */
  points: ReadonlyMap<number, number>;
}

/** Microseconds per step against the number of blocks, both in powers; grows as there is more to show. */
export class SpeedChart {
  readonly #element: HTMLElement;
  #plot: uPlot | undefined;
  #hidden = 0;
  #chosen = 1;
  #lines: readonly Line[] = [];
  #shape = '';

  constructor(element: HTMLElement) {
    this.#element = element;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(element);
    onColourChange(() => this.#make());
  }

  /** @param listener called with the N that was clicked */
  onChoose(listener: (blocks: number) => void): void {
    this.#element.addEventListener('click', ({ clientX }) => {
      if (this.#plot === undefined) return;
      const { left } = this.#plot.over.getBoundingClientRect();
      const log = Math.round(this.#plot.posToVal(clientX - left, 'x'));
      if (log >= 0 && 2 ** log <= this.#hidden) listener(2 ** log);
    });
  }

  show(hidden: number, chosen: number, lines: readonly Line[]): void {
    const shape = JSON.stringify([hidden, lines.map(({ colour, dashed }) => [colour, dashed])]);
    this.#hidden = hidden;
    this.#chosen = chosen;
    this.#lines = lines;
    if (shape !== this.#shape) this.#make();
    else this.#plot?.setData(this.#data());
    this.#shape = shape;
  }

  #make(): void {
    this.#plot?.destroy();
    const soft = cssOf('--soft');
    const grid = { stroke: cssOf('--line'), width: 1 };
    const axis = { stroke: soft, grid, ticks: { show: false }, font: '12px system-ui, sans-serif', gap: 8 };
    const most = Math.log2(this.#hidden);
    const options: uPlot.Options = {
      ...this.#size(),
      padding: [12, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
      scales: {
        x: { time: false, range: [-0.25, most + 0.25] },
        y: { range: (_, least, largest) => rangeOf(least, largest) },
      },
      axes: [
        {
          ...axis,
          splits: () => Array.from({ length: most + 1 }, (_, i) => i),
          // Every other one where there is little room.
          values: (plot, splits) =>
            splits.map((log) => (log % 2 === 1 && plot.width / splits.length < 40 ? '' : String(2 ** log))),
          size: 32,
          space: 24,
        },
        {
          ...axis,
          splits: (_, __, least, largest) => ticksBetween(least, largest),
          values: (_, splits) => splits.map((log) => String(Number((10 ** log).toPrecision(1)))),
          size: 44,
        },
      ],
      series: [
        {},
        ...this.#lines.map(({ colour, dashed }) => ({
          stroke: cssOf(colour),
          width: 2,
          spanGaps: true,
          points: { show: true, size: 7, fill: dashed ? cssOf('--paper') : cssOf(colour), width: 1.5 },
          ...(dashed ? { dash: [5, 4] } : {}),
        })),
      ],
      hooks: { drawClear: [(plot) => this.#mark(plot)] },
    };
    this.#plot = new uPlot(options, this.#data(), this.#element);
  }

  /** A bar of light behind the chosen N. */
  #mark(plot: uPlot): void {
    const at = plot.valToPos(Math.log2(this.#chosen), 'x', true);
    const { ctx, bbox } = plot;
    const wide = bbox.width / (Math.log2(this.#hidden) + 0.5);
    const from = Math.max(bbox.left, at - wide / 2);
    ctx.save();
    ctx.fillStyle = cssOf('--wash');
    ctx.fillRect(from, bbox.top, Math.min(bbox.left + bbox.width, at + wide / 2) - from, bbox.height);
    ctx.restore();
  }

  #data(): uPlot.AlignedData {
    const logs = Array.from({ length: Math.log2(this.#hidden) + 1 }, (_, i) => i);
    const logOf = (line: Line, log: number) => {
      const value = line.points.get(2 ** log);
      return value === undefined ? null : Math.log10(value);
    };
    return [logs, ...this.#lines.map((line) => logs.map((log) => logOf(line, log)))];
  }

  #size(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.#element;
    return { width, height };
  }
}

function cssOf(name: string): string {
  return `rgb(${colourOf(name).join(' ')})`;
}

/** A little more than what is to be seen, and no less than from one to ten. */
function rangeOf(least: number | null, largest: number | null): [number, number] {
  if (least === null || largest === null || !(least <= largest)) return [0, 3];
  return [Math.min(least, largest - 1) - 0.12, largest + 0.12];
}

/** Logarithms of 1, 2 and 5 times powers of ten; of the powers alone where that would be many. */
function ticksBetween(least: number, largest: number): number[] {
  const steps = largest - least > 2.6 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(least); power <= largest; power++)
    for (const step of steps) ticks.push(power + Math.log10(step));
  return ticks.filter((tick) => tick >= least && tick <= largest);
}
