import type { CellsResult } from './cells.js';
import type { LstmReport, LstmResult } from './lstm.js';
import type { Origin } from './origin.js';
import type { QuestionsReport } from './questions.js';
import { bandwidthFor, type Roof } from './roof.js';
import type { StripsResult } from './strips.js';

/** What bench/results/lstm.json holds. */
export type LstmResults = (Origin & LstmReport)[];

/** What bench/results/questions.json holds. */
export interface QuestionsResults extends Origin {
  report: QuestionsReport;
}

export function formatOrigin({ machine, runtime, commit, date }: Origin): string {
  return `${machine}; ${runtime}; commit ${commit}, ${date}.`;
}

export function formatRoof([first]: readonly { roof: Roof }[]): string {
  const { multiplyAdd, bandwidth } = first!.roof;
  const peak = `${multiplyAdd.relaxed?.toFixed(0)} GFLOP/s relaxed, ${multiplyAdd.simd?.toFixed(0)} plain`;
  const loads = `${bandwidth[1]!.gbs.toFixed(0)} GB/s from cache, ${bandwidth.at(-1)!.gbs.toFixed(0)} from memory`;
  return `Roof of one core: ${peak}; ${loads}.`;
}

/** Rows, the first of them the head, as a Markdown table of figures, but for as many columns of text before them. */
export function formatMarkdown([head, ...rows]: readonly (string | number)[][], texts = 0): string {
  const rule = head!.map((_, column) => (column < texts ? '---' : '---:'));
  return [head!, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/**
 * The results as a Markdown table: time of one run, how many times faster than each rival, and the share of the roof.
 * @param shows which results to show
 */
export function formatTable(
  reports: readonly LstmReport[],
  shows: (result: LstmResult) => boolean = () => true,
): string {
  const head = [
    ...['H', 'N', 'T × B', 'threads', 'ours, relaxed', 'ours, plain'],
    ...['ort-web ÷ relaxed', 'ort-web ÷ plain', 'ort-node ÷ relaxed', 'of the roof'],
  ];
  const rows = reports.flatMap(({ roof, results }) =>
    results.filter(shows).map((result) => formatRow(roof, result)),
  );
  return formatMarkdown([head, ...rows]);
}

function formatRow(roof: Roof, result: LstmResult): string[] {
  const { hidden, blocks, steps, batch, threads, times } = result;
  const plain = times['blockrnn simd']!.best;
  const relaxed = times['blockrnn relaxed']?.best ?? Number.NaN;
  const web = times['onnxruntime-web']!.best;
  const node = times['onnxruntime-node']!.best;
  return [
    `${hidden}`,
    blocks === hidden ? 'H' : `${blocks}`,
    `${steps} × ${batch}`,
    `${threads}`,
    formatTime(relaxed),
    formatTime(plain),
    `${(web / relaxed).toFixed(2)}×`,
    `${(web / plain).toFixed(2)}×`,
    `${(node / relaxed).toFixed(2)}×`,
    `${Math.round(100 * shareOfRoof(roof, result))} %`,
  ];
}

/**
 * The least time that the roof allows, over the time taken, relaxed kernels: the larger of what the multiply-adds
 * need and, where a step reads each weight once (one stream, one step), what their loads need. A session's step runs
 * on one thread.
 */
function shareOfRoof(roof: Roof, { flops, weightBytes, steps, batch, threads, times }: LstmResult): number {
  const workers = steps === 1 ? 1 : threads;
  const compute = flops / (roof.multiplyAdd.relaxed ?? roof.multiplyAdd.simd!) / 1e6 / workers;
  const loads = steps === 1 && batch === 1 ? weightBytes / bandwidthFor(roof, weightBytes) / 1e6 : 0;
  return Math.max(compute, loads) / (times['blockrnn relaxed'] ?? times['blockrnn simd']!).best;
}

/** ms as ms or µs, with three digits */
function formatTime(ms: number): string {
  return ms < 1 ? `${Number((ms * 1000).toPrecision(3))} µs` : `${Number(ms.toPrecision(3))} ms`;
}

function formatStrips(strips: readonly StripsResult[]): string[] {
  return [
    'Strips: a step of a GRU, the recurrent part alone, B = 1, that keeps so many of its weights and the diagonal, over a ' +
      'dense step with the same zeros.',
    formatMarkdown([
      ['H', 'strips', 'kept', 'time', 'dense', 'times faster'],
      ...strips.map(({ hidden, shape, density, time, dense }) => [
        ...[hidden, shape.replace('x', '×'), `${density * 100} %`, formatTime(time), formatTime(dense)],
        `${(dense / time).toFixed(2)}×`,
      ]),
    ]),
  ];
}

function formatCells({ hidden, steps, roof, rows, alone }: CellsResult): string[] {
  const peak = roof.multiplyAdd.relaxed ?? roof.multiplyAdd.simd!;
  const share = (part: number, of: number) => `${Math.round((100 * part) / of)} %`;
  /** GB/s, and of what loads alone reach in so many bytes */
  const flow = (bytes: number, ms: number) => {
    const rate = bytes / ms / 1e6;
    return [rate.toFixed(1), share(rate, bandwidthFor(roof, bytes))];
  };
  return [
    `Cells: one layer of H = ${hidden}, I = H, B = 1, one thread. A step of a sequence of ${steps}, with its share of the ` +
      "roof's multiply-adds; and a step of a session, which reads all weights, with its share of the roof's loads.",
    formatMarkdown([
      [
        'cell',
        'structure',
        'multiply-adds',
        'in a sequence',
        'of the roof',
        'as a step',
        'GB/s',
        'of the roof',
      ],
      ...rows.map(({ cell, structure, work, weightBytes, sequence, step }) => [
        ...[cell, structure, work, formatTime(sequence), share((2 * work) / sequence / 1e6, peak)],
        ...(step === null ? ['–', '–', '–'] : [formatTime(step), ...flow(weightBytes, step)]),
      ]),
    ]),
    `Units that recur alone: H = ${hidden}, I = 1, a step of a sequence of ${steps}. Bytes are what it reads and writes at ` +
      'least: the input half and back, recurrent weights, states. The result is copied out besides. An IndRNN has nothing to ' +
      'compute but a product, a sum and a maximum; the others wait for the exponentials of their gates.',
    formatMarkdown([
      ['cell', 'structure', 'bytes', 'time', 'GB/s', 'of the roof'],
      ...alone.map(({ cell, structure, bytes, sequence }) => [
        ...[cell, structure, bytes, formatTime(sequence), ...flow(bytes, sequence)],
      ]),
    ]),
  ];
}

/** Every member of the family, for README.md. */
export function formatMembers(results: QuestionsResults): string {
  const { hidden, rows } = results.report.cells!;
  return [
    `${formatOrigin(results)} H = I = ${hidden}, one stream, one thread.`,
    formatMarkdown(
      [
        ['cell', 'structure', 'in a spec', 'trains', 'a step of `run`', '`session.step`'],
        ...rows.map(({ cell, structure, says, sequence, step, trains }) => [
          ...[cell, structure, says, trains ? 'yes' : 'no'],
          ...[formatTime(sequence), step === null ? '–' : formatTime(step)],
        ]),
      ],
      4,
    ),
  ].join('\n\n');
}

/** The smaller questions, one paragraph and table each. */
export function formatQuestions(report: QuestionsReport): string {
  const { frames, structure, strips, cells, profile, threads, crewStart, start, memory } = report;
  const times = (a: number, b: number) => `${(a / b).toFixed(2)}×`;
  const { inputs, hidden, times: byRuntime } = frames;
  const ours = byRuntime['blockrnn relaxed'] ?? byRuntime['blockrnn simd']!;
  const parts = [
    `Frames: a streaming model of DTLN's sizes (${inputs} magnitudes, two LSTMs of ${hidden}, a mask), one frame after ` +
      'another, its state kept, one thread.',
    formatMarkdown([
      ['runtime', 'best', 'median', '÷ ours, relaxed'],
      ...Object.entries(byRuntime).map(([name, { best, median }]) => [
        ...[name, formatTime(best), formatTime(median), times(best, ours.best)],
      ]),
    ]),
    'Structure: the recurrent part alone, T = 100, B = 1; time of N blocks over time of the dense layer, and over 1/N of it.',
    formatMarkdown([
      ['H', 'N', 'time', 'dense', 'time ÷ dense', '÷ (1/N)'],
      ...structure.map(({ hidden, blocks, time, dense, toPromise }) => [
        ...[hidden, blocks, formatTime(time), formatTime(dense)],
        ...[(time / dense).toFixed(4), toPromise.toFixed(2)],
      ]),
    ]),
    ...(strips === undefined ? [] : formatStrips(strips)),
    ...(cells === undefined ? [] : formatCells(cells)),
    'One step: where its time goes, in ns, each part measured alone; I = H.',
    formatMarkdown([
      ['H', 'N', 'step', 'projection', 'recurrence', 'pointwise', 'copies', 'rest'],
      ...profile.map(({ hidden, blocks, step, projection, recurrence, pointwise, copies, rest }) => [
        ...[hidden, blocks],
        ...[step, projection, recurrence, pointwise, copies, rest].map((ns) => Math.round(ns)),
      ]),
    ]),
    'Threads: one LSTM layer, how many times faster than one thread.',
    formatMarkdown([
      ['H', 'N', 'T × B', 'one thread', 'two workers', "'auto'"],
      ...threads.map(({ hidden, blocks, steps, batch, one, two, auto }) => [
        ...[hidden, blocks, `${steps} × ${batch}`, formatTime(one.best)],
        ...[times(one.best, two.best), times(one.best, auto.best)],
      ]),
    ]),
    `A run of next to no work takes ${crewStart.one.median.toFixed(1)} µs on one thread and ` +
      `${crewStart.two.best.toFixed(1)} µs at best, ${crewStart.two.median.toFixed(1)} µs in the median, on a crew of two.`,
    `Start: from \`import\` to the first step of a model of ${(start.parameters / 1e6).toFixed(2)} M parameters in ` +
      `memory, each time in a fresh process: ${start.ours.median.toFixed(0)} ms, onnxruntime-web ` +
      `${start.web.median.toFixed(0)} ms: ${times(start.web.median, start.ours.median)}.`,
  ];
  if (memory !== null) {
    parts.push(
      `Memory: loading a model that needs ${(memory.needed / 2 ** 20).toFixed(0)} MiB (weights, state, one input, one ` +
        `output) from a file and stepping it raises the peak of resident memory by ${(memory.peak / 2 ** 20).toFixed(0)} ` +
        `MiB, ${(memory.peak / memory.needed).toFixed(2)} times as much. Over ${memory.steps / 1e6} million steps of a ` +
        `small one resident memory changes by ${(memory.grown / 2 ** 20).toFixed(1)} MiB.`,
    );
  }
  return parts.join('\n\n');
}
