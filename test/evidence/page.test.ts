import { mkdtempSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  joinCheckpoint,
  type Kept,
  readIfThere,
  replaceFile,
  splitCheckpoint,
} from '../../bench/evidence/keep.js';
import { drawPlot } from '../../bench/evidence/plot.js';
import { readResults } from '../../bench/evidence/read-results.js';
import { listRuns, nameRun, type Result, summarize, summarizeRuns } from '../../bench/evidence/results.js';
import { rateAt } from '../../bench/evidence/schedule.js';
import { compareTasks, writePage } from '../../bench/evidence/tables.js';
import { tasks } from '../../bench/evidence/tasks.js';

const poses = tasks.find(({ name }) => name === 'poses')!;
const bytes = tasks.find(({ name }) => name === 'bytes')!;

function makeResults(): Result[] {
  return [poses, bytes].flatMap((task) =>
    task.groups.flatMap((group) =>
      listRuns(group, task.structures, 2).map((run, i): Result => {
        const rank = task.structures.indexOf(run.structure);
        return {
          ...{ ...run, task: task.name, hidden: 128, blocks: 4 },
          ...{ parameters: { recurrent: 10 ** (6 - rank), total: 2e6 }, multiplyAdds: 1e6 / (rank + 1) },
          metrics: { accuracy: 0.5 + rank / 100 + run.seed / 100, nats: 1.5 + rank / 10 },
          curve: [0, 1].map((epoch) => ({ epoch, loss: 2, validation: 1.9 - epoch / 10, seconds: epoch })),
          ...{ trainingSeconds: 61 + i, threads: 2, kernels: 'relaxed', step: { best: 12.345, median: 13 } },
          ...{
            settings: task.settings,
            facts: {},
            machine: 'a machine',
            runtime: 'Node',
            commit: 'abc',
            date: '2026-01-01',
          },
        };
      }),
    ),
  );
}

test('runs have names of their own, and those that are compared follow each other', () => {
  for (const task of tasks) {
    const names = task.groups.flatMap((group) =>
      listRuns(group, task.structures, 2).map((run) => nameRun(task, run)),
    );
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/);
  }
  expect(
    listRuns(bytes.groups[0]!, ['dense', 'blocks-8'], 2).map(({ structure, seed }) => `${structure} ${seed}`),
  ).toEqual(['dense 1', 'blocks-8 1', 'dense 2', 'blocks-8 2']);
});

test('mean and spread', () => {
  expect(summarize([1, 2, 3, 4])).toEqual({ mean: 2.5, spread: Math.sqrt(5 / 3), count: 4 });
  expect(summarize([7]).spread).toBeNaN();
  const result = (seed: number, value: number) => ({ seed, trainingSeconds: value }) as Result;
  const value = ({ trainingSeconds }: Result) => trainingSeconds;
  const both = [result(1, 1), result(1, 3), result(2, 4), result(2, 6), result(3, 100)];
  expect(summarizeRuns(both, 2, value)).toEqual({ mean: 3.5, spread: Math.sqrt(4.5), count: 2 });
  expect(summarizeRuns(both.slice(0, 2), 2, value)).toEqual({ mean: 2, spread: Math.sqrt(2), count: 2 });
});

