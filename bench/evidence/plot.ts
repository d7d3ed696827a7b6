/** A point with what it is called, and the range that its runs spread over. */
export interface Mark {
  x: number;
  y: number;
  /** NaN or nothing: no bar */
  spread?: number;
  label?: string;
}

export interface Series {
  /** shown in the legend; without it there is none */
  name?: string;
  marks: readonly Mark[];
  /** joined by a line, in place of dots with labels */
  isLine?: boolean;
}

export interface Plot {
  title: string;
  xLabel: string;
  yLabel: string;
  isLogX: boolean;
  series: readonly Series[];
  /** horizontal lines with a name: what others have reached */
  levels?: readonly { value: number; label: string }[];
  note: string;
}

const width = 640;
const height = 400;
const left = 78;
const right = 140;
const top = 50;
const bottom = 74;
// Distinguishable without colour vision, and on paper (Okabe and Ito 2008).
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** An SVG of its own: dots with labels and bars of spread, or lines. The same plot gives the same text. */
export function drawPlot({ title, xLabel, yLabel, isLogX, series, levels = [], note }: Plot): string {
  const marks = series.flatMap((each) => each.marks);
  const xs = marks.map(({ x }) => x);
  const tops = marks.map(({ y, spread }) => y + (spread || 0));
  const floors = marks.map(({ y, spread }) => y - (spread || 0));
  const values = levels.map(({ value }) => value);
  const xTicks = isLogX
    ? logTicks(Math.min(...xs), Math.max(...xs))
    : linearTicks(Math.min(...xs), Math.max(...xs), 6);
  const yTicks = linearTicks(Math.min(...floors, ...values), Math.max(...tops, ...values), 5);
  const along = isLogX ? Math.log : (x: number) => x;
  const toX = scale(along(xTicks[0]!), along(xTicks.at(-1)!), left, width - right);
  const toY = scale(yTicks[0]!, yTicks.at(-1)!, height - bottom, top);
  const at = ({ x, y }: Mark) => [toX(along(x)), toY(y)] as const;
  const grid = [
    ...xTicks.map((tick) => {
      const x = fix(toX(along(tick)));
      return `<line class="grid" x1="${x}" y1="${top}" x2="${x}" y2="${height - bottom}"/><text x="${x}" y="${height - bottom + 18}" text-anchor="middle">${formatShort(tick)}</text>`;
    }),
    ...yTicks.map((tick) => {
      const y = fix(toY(tick));
      return `<line class="grid" x1="${left}" y1="${y}" x2="${width - right}" y2="${y}"/><text x="${left - 8}" y="${fix(toY(tick) + 4)}" text-anchor="end">${formatTick(tick, yTicks)}</text>`;
    }),
    ...levels.map(({ value, label }) => {
      const y = fix(toY(value));
      return `<line class="level" x1="${left}" y1="${y}" x2="${width - right}" y2="${y}"/><text class="note" x="${width - right + 6}" y="${fix(toY(value) + 4)}">${escapeText(label)}</text>`;
    }),
  ];
  const taken: [x: number, y: number][] = [];
  const drawn = series.flatMap(({ marks: own, isLine }, i) => {
    const colour = colours[i % colours.length]!;
    if (isLine) {
      const path = own.map((mark) => at(mark).map(fix).join(',')).join(' ');
      return [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`];
    }
    return own.map((mark) => {
      const [x, y] = at(mark);
      const bar = mark.spread
        ? `<line stroke="${colour}" stroke-width="1.5" x1="${fix(x)}" y1="${fix(toY(mark.y - mark.spread))}" x2="${fix(x)}" y2="${fix(toY(mark.y + mark.spread))}"/>`
        : '';
      const dot = `<circle cx="${fix(x)}" cy="${fix(y)}" r="4.5" fill="${colour}"/>`;
      if (mark.label === undefined) return bar + dot;
      const labelY = freePlace(taken, x + 8, y - 7);
      return `${bar}${dot}<text x="${fix(x + 8)}" y="${fix(labelY)}">${escapeText(mark.label)}</text>`;
    });
  });
  const legend = series.flatMap(({ name }, i) =>
    name === undefined
      ? []
      : [
          `<rect x="${width - right + 8}" y="${top + 20 * i}" width="12" height="12" rx="2" fill="${colours[i % colours.length]}"/>` +
            `<text x="${width - right + 25}" y="${top + 20 * i + 11}">${escapeText(name)}</text>`,
        ],
  );
  const middleY = (top + height - bottom) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">
<style>
  svg { background: #fff; font: 12px system-ui, sans-serif; fill: #222; }
  .title { font-size: 15px; font-weight: 600; }
  .note { font-size: 11px; fill: #666; }
  .grid { stroke: #ddd; }
  .level { stroke: #666; stroke-dasharray: 5 4; }
</style>
<text class="title" x="20" y="28">${escapeText(title)}</text>
${[...grid, ...drawn, ...legend].join('\n')}
<text x="${(left + width - right) / 2}" y="${height - bottom + 38}" text-anchor="middle">${escapeText(xLabel)}</text>
<text transform="translate(18 ${middleY}) rotate(-90)" text-anchor="middle">${escapeText(yLabel)}</text>
<text class="note" x="20" y="${height - 10}">${escapeText(note)}</text>
</svg>
`;
}

/** The nearest height at which a label hides none that stand already. */
function freePlace(taken: [number, number][], x: number, y: number): number {
  const isFree = (at: number) => taken.every(([ox, oy]) => Math.abs(ox - x) > 70 || Math.abs(oy - at) >= 13);
  for (let away = 0; ; away += 13) {
    for (const at of [y - away, y + away]) {
      if (!isFree(at)) continue;
      taken.push([x, at]);
      return at;
    }
  }
}

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** 1, 2 and 5 times powers of ten, from the last at or below `least` to the first at or above `most`. */
function logTicks(least: number, most: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++)
    ticks.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
  const first = ticks.findLastIndex((tick) => tick <= least * (1 + 1e-9));
  const last = ticks.findIndex((tick) => tick >= most * (1 - 1e-9));
  const chosen = ticks.slice(first, Math.max(last, first + 1) + 1);
  // With many decades only the powers of ten, and the ends, have room.
  return chosen.length <= 9
    ? chosen
    : chosen.filter((tick, i) => i === 0 || i === chosen.length - 1 || Number.isInteger(Math.log10(tick)));
}

/** About `count` round steps from at or below `least` to at or above `most`. */
function linearTicks(least: number, most: number, count: number): number[] {
  const span = most - least || Math.abs(most) || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((digit) => digit * power >= rough * (1 - 1e-9)) ?? 10);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(Math.ceil(most / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function formatTick(tick: number, ticks: readonly number[]): string {
  const step = ticks[1]! - ticks[0]!;
  return tick.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/** 1,234,567 as 1.2 M */
function formatShort(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return `${Number(value.toPrecision(3))}`;
}

function fix(value: number): string {
  return `${Number(value.toFixed(1))}`;
}

function escapeText(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[each]!,
  );
}
