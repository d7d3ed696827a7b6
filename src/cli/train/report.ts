import { licence, script, style } from '../generated/uplot.js';
import { duration } from '../numbers.js';
import { drawCharts } from './charts.js';
import { curvesOf } from './curves.js';
import type { EpochLine, Event } from './log.js';
import type { Metric } from './metric.js';

export interface ReportContent {
  title: string;
  metric: Metric;
  events: readonly Event[];
  /** name and value, in the order of the table */
  results: readonly (readonly [string, string])[];
  configuration: readonly (readonly [string, string])[];
}

/** One page that needs nothing else: curves, results, epochs and configuration. */
export function renderReport({ title, metric, events, results, configuration }: ReportContent): string {
  const curves = curvesOf(events, metric);
  const epochs = events.filter((event): event is Event & EpochLine => event.event === 'epoch');
  const charts = curves.map((_, number) => `<div class="chart" id="chart-${number}"></div>`).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<style>${ownStyle}</style>
<h1>${escapeHtml(title)}</h1>
${tableOf(results)}
${charts}
<h2>Epochs</h2>
${epochTable(epochs, metric)}
<h2>Configuration</h2>
${tableOf(configuration)}
<!-- The charts are drawn by uPlot.
${licence.replaceAll('--', '- -')}-->
<script>${asScript(script)}</script>
<script>(${asScript(drawCharts.toString())})(${asScript(JSON.stringify(curves))});</script>
</html>
`;
}

/** The fields of a configuration one under the other, by their paths: train.optimizer.kind and so on. */
export function flatten(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .flatMap(([key, inner]) => flatten(inner, path === '' ? key : `${path}.${key}`));
}

function tableOf(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}<td>${escapeHtml(value)}`);
  return `<table>\n${lines.join('\n')}\n</table>`;
}

function epochTable(epochs: readonly EpochLine[], metric: Metric): string {
  const heads = [
    'epoch',
    'training loss',
    'validation loss',
    `validation ${metric.name}`,
    'time',
    'best so far',
  ];
  const rows = epochs.map(({ epoch, loss, validation, seconds, isBest }) => [
    String(epoch + 1),
    loss.toFixed(4),
    validation === null ? '' : validation.loss.toFixed(4),
    validation === null ? '' : metric.format(metric.of(validation)),
    duration(seconds),
    validation !== null && isBest ? 'yes' : '',
  ]);
  const head = heads.map((text) => `<th>${escapeHtml(text)}`).join('');
  const body = rows
    .map((cells) => `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}`).join('')}`)
    .join('\n');
  return `<table class="numbers">\n<tr>${head}\n${body}\n</table>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** Nothing in a script may look like its end, or like the beginning of a comment. */
function asScript(text: string): string {
  return text.replace(/<(?=\/script|!--|script)/gi, '\\x3c');
}

const ownStyle = `
:root { color-scheme: light dark; --text: #333; --line: #e4e4e4; --back: #fff; --series-0: #2f7ed8; --series-1: #e8833a; }
@media (prefers-color-scheme: dark) { :root { --text: #ccc; --line: #383838; --back: #181818; } }
body {
  font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
}
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } tr { border-bottom: 1px solid var(--line); }
th, td { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; } .numbers td { font-variant-numeric: tabular-nums; }
.chart { margin: 1.5rem 0; } .u-legend tr { border: 0; } .u-legend th { font-weight: inherit; }
`;
