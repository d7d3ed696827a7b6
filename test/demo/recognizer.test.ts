import { expect, test } from 'vitest';
import { loadModel } from '#dist/node.js';
import { bands, logMel, rate } from '../../demo/page/audio/features.js';
import { Gate } from '../../demo/page/audio/gate.js';
import { digits, phases, Recognizer, record } from '../../demo/page/audio/recognizer.js';
import { Resampler } from '../../demo/page/audio/resampler.js';
import { openRecognizer } from '../../demo/page/snippets/speak.js';
import { join, readTestRecordings } from './recordings.js';

const shipped = new URL('../../demo/models/digits-block8.safetensors', import.meta.url);

/** All records of a sound. */
function recognize(recognizer: Recognizer, sound: ArrayLike<number>): Float32Array[] {
  const records: Float32Array[] = [];
  let out = new Float32Array(record.size);
  for (let i = 0; i < sound.length; i++) {
    if (!recognizer.take(sound[i]!, out)) continue;
    records.push(out);
    out = new Float32Array(record.size);
  }
  return records;
}

/** A network that believes in 7, and notes what it was asked. */
function fakeSession() {
  const calls: string[] = [];
  return {
    calls,
    step(_x: Float32Array, out: Float32Array) {
      calls.push('step');
      out.fill(0);
      out[7] = 3;
      return out;
    },
    reset() {
      calls.push('reset');
    },
  };
}

const hum = (seconds: number, loudness: number) =>
  Float32Array.from({ length: seconds * rate }, (_, i) => loudness * Math.sin(i * 0.7));

test('a word begins at zeros, a little before it is loud, and ends after a pause', () => {
  const session = fakeSession();
  const sound = join([hum(0.3, 0.1), hum(0.4, 0.02)], rate / 2);
  const records = recognize(new Recognizer(session), sound);
  const found = records.map((each) => each[record.phase]);
  const open = found.filter((phase) => phase === phases.word || phase === phases.quiet);
  expect(session.calls.filter((call) => call === 'reset')).toHaveLength(2);
  expect(session.calls[0]).toBe('reset');
  // Four frames before the first loud one.
  expect(session.calls.filter((call) => call === 'step')).toHaveLength(open.length + 8);
  expect(found.filter((phase) => phase === phases.end)).toHaveLength(2);
  const first = found.indexOf(phases.word);
  expect(Math.abs(first - 50)).toBeLessThanOrEqual(3);
  for (const each of records) {
    const total = each.subarray(record.probabilities).reduce((sum, p) => sum + p);
    if (each[record.phase] === phases.word || each[record.phase] === phases.quiet)
      expect(total).toBeCloseTo(1, 5);
    else expect(total).toBe(0);
    expect(each[record.digit]).toBe(each[record.phase] === phases.silence ? -1 : 7);
  }
});

test('features are those of the whole sound, to the bit', () => {
  const sound = join([hum(0.3, 0.1)], 999);
  const features = recognize(new Recognizer(fakeSession()), sound).map((each) =>
    each.slice(record.features, record.features + bands),
  );
  expect(features.flatMap((frame) => Array.from(frame))).toEqual(Array.from(logMel(sound)));
});

test('a knock is no digit', () => {
  const records = recognize(new Recognizer(fakeSession()), join([hum(0.03, 0.5)], rate / 2));
  const end = records.find((each) => each[record.phase] === phases.end);
  expect(end?.[record.digit]).toBe(-1);
});

test('noise that stays is soon taken for silence, and a word is heard above it', () => {
  const gate = new Gate();
  for (let i = 0; i < 600; i++) gate.take(-40);
  expect(gate.isOpen).toBe(false);
  gate.take(-34);
  expect(gate.isOpen).toBe(false);
  gate.take(-25);
  expect(gate.isOpen).toBe(true);
  for (let i = 0; i < 24; i++) gate.take(-39);
  expect(gate.isOpen).toBe(true);
  gate.take(-39);
  expect(gate.isOpen).toBe(false);
});

test('the shipped network opens', async () => {
  using model = await loadModel(shipped);
  expect(model.session().step(new Float32Array(bands))).toHaveLength(digits);
});

const recordings = readTestRecordings(20);
test.skipIf(recordings.length === 0)(
  'the shipped network names 16 of 20 recordings in one stream',
  async () => {
    using model = await loadModel(shipped);
    const sound = join(
      recordings.map(({ samples }) => samples),
      rate * 0.4,
    );
    const heard = recognize(openRecognizer(await model.share()), sound)
      .filter((each) => each[record.phase] === phases.end)
      .map((each) => each[record.digit]);
    expect(heard).toHaveLength(recordings.length);
    const right = recordings.filter(({ digit }, i) => digit === heard[i]).length;
    expect(right).toBeGreaterThanOrEqual(16);
  },
);

test('quanta of an audio thread leave no garbage', async () => {
  using model = await loadModel(shipped);
  const resampler = new Resampler(48_000, rate);
  const recognizer = openRecognizer(await model.share());
  const quantum = Float32Array.from({ length: 128 }, (_, i) => 0.2 * Math.sin(i));
  const samples = new Float32Array(resampler.outputsOf(quantum.length));
  const out = new Float32Array(record.size);
  const hear = (quanta: number) => {
    for (let i = 0; i < quanta; i++) {
      const count = resampler.push(quantum, samples);
      for (let j = 0; j < count; j++) recognizer.take(samples[j]!, out);
    }
  };
  let least = Number.POSITIVE_INFINITY;
  const quanta = 4000;
  // Code that is not compiled yet boxes its numbers, and compilers make garbage until they are done.
  for (let attempt = 0; attempt < 40 && least >= 16 * quanta; attempt++) {
    hear(quanta);
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc!();
    const before = process.memoryUsage().heapUsed;
    hear(quanta);
    least = Math.min(least, process.memoryUsage().heapUsed - before);
  }
  expect(least).toBeLessThan(16 * quanta);
});
