import { formatSeconds } from './bar.js';
import { drawPlot, type Mark } from './plot.js';
import { type Result, type Summary, summarize, summarizeRuns } from './results.js';
import type { Structure } from './sizes.js';
import type { Group, Metric, Task } from './task.js';

/** A page, and the pictures that it shows, by name. */
export interface Page {
  text: string;
  pictures: Map<string, string>;
}

/** Names of networks, as the page has them. */
const titles: Record<Structure, string> = {
  dense: 'dense',
  'blocks-4': '4 blocks',
  'blocks-8': '8 blocks',
  'blocks-16': '16 blocks',
  diagonal: 'diagonal',
  'widened-8': '8 blocks, widened',
};

const opening = `# Evidence

Does a recurrence in blocks hold what a dense one holds? Here every network of a task is trained by this package with
the same data, seeds, epochs and learning rates, at the same number of units H; the _widened_ one has eight blocks and so
many units that a step takes as many multiply-adds as the dense one's. Settings were chosen on a few trial runs, most of them of
eight blocks, by their validation loss, and are the same for all.
`;

const measures = `- _Recurrent_ are the weights of \`weight_hh\`, which structure makes fewer; _total_ are all parameters.
- _Multiply-adds_ are those of one step of one stream, matrices only.
- Figures are mean ± standard deviation over seeds (folds of a seed are averaged first), or over folds where there is one seed.
- Weights are those with the best validation loss, or the last ones where nothing is held back for validation. Tests run
  through the package's own inference.
- _Training_ is processor time of one run, of all its threads, validation included. _µs/step_ is \`session.step\`, one stream, one thread, the best of many.
`;

/**
 * The page of all results. What was written by hand between \`<!-- reading:NAME:begin -->\` and its end is kept.
 * @param before the page as it is, or ''
 */
export function writePage(tasks: readonly Task[], results: readonly Result[], before: string): Page {
  const pictures = new Map<string, string>();
  const parts = [opening, reading('summary', before), '## How to read the tables', measures];
  for (const task of tasks) {
    const own = results.filter((result) => result.task === task.name);
    if (own.length > 0) parts.push(...describeTask(task, own, before, pictures));
  }
  return { text: `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`, pictures };
}

function describeTask(
  task: Task,
  results: readonly Result[],
  before: string,
  pictures: Map<string, string>,
): string[] {
  const parts = [`## ${task.title}`, reading(task.name, before), describeSettings(task, results[0]!)];
  for (const group of task.groups) {
    const own = results.filter((result) => result.group === group.name);
    if (own.length === 0) continue;
    parts.push(`Split _${group.name}_: ${group.text}.`, formatGroup(task, group, own));
    const picture = (kind: string, text: string, svg: string) => {
      const name = `${task.name}-${group.name}-${kind}.svg`;
      pictures.set(name, svg);
      return `![${text}](evidence/${name})`;
    };
    const [metric] = task.metrics;
    parts.push(
      picture(
        'weights',
        `${metric!.label} against recurrent weights`,
        drawScatter(task, group, own, 'weights'),
      ),
      picture('cost', `${metric!.label} against multiply-adds`, drawScatter(task, group, own, 'cost')),
    );
    if (own.some(({ curve }) => curve.some(({ validation }) => validation !== undefined)))
      parts.push(picture('curve', 'validation after each epoch', drawCurve(task, own)));
  }
  if (task.references.length > 0)
    parts.push(`Others report:\n\n${task.references.map((each) => `- ${each}`).join('\n')}`);
  return parts;
}

function describeSettings(
  task: Task,
  { settings, threads, kernels, machine, runtime, commit, date }: Result,
): string {
  const { optimizer, epochs, learningRate, batch, steps, clip, dropout = 0, loss, tie, init } = settings;
  const said = [
    `loss \`${loss.kind}\``,
    `${optimizer.kind}, learning rate ${learningRate} at most, along a cosine`,
    `${epochs} epochs`,
    `batches of ${batch}${steps === undefined ? '' : ` streams of ${steps} steps`}`,
    ...(clip === undefined ? [] : [`gradients clipped at ${clip}`]),
    ...(dropout > 0 ? [`dropout ${dropout}`] : []),
    ...(tie ? ['decoder tied to the embedding'] : []),
    ...(init?.embeddingRange === undefined ? [] : [`first embeddings within ±${init.embeddingRange}`]),
    ...(init?.forgetBias === undefined ? [] : [`forget gates begin at ${init.forgetBias}`]),
  ];
  const shorter = epochs === task.settings.epochs ? '' : ` -- --epochs ${epochs}`;
  const again = `\`npm run evidence:${task.name}${shorter}\` makes it again`;
  return `${said.join('; ')}. ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${kernels} kernels; ${machine}; ${runtime}; commit ${commit}, ${date}. ${again}.`;
}

