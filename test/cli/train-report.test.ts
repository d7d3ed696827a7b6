import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { curvesOf } from '#dist/cli/train/curves.js';
import type { Event } from '#dist/cli/train/log.js';
import { accuracy, bitsPerByte } from '#dist/cli/train/metric.js';
import { flatten, renderReport } from '#dist/cli/train/report.js';

const step = (at: number, loss: number): Event => ({
  event: 'step',
  step: at,
  epoch: 0,
  loss,
  learningRate: 1 / at,
  norm: 1,
  count: 4,
  tokensPerSecond: 5,
});
const epoch = (at: number, number: number, loss: number, hits: number): Event => ({
  event: 'epoch',
  step: at,
  epoch: number,
  loss: 2 * loss,
  validation: { loss, count: 10, hits },
  seconds: 1,
  isBest: true,
});
const events: Event[] = [step(1, 4), step(2, 3), epoch(2, 0, 2, 1), step(3, 2), epoch(3, 1, 1, 3)];

test('curves: each line has its values where they are known', () => {
  const [loss, metric, rate] = curvesOf(events, bitsPerByte);
  expect(loss).toEqual({
    title: 'Loss by step',
    xLabel: 'step',
    xs: [1, 2, 3],
    lines: [
      { label: 'training, nats', values: [4, 3, 2] },
      { label: 'validation, nats', values: [null, 2, 1] },
    ],
  });
  expect(metric).toMatchObject({ title: 'Bits per byte by epoch', xs: [1, 2] });
  expect(metric!.lines.map(({ values }) => values)).toEqual([
    [4 / Math.LN2, 2 / Math.LN2],
    [2 / Math.LN2, 1 / Math.LN2],
  ]);
  expect(rate!.lines).toEqual([{ label: 'learning rate', values: [1, 1 / 2, 1 / 3] }]);
  expect(curvesOf(events, accuracy)[1]!.lines).toEqual([{ label: 'validation', values: [0.1, 0.3] }]);
});

test('many points become means of runs of them; what is not finite is left out', () => {
  const many = Array.from({ length: 10_001 }, (_, i) => step(i + 1, i === 5 ? Number.NaN : 7));
  const [loss] = curvesOf(many, bitsPerByte);
  expect(loss!.xs.length).toBeLessThanOrEqual(1500);
  expect(loss!.xs.at(-1)).toBe(10_001);
  expect(new Set(loss!.lines[0]!.values)).toEqual(new Set([7]));
});

test('an empty log has no curves', () => {
  expect(curvesOf([], bitsPerByte)).toEqual([]);
});

test('the page needs nothing else, and says nothing as markup', () => {
  const page = renderReport({
    title: 'a <b> & "c"',
    metric: bitsPerByte,
    events,
    results: [['data', '</script><i>']],
    configuration: flatten({ train: { epochs: 3, split: [1, 2], name: '<x>' }, out: undefined }),
  });
  expect(page).toContain('<h1>a &lt;b> &amp; &quot;c&quot;</h1>');
  expect(page).not.toContain('<i>');
  expect(page).toContain('<tr><th>train.split<td>[1,2]');
  expect(page).toContain('<tr><th>train.name<td>&lt;x>');
  expect(page).toContain('The MIT License (MIT)');
  expect(page).not.toMatch(/<(script|link|img)[^>]*\b(src|href)=/);
  expect(page).not.toMatch(/@import|url\(/);
  expect(page.match(/<script>/g)!.length).toBe(page.match(/<\/script>/g)!.length);
  expect(page.match(/class="chart"/g)!.length).toBe(3);
  expect(page).toContain('<td>1.4427');
});

test('its script stands alone, and gives the plotting library every curve', () => {
  const page = renderReport({ title: 'a', metric: bitsPerByte, events, results: [], configuration: [] });
  const script = /<script>(\((?:(?!<script>)[\s\S])*)<\/script>\n<\/html>/.exec(page)![1]!;
  const drawn: { title: string; data: unknown; target: string }[] = [];
  class Plot {
    constructor({ title }: { title: string }, data: unknown, { id }: { id: string }) {
      drawn.push({ title, data, target: id });
    }
  }
  runInNewContext(script, {
    uPlot: Plot,
    document: { querySelector: (id: string) => ({ id, clientWidth: 500 }) },
    getComputedStyle: () => ({ getPropertyValue: () => '#123' }),
    addEventListener() {},
  });
  const wanted = curvesOf(events, bitsPerByte).map(({ title, xs, lines }, number) => ({
    title,
    data: [xs, ...lines.map(({ values }) => values)],
    target: `#chart-${number}`,
  }));
  expect(JSON.parse(JSON.stringify(drawn))).toEqual(wanted);
});
