import type { Origin } from '../origin.js';
import { formatMarkdown, formatOrigin, formatRoof } from '../table.js';
import type { TrainReport, TrainResult } from './speed.js';
import type { TfjsReport } from './tfjs.js';

/** What bench/results/train.json holds. */
export interface TrainResults {
  reports: (Origin & TrainReport)[];
  tfjs?: (Origin & TfjsReport) | undefined;
}

/** All rows, and where and against what they were measured. */
export function formatTrain({ reports, tfjs }: TrainResults): string {
  const head = [
    ...['model', 'H', 'N', 'threads', 'tokens/s', 'a step', 'step ÷ forward', 'GFLOP/s', 'of the roof'],
    ...['PyTorch, N blocks ÷ ours', 'PyTorch, dense ÷ ours', 'our dense ÷ ours'],
  ];
  const rows = reports.flatMap((report) =>
    report.results.map((result) => formatRow(report, result, denseOf(report, result))),
  );
  const parts = reports.length === 0 ? [] : [originOf(reports), formatMarkdown([head, ...rows])];
  if (tfjs !== undefined) parts.push(formatTfjs(reports, tfjs));
  return parts.join('\n\n');
}

/** For the README: what one thread does, dense and 8 blocks. */
export function formatTrainSummary({ reports }: TrainResults): string {
  const head = [
    'model',
    'H',
    'N',
    'tokens/s',
    'PyTorch, N blocks ÷ ours',
    'PyTorch, dense ÷ ours',
    'our dense ÷ ours',
  ];
  const rows = reports
    .filter(({ threads }) => threads === 1)
    .flatMap((report) =>
      report.results
        .filter(({ blocks }) => blocks === 1 || blocks === 8)
        .map((result) => {
          const cells = formatRow(report, result, denseOf(report, result));
          return [...cells.slice(0, 3), cells[4]!, ...cells.slice(-3)];
        }),
    );
  return `${originOf(reports)}\n\n${formatMarkdown([head, ...rows])}`;
}

function originOf(reports: TrainResults['reports']): string {
  const [first] = reports;
  const { torch } = first!;
  const rival =
    'missing' in torch
      ? `PyTorch was not measured: ${torch.missing}.`
      : `PyTorch ${torch.version} with ${torch.blas}.`;
  return `${formatOrigin(first!)} ${formatRoof(reports)} ${rival}`;
}

function denseOf({ results }: TrainReport, { model, hidden }: TrainResult): TrainResult | undefined {
  return results.find((other) => other.model === model && other.hidden === hidden && other.blocks === 1);
}

function formatRow(
  { roof, threads }: TrainReport,
  { model, hidden, blocks, steps, batch, flops, step, evaluate, torchBlocks, torchDense }: TrainResult,
  dense: TrainResult | undefined,
): string[] {
  const peak = (roof.multiplyAdd.relaxed ?? roof.multiplyAdd.simd!) * threads;
  const rate = flops / step.best / 1e6;
  const times = (other: { best: number } | undefined) =>
    other === undefined ? '–' : `${(other.best / step.best).toFixed(2)}×`;
  return [
    model,
    `${hidden}`,
    blocks === hidden ? 'H' : `${blocks}`,
    `${threads}`,
    formatTokens((steps * batch * 1000) / step.best),
    `${Number(step.best.toPrecision(3))} ms`,
    (step.best / evaluate.best).toFixed(2),
    rate.toFixed(1),
    `${Math.round((100 * rate) / peak)} %`,
    // With one block N blocks are the dense layer.
    times(blocks === 1 ? torchDense : torchBlocks),
    times(torchDense),
    blocks === 1 ? '–' : times(dense?.step),
  ];
}

/** With three digits */
function formatTokens(rate: number): string {
  return Number(rate.toPrecision(3)).toLocaleString('en');
}

function formatTfjs(reports: TrainResults['reports'], tfjs: Origin & TfjsReport): string {
  if ('missing' in tfjs) return `TensorFlow.js was not measured: ${tfjs.missing}.`;
  const { version, backend, hidden, steps, batch, updates, step } = tfjs;
  const ours = reports
    .find(({ threads }) => threads === 1)
    ?.results.find((result) => result.model === 'byte' && result.hidden === hidden && result.blocks === 1);
  const times =
    ours === undefined ? '' : `, ${(step.best / ours.step.best).toFixed(0)} times as long as ours`;
  return (
    `TensorFlow.js ${version}, its ${backend} backend, one thread: the dense byte model of ${hidden} units takes ` +
    `${(step.best / 1000).toFixed(1)} s a step, the best of ${updates}${times}: ` +
    `${formatTokens((steps * batch * 1000) / step.best)} tokens/s.`
  );
}