/** Every task's first figure by network, for a page that tells what to choose; of the first split alone. */
export function compareTasks(tasks: readonly Task[], results: readonly Result[]): string {
  const structures = Object.keys(titles) as Structure[];
  const head = ['task', 'figure', ...structures.map((structure) => titles[structure])];
  const rows = tasks.flatMap((task) => {
    const [group] = task.groups;
    const [metric] = task.metrics;
    const own = results.filter((result) => result.task === task.name && result.group === group!.name);
    if (own.length === 0) return [];
    const cells = structures.map((structure) => {
      const runs = own.filter((result) => result.structure === structure);
      return runs.length === 0 ? '' : formatSummary(metric!, summaryOf(group!, runs, metric!));
    });
    return [[task.name, `${metric!.label}, ${task.isLess ? 'less' : 'more'} is better`, ...cells]];
  });
  const line = head.map((_, i) => (i < 2 ? '---' : '---:'));
  return [head, line, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function formatGroup(task: Task, group: Group, results: readonly Result[]): string {
  const head = [
    ...['network', 'H', 'recurrent', 'total', 'multiply-adds'],
    ...task.metrics.map(({ label }) => label),
    ...['runs', 'training', 'µs/step'],
  ];
  const rows = task.structures.flatMap((structure) => {
    const own = results.filter((result) => result.structure === structure);
    if (own.length === 0) return [];
    const { hidden, parameters, multiplyAdds } = own[0]!;
    const mean = (value: (result: Result) => number) => summarize(own.map(value)).mean;
    return [
      [
        ...[
          titles[structure],
          `${hidden}`,
          count(parameters.recurrent),
          count(parameters.total),
          count(multiplyAdds),
        ],
        ...task.metrics.map((metric) => formatSummary(metric, summaryOf(group, own, metric))),
        ...[`${own.length}`, formatSeconds(mean(({ trainingSeconds }) => trainingSeconds))],
        `${Number(Math.min(...own.map(({ step }) => step.best)).toPrecision(3))}`,
      ],
    ];
  });
  const line = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, line, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function summaryOf(group: Group, results: readonly Result[], { key }: Metric): Summary {
  return summarizeRuns(results, group.folds.length, ({ metrics }) => metrics[key] ?? Number.NaN);
}

function formatSummary({ digits, isShare }: Metric, { mean, spread, count: runs }: Summary): string {
  if (runs === 0) return '…';
  const shown = (value: number) => (isShare ? 100 * value : value).toFixed(digits);
  const unit = isShare ? ' %' : '';
  return Number.isNaN(spread) ? `${shown(mean)}${unit}` : `${shown(mean)} ± ${shown(spread)}${unit}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function drawScatter(
  task: Task,
  group: Group,
  results: readonly Result[],
  against: 'weights' | 'cost',
): string {
  const metric = task.metrics[0]!;
  const factor = metric.isShare ? 100 : 1;
  const series = task.structures.flatMap((structure) => {
    const own = results.filter((result) => result.structure === structure);
    const { mean, spread, count: runs } = summaryOf(group, own, metric);
    if (runs === 0) return [];
    const { parameters, multiplyAdds } = own[0]!;
    const x = against === 'weights' ? parameters.recurrent : multiplyAdds;
    const mark: Mark = { x, y: mean * factor, spread: spread * factor, label: titles[structure] };
    return [{ marks: [mark] }];
  });
  if (series.length === 0) return '';
  return drawPlot({
    title: task.title,
    xLabel: against === 'weights' ? 'recurrent weights' : 'multiply-adds per step',
    yLabel: `${metric.label}${metric.isShare ? ', %' : ''} (${task.isLess ? 'less' : 'more'} is better)`,
    isLogX: true,
    series,
    note: `Split ${group.name}; bars: one standard deviation. ${origin(results[0]!)}`,
  });
}

/** Validation after each epoch, the mean over runs; as perplexity where that is what the task tells. */
function drawCurve(task: Task, results: readonly Result[]): string {
  const isPerplexity = task.metrics[0]!.key === 'perplexity';
  const series = task.structures.flatMap((structure) => {
    const own = results.filter((result) => result.structure === structure);
    const epochs = Math.min(...own.map(({ curve }) => curve.length));
    if (own.length === 0 || epochs === 0) return [];
    const marks = Array.from({ length: epochs }, (_, epoch): Mark => {
      const { mean } = summarize(own.map(({ curve }) => curve[epoch]!.validation ?? Number.NaN));
      return { x: epoch + 1, y: isPerplexity ? Math.exp(mean) : mean };
    });
    return [{ name: titles[structure], marks, isLine: true }];
  });
  return drawPlot({
    title: task.title,
    xLabel: 'epochs',
    yLabel: isPerplexity ? 'validation perplexity' : 'validation, nats',
    isLogX: false,
    series,
    levels: task.levels ?? [],
    note: origin(results[0]!),
  });
}

function origin({ machine, commit, date }: Result): string {
  return `${machine}; commit ${commit}, ${date}.`;
}

function reading(name: string, before: string): string {
  const [begin, end] = [`<!-- reading:${name}:begin -->`, `<!-- reading:${name}:end -->`];
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  const kept = from >= 0 && to > from ? before.slice(from + begin.length, to).trim() : '';
  return kept === '' ? `${begin}\n${end}` : `${begin}\n${kept}\n${end}`;
}
