import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Path, points, relate } from '../../demo/page/motion/path.js';
import { strokes } from '../../demo/page/motion/strokes.js';
import { gestures, openNamer } from '../../demo/page/snippets/move.js';

const shipped = new URL('../../demo/models/gestures-block8.safetensors', import.meta.url);

test('positions stand from the first of a window', () => {
  const row = Array.from({ length: 2 * points }, (_, i) => (i % 2 === 0 ? 0.5 + i / 100 : 0.25));
  const x = relate(row);
  expect(x).toHaveLength(2 * points);
  expect(x[0]).toBe(0);
  for (let i = 0; i < points; i++) {
    expect(x[2 * i]).toBeCloseTo(0.2 * i, 6);
    expect(x[2 * i + 1]).toBe(0);
  }
});

test('a path is the last positions, and rests before its first', () => {
  const path = new Path();
  path.begin(3, 4);
  expect(path.read()).toEqual(new Float32Array(2 * points));
  for (let i = 1; i <= 40; i++) {
    path.push(3 + i, 4 - i);
    const x = path.read();
    expect(x[2 * points - 2]).toBe(10 * Math.min(i, points - 1));
    expect(x[2 * points - 1]).toBe(-10 * Math.min(i, points - 1));
  }
});

test('the shipped network names every stroke of the page', async () => {
  const namePath = await openNamer(fileURLToPath(shipped));
  const named: (string | undefined)[] = [];
  for (const { places } of strokes) {
    const path = new Path();
    path.begin(0, 0);
    // The page's scale; see panels/move.ts.
    for (const { x, y } of places) path.push(x / 3.2 / (16 / 9), y / 3.2);
    const probabilities = await namePath(path);
    expect(probabilities.reduce((sum, p) => sum + p)).toBeCloseTo(1, 6);
    named.push(gestures[probabilities.indexOf(Math.max(...probabilities))]);
  }
  expect(strokes.map(({ label }) => label)).toEqual(['Clockwise', 'Counter-clockwise', 'A line', 'Rest']);
  expect(named).toEqual(['clockwise', 'counter-clockwise', 'move', 'stop']);
});