test('the page has a row for every network, keeps what was written by hand, and is the same the second time', () => {
  const results = makeResults();
  const first = writePage(tasks, results, '');
  for (const row of ['dense', '4 blocks', '8 blocks', '16 blocks', 'diagonal', '8 blocks, widened'])
    expect(first.text.split(`\n| ${row} |`)).toHaveLength(3);
  // Seeds differ by 0.01, folds not at all.
  expect(first.text).toContain('| 51.5 ± 0.7 % |');
  expect(first.text).toContain('](evidence/bytes-official-curve.svg)');
  const read = first.text.replace(
    '<!-- reading:poses:begin -->',
    '<!-- reading:poses:begin -->\nBlocks hold.\n',
  );
  const second = writePage(tasks, results, read);
  expect(second.text).toContain('<!-- reading:poses:begin -->\nBlocks hold.\n<!-- reading:poses:end -->');
  expect(writePage(tasks, results, second.text)).toEqual(second);
  for (const [name, svg] of second.pictures) {
    expect(second.text, name).toContain(`](evidence/${name})`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  }
});

test('the comparison has a row for every task that has results, and a hole where a network has none', () => {
  const results = makeResults().filter(
    ({ task, structure }) => task !== 'bytes' || structure !== 'blocks-16',
  );
  const [head, line, ...rows] = compareTasks(tasks, results).split('\n');
  expect(rows.map((row) => row.split(' | ')[0])).toEqual(['| bytes', '| poses']);
  for (const row of [line!, ...rows]) expect(row.split('|')).toHaveLength(head!.split('|').length);
  expect(rows[0]).toContain('|  |');
  expect(rows[1]).toContain('| 51.5 ± 0.7 % |');
});

test('a plot of one point, of equal points and of many decades', () => {
  const plot = (marks: { x: number; y: number; label?: string }[], isLogX = true) =>
    drawPlot({ title: 'a < b & c', xLabel: 'x', yLabel: 'y', isLogX, series: [{ marks }], note: '' });
  for (const svg of [
    plot([{ x: 5, y: 1 }]),
    plot([
      { x: 5, y: 1, label: 'one' },
      { x: 5, y: 1, label: 'two' },
    ]),
    plot([
      { x: 3, y: -1 },
      { x: 4e7, y: 12_345 },
    ]),
    plot([{ x: 1, y: 0 }], false),
  ]) {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg).toContain('a &lt; b &amp; c');
    for (const [, y] of svg.matchAll(/ cy="([^"]+)"/g)) {
      expect(Number(y)).toBeGreaterThanOrEqual(50);
      expect(Number(y)).toBeLessThanOrEqual(326);
    }
  }
});

test('the learning rate grows, falls, and is never nothing', () => {
  const rates = Array.from({ length: 1001 }, (_, step) => rateAt(step, 1000, 0.01));
  expect(Math.max(...rates)).toBeCloseTo(0.01, 12);
  expect(rates.indexOf(Math.max(...rates))).toBe(50);
  expect(rates.at(-1)).toBeCloseTo(0.0001, 9);
  for (const total of [0, 1, 3]) expect(rateAt(0, total, 0.01)).toBeGreaterThan(0);
  expect(rateAt(5000, 1000, 0.01)).toBeCloseTo(0.0001, 9);
});

test('a checkpoint comes back whole, and a broken one is none', async () => {
  const kept: Kept = {
    settings: { a: 'ü' },
    seconds: 1.5,
    curve: [{ epoch: 0, loss: 1, seconds: 1 }],
    step: 3,
  };
  const state = Uint8Array.from({ length: 33 }, (_, i) => i);
  const path = new URL(
    'deep/er/run.checkpoint',
    pathToFileURL(`${mkdtempSync(join(tmpdir(), 'evidence-'))}/`),
  );
  expect(await readIfThere(path)).toBeUndefined();
  await replaceFile(path, joinCheckpoint(kept, state));
  const all = (await readIfThere(path))!;
  expect(splitCheckpoint(all)).toEqual({ kept, bytes: state });
  expect(splitCheckpoint(all.subarray(0, 20))).toBeUndefined();
  expect(splitCheckpoint(new Uint8Array(2))).toBeUndefined();
  expect(splitCheckpoint(Uint8Array.of(2, 0, 0, 0, 1, 2))).toBeUndefined();
});

test('docs/EVIDENCE.md says what the results say', async () => {
  const root = new URL('../../', import.meta.url);
  const results = await readResults(new URL('bench/results/evidence/', root), tasks);
  if (results.length === 0) return;
  const page = await readFile(new URL('docs/EVIDENCE.md', root), 'utf8');
  const { text, pictures } = writePage(tasks, results, page);
  expect(text).toBe(page);
  expect(await readFile(new URL('docs/choosing-n.md', root), 'utf8')).toContain(compareTasks(tasks, results));
  for (const [name, svg] of pictures)
    expect(await readFile(new URL(`docs/evidence/${name}`, root), 'utf8'), name).toBe(svg);
});
