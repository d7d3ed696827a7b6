import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Display, remaining } from '#dist/cli/train/display.js';
import type { StepLine } from '#dist/cli/train/log.js';
import { accuracy, bitsPerByte, type Metric } from '#dist/cli/train/metric.js';
import { Recorder } from './program.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const displayOn = (terminal: Recorder, metric: Metric = bitsPerByte) =>
  new Display(terminal, { metric, unit: 'bytes', epochSteps: 10, epochs: 4, isQuiet: false });
const lineOf = (step: number): StepLine => ({
  step,
  epoch: Math.floor((step - 1) / 10),
  loss: Math.LN2,
  learningRate: 0.00123456,
  norm: 1,
  count: 5,
  tokensPerSecond: 45_678,
});

test('a bar with the loss, the speed and the time left, within a line, and away for the line of an epoch', () => {
  const terminal = new Recorder(true);
  const display = displayOn(terminal);
  for (let step = 1; step <= 15; step++) {
    display.step(lineOf(step));
    vi.advanceTimersByTime(2000);
  }
  const shown = terminal.stderr.split('\r\u001b[K').slice(1);
  expect(shown[0]).toMatch(/^1\/4 █░░░░░░░ 20 % {2}loss 0\.693 \(1\.0000 bpb\) {2}45\.7k bytes\/s/);
  expect(shown.at(-1)).toMatch(/^2\/4 ████░░░░ 50 % /);
  for (const line of shown) expect(line.length).toBeLessThan(80);
  for (const line of shown.slice(1, -1)) expect(line).toMatch(/ s left/);
  display.epoch({ step: 15, epoch: 1, loss: 1, validation: null, seconds: 3, isBest: true });
  expect(terminal.stderr.endsWith('\r\u001b[Kepoch 2/4  loss 1.0000  1.4427 bits per byte  3 s\n')).toBe(
    true,
  );
});

test('the time left is that of the steps left, at the pace so far', () => {
  class Wide extends Recorder {
    readonly columns = 200;
  }
  const terminal = new Wide(true);
  const display = displayOn(terminal);
  // Goes on with step 21; two seconds a step.
  for (let step = 21; step <= 25; step++) {
    display.step(lineOf(step));
    vi.advanceTimersByTime(2000);
  }
  expect(terminal.stderr.endsWith('  45.7k bytes/s  30 s left  lr 0.00123')).toBe(true);
});

test('without a watcher a line every half minute', () => {
  const terminal = new Recorder(false);
  const display = displayOn(terminal, accuracy);
  for (let step = 1; step <= 12; step++) {
    vi.advanceTimersByTime(10_000);
    display.step(lineOf(step));
  }
  expect(terminal.stderr.split('\n')).toEqual([
    'step 3  loss 0.693  45.7k bytes/s  6 min 10 s left  lr 0.00123',
    'step 6  loss 0.693  45.7k bytes/s  5 min 40 s left  lr 0.00123',
    'step 9  loss 0.693  45.7k bytes/s  5 min 10 s left  lr 0.00123',
    'step 12  loss 0.693  45.7k bytes/s  4 min 40 s left  lr 0.00123',
    '',
  ]);
});

test.each([
  [0.4, '0 s'],
  [59.6, '1 min 0 s'],
  [65, '1 min 5 s'],
  [3725, '1 h 2 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(remaining(seconds)).toBe(text);
});
