import type { Curves } from './curves.js';

/** What the page has of the plotting library. */
declare const uPlot: new (
  options: object,
  data: (readonly (number | null)[])[],
  target: Element,
) => { setSize(size: { width: number; height: number }): void };

/**
 * Draws the charts of a report, each into the element of its number. It runs in the page, where its text is put: it must
 * not name anything of this module.
 */
export function drawCharts(all: Curves[]): void {
  const style = getComputedStyle(document.body);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--text'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  const show = (value: number) => String(Number(value.toPrecision(4)));
  const charts = all.map(({ title, xLabel, xs, lines }, number) => {
    const target = document.querySelector(`#chart-${number}`)!;
    const options = {
      title,
      width: target.clientWidth,
      height: 300,
      scales: { x: { time: false } },
      axes: [
        {
          ...axis,
          label: xLabel,
          ...(xs.length <= 60 ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] } : {}),
        },
        { ...axis, size: 70, values: (_: unknown, splits: number[]) => splits.map(show) },
      ],
      series: [
        { label: xLabel },
        ...lines.map(({ label }, i) => ({
          label,
          value: (_: unknown, value: number | null) => (value === null ? '' : show(value)),
          stroke: color(`--series-${i}`),
          width: 1.5,
          spanGaps: true,
          points: { show: xs.length <= 60, fill: color('--back') },
        })),
      ],
    };
    return { target, chart: new uPlot(options, [xs, ...lines.map(({ values }) => values)], target) };
  });
  addEventListener('resize', () => {
    for (const { target, chart } of charts) chart.setSize({ width: target.clientWidth, height: 300 });
  });
}
