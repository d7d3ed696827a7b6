import { expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { readWav, WavError } from '../../bench/evidence/wav.js';
import {
  bands,
  framesIn,
  hannWindow,
  hertzOf,
  hopSize,
  LogMel,
  logMel,
  melFilters,
  melOf,
  rate,
  windowSize,
} from '../../demo/page/audio/features.js';
import { PowerSpectrum } from '../../demo/page/audio/fft.js';

/** |Σ x e^(−2πi jk/n)|² by its definition. */
function directPower(x: ArrayLike<number>, size: number): number[] {
  return Array.from({ length: size / 2 + 1 }, (_, k) => {
    let re = 0;
    let im = 0;
    for (let j = 0; j < x.length; j++) {
      // The angle's multiple is reduced first, so that its rounding does not grow with j k.
      const angle = (2 * Math.PI * ((j * k) % size)) / size;
      re += x[j]! * Math.cos(angle);
      im -= x[j]! * Math.sin(angle);
    }
    return re * re + im * im;
  });
}

function drawNoise(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/**
 * Both sums are in f64; each of size terms of at most 1 in magnitude: |ΔX| ≤ c log2(n) u Σ|x| for the fast one and
 * n u Σ|x| for the direct one, so the power differs by at most 2 |X| |ΔX| + |ΔX|².
 */
function powerBound(x: ArrayLike<number>, size: number, power: number): number {
  const sum = Array.from(x).reduce((all, value) => all + Math.abs(value), 0);
  const apart = (size + 8 * Math.log2(size)) * 2 ** -53 * sum;
  return 2 * Math.sqrt(power) * apart + apart * apart;
}

test.each([4, 8, 64, 256])('the power of %i samples is that of the direct sum', (size) => {
  const out = new Float64Array(size / 2 + 1);
  for (const length of [size, size - 1, Math.floor(size * 0.7), 1]) {
    const x = drawNoise(length, size + length);
    new PowerSpectrum(size).measure(x, out);
    for (const [k, expected] of directPower(x, size).entries())
      expect(Math.abs(out[k]! - expected), `${length} ${k}`).toBeLessThanOrEqual(
        powerBound(x, size, expected),
      );
  }
});

test('other sizes are refused', () => {
  for (const size of [0, 2, 3, 100, 2 ** 21, Number.NaN])
    expect(() => new PowerSpectrum(size)).toThrow(RangeError);
});

test('a filter peaks where its mel says, none is empty, and neighbours share what lies between their peaks', () => {
  expect(hertzOf(melOf(1234))).toBeCloseTo(1234, 9);
  const filters = melFilters();
  expect(filters).toHaveLength(bands);
  for (const filter of filters) expect(filter.some((weight) => weight > 0)).toBe(true);
  const low = melOf(20);
  const step = (melOf(4000) - low) / (bands + 1);
  const firstPeak = hertzOf(low + step);
  const lastPeak = hertzOf(low + bands * step);
  for (let bin = 0; bin <= 128; bin++) {
    const hertz = (bin * rate) / 256;
    if (hertz < firstPeak || hertz > lastPeak) continue;
    const sum = filters.reduce((all, filter) => all + filter[bin]!, 0);
    expect(sum, `bin ${bin}`).toBeCloseTo(1, 12);
  }
});

test('log-mel features are those of direct sums', () => {
  const x = drawNoise(windowSize + 3 * hopSize + 17, 5).map((value) => value * 0.1);
  const window = hannWindow();
  const filters = melFilters();
  const found = logMel(x);
  expect(found).toHaveLength(4 * bands);
  for (let frame = 0; frame < 4; frame++) {
    const piece = Array.from({ length: windowSize }, (_, i) => x[frame * hopSize + i]! * window[i]!);
    const power = directPower(piece, 256);
    for (const [band, filter] of filters.entries()) {
      const energy = power.reduce((sum, value, bin) => sum + value * filter[bin]!, 1e-6);
      const expected = (Math.log(energy) + 4) / 4;
      // The f64 sums differ by some 1e-13; what is stored is rounded to f32.
      const bound = 2 ** -24 * Math.abs(expected) + 1e-10;
      expect(Math.abs(found[frame * bands + band]! - expected)).toBeLessThanOrEqual(bound);
    }
  }
});

test('a tone lights the band it lies in', () => {
  for (const hertz of [300, 1000, 3000]) {
    const tone = Float32Array.from(
      { length: windowSize },
      (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate),
    );
    const frame = Array.from(logMel(tone));
    const peak = frame.indexOf(Math.max(...frame));
    const low = melOf(20);
    const step = (melOf(4000) - low) / (bands + 1);
    expect(Math.abs((melOf(hertz) - low) / step - 1 - peak)).toBeLessThan(1);
  }
});

test('sound in pieces gives the same bytes as sound in one', () => {
  const x = drawNoise(2345, 9);
  const whole = logMel(x);
  expect(whole).toHaveLength(framesIn(x.length) * bands);
  for (const seed of [1, 2, 3]) {
    const random = seededRandom(seed);
    const stream = new LogMel();
    const pieces: number[] = [];
    for (let at = 0; at < x.length; ) {
      const count = Math.floor(random() * (seed === 1 ? 3 : 400));
      pieces.push(...stream.push(x.subarray(at, at + count)));
      at += count;
    }
    expect(pieces).toEqual(Array.from(whole));
    stream.reset();
    expect(stream.push(x)).toEqual(whole);
  }
  expect(logMel(x.subarray(0, windowSize - 1))).toHaveLength(0);
  expect(logMel(x.subarray(0, windowSize))).toHaveLength(bands);
});

/** A WAV file of these chunks. */
function wavOf(...chunks: [name: string, body: number[], size?: number][]): Uint8Array {
  const parts = chunks.flatMap(([name, body, size = body.length]) => [
    ...Buffer.from(name, 'latin1'),
    ...[0, 8, 16, 24].map((shift) => (size >>> shift) & 255),
    ...body,
    ...(body.length % 2 === 1 ? [0] : []),
  ]);
  return Uint8Array.from([...Buffer.from('RIFF'), 0, 0, 0, 0, ...Buffer.from('WAVE'), ...parts]);
}

const format = (kind = 1, channels = 1, perSecond = 8000, bits = 16) => [
  ...[
    kind,
    0,
    channels,
    0,
    perSecond & 255,
    (perSecond >> 8) & 255,
    (perSecond >> 16) & 255,
    perSecond >>> 24,
  ],
  ...[0, 0, 0, 0, 2, 0, bits, 0],
];

test('a WAV is read, other chunks stepped over', () => {
  const bytes = wavOf(['fmt ', format()], ['LIST', [1, 2, 3]], ['data', [0, 0, 255, 127, 0, 128]]);
  const padded = new Uint8Array(bytes.length + 3);
  padded.set(bytes, 3);
  for (const each of [bytes, padded.subarray(3)]) {
    const { rate: found, samples } = readWav(each);
    expect(found).toBe(8000);
    expect(Array.from(samples)).toEqual([0, 32767 / 32768, -1]);
  }
});

test.each([
  ['nothing', new Uint8Array(0), /no WAV/],
  ['another file', Uint8Array.from(Buffer.from('GIF89a and so on')), /no WAV/],
  ['a chunk beyond the end', wavOf(['fmt ', format()], ['data', [0, 0], 2 ** 32 - 1]), /4294967295 bytes/],
  ['half a sample', wavOf(['fmt ', format()], ['data', [0, 0, 0]]), /whole number of samples/],
  ['sound before its format', wavOf(['data', [0, 0]], ['fmt ', format()]), /before its format/],
  ['no sound', wavOf(['fmt ', format()]), /no sound/],
  ['a short format', wavOf(['fmt ', [1, 0]], ['data', [0, 0]]), /at least 16/],
  ['two channels', wavOf(['fmt ', format(1, 2)], ['data', [0, 0]]), /2 channels/],
  ['floats', wavOf(['fmt ', format(3, 1, 8000, 32)], ['data', [0, 0]]), /format 3/],
  ['no rate', wavOf(['fmt ', format(1, 1, 0)], ['data', [0, 0]]), /samples per second/],
])('%s is refused', (_, bytes, message) => {
  expect(() => readWav(bytes)).toThrow(WavError);
  expect(() => readWav(bytes)).toThrow(message);
});

test('no prefix of a file and no changed byte of it does more than throw a WavError', () => {
  const bytes = wavOf(['fmt ', format()], ['LIST', [1, 2, 3, 4]], ['data', [0, 0, 255, 127]]);
  const tryRead = (each: Uint8Array) => {
    try {
      expect(readWav(each).samples.length).toBeLessThanOrEqual(each.length / 2);
    } catch (error) {
      expect(error).toBeInstanceOf(WavError);
    }
  };
  for (let length = 0; length < bytes.length; length++) tryRead(bytes.subarray(0, length));
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 127, 128, 255]) tryRead(bytes.with(at, value));
  }
});
