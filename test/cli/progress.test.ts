import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Progress } from '#dist/cli/progress.js';
import { Recorder } from './program.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('says nothing for a second, then ten times a second at most, and goes away', () => {
  const terminal = new Recorder(true);
  const progress = new Progress(terminal);
  vi.advanceTimersByTime(900);
  progress.show('working', 1, 4);
  expect(terminal.stderr).toBe('');
  vi.advanceTimersByTime(200);
  progress.show('working', 2, 4);
  progress.show('working', 3, 4);
  expect(terminal.stderr).toBe('\r\u001b[Kworking 50 %');
  progress.end();
  expect(terminal.stderr).toBe('\r\u001b[Kworking 50 %\r\u001b[K');
});

test('says nothing at all when nobody watches', () => {
  const terminal = new Recorder(false);
  const progress = new Progress(terminal);
  vi.advanceTimersByTime(5000);
  progress.show('working', 1, 2);
  progress.end();
  expect(terminal.stderr).toBe('');
});
