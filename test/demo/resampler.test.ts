import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { Resampler } from '../../demo/page/audio/resampler.js';

function resample(from: number, to: number, x: Float32Array): Float32Array {
  const resampler = new Resampler(from, to);
  const out = new Float32Array(resampler.outputsOf(x.length));
  return out.slice(0, resampler.push(x, out));
}

function tone(hertz: number, rate: number, count: number, delay = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(2 * Math.PI * hertz * (i / rate - delay)));
}

const rates = [44_100, 48_000, 16_000, 96_000, 22_050, 11_025, 8000, 6000];

describe.each(rates)('%i → 8000 samples per second', (from) => {
  const delay = new Resampler(from, 8000).delay / from;

  test.each([100, 440, 2000, 0.38 * Math.min(from, 8000)])(
    'a tone of %d Hz stays the tone, later',
    (hertz) => {
      const y = resample(from, 8000, tone(hertz, from, from));
      expect(Math.abs(y.length - 8000)).toBeLessThanOrEqual(1);
      const expected = tone(hertz, 8000, y.length, delay);
      // The filter lets the band through with a ripple of as much as it attenuates, β = 8: 1e-4; the start is the filter's.
      for (let i = 200; i < y.length; i++) expect(Math.abs(y[i]! - expected[i]!)).toBeLessThan(2e-3);
    },
  );

  test.skipIf(from < 11_000)('a tone above 4 kHz does not come back as another one', () => {
    for (const hertz of [4300, 5000]) {
      const y = resample(from, 8000, tone(hertz, from, from)).subarray(200);
      expect(Math.max(...y.map(Math.abs))).toBeLessThan(2e-3);
    }
  });

  test('a constant stays what it is', () => {
    const y = resample(from, 8000, new Float32Array(from / 10).fill(0.25)).subarray(200);
    for (const value of y) expect(Math.abs(value - 0.25)).toBeLessThan(1e-6);
  });

  test('sound in pieces gives the same bytes as sound in one', () => {
    const random = seededRandom(from);
    const x = Float32Array.from({ length: 3001 }, () => 2 * random() - 1);
    const whole = resample(from, 8000, x);
    const resampler = new Resampler(from, 8000);
    const pieces: number[] = [];
    for (let at = 0; at < x.length; ) {
      const piece = x.subarray(at, at + Math.floor(random() * 200));
      const out = new Float32Array(resampler.outputsOf(piece.length));
      pieces.push(...out.subarray(0, resampler.push(piece, out)));
      at += piece.length;
    }
    expect(pieces).toEqual(Array.from(whole));
  });
});

test('sound that has the rate already is not touched', () => {
  const x = tone(1234, 8000, 500);
  expect(resample(8000, 8000, x)).toEqual(x);
});

test.each([
  [0, 8000],
  [8000.5, 8000],
  [Number.NaN, 8000],
  [48_000, -1],
  [47_999, 8000],
])('%d → %d is refused', (from, to) => {
  expect(() => new Resampler(from, to)).toThrow(RangeError);
});
