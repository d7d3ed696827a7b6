import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { sampleId } from '#dist/cli/probability.js';
import { encodeModel } from '#dist/formats/native.js';
import { createModel } from '#dist/node.js';
import { byteModel, bytes } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const model = folder.put('model.safetensors', encodeModel(byteModel()));
const run = async (...argv: string[]) => {
  const { code, stdout, stderr } = await call('generate', model, ...argv, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
};

describe('generate', () => {
  test('writes the prompt and the text to stdout, how fast it was to stderr', async () => {
    const { text } = await run('ABBA:', '--chars', '100', '--seed', '4');
    const { code, stdout, stderr } = await call('generate', model, 'ABBA:', '--chars', '100', '--seed', '4');
    expect(code).toBe(0);
    expect(stdout.replace(/\n$/, '')).toBe(`ABBA:${text}`.replace(/\n$/, ''));
    expect(stderr).toMatch(/^\n {2}speed {2}[\d,]+ characters a second, [\d.]+ .?s a step \(median\)\n/);
    expect(stderr).toContain('192 recurrent weights in 3 blocks; fully connected: 576\n');
    expect(stderr).toMatch(/1 thread, \w+ kernels, --seed 4\n$/);
  });

  test('--json', async () => {
    const result = await run('--prompt', 'A', '--chars', '40', '--seed', '-7', '--temperature', '1.5');
    expect(result).toEqual({
      text: expect.any(String),
      prompt: 'A',
      seed: -7,
      temperature: 1.5,
      chars: 40,
      seconds: expect.any(Number),
      charsPerSecond: expect.any(Number),
      millisecondsPerStep: expect.any(Number),
      recurrentWeights: 192,
      recurrentWeightsIfDense: 576,
      threads: 1,
      kernels: expect.any(String),
    });
    expect(result.text).toHaveLength(40);
  });

  test('same seed, same text; another seed, another text', async () => {
    const first = await run('A', '--chars', '60', '--seed', '1');
    expect((await run('A', '--chars', '60', '--seed', '1', '--threads', '2')).text).toBe(first.text);
    expect((await run('A', '--chars', '60', '--seed', '2')).text).not.toBe(first.text);
    const unseeded = await run('A', '--chars', '60');
    expect((await run('A', '--chars', '60', '--seed', `${unseeded.seed}`)).text).toBe(unseeded.text);
  });

  test('temperature 0 takes the likeliest byte each time', async () => {
    const { spec, tensors } = byteModel();
    const made = await createModel(spec, tensors, { kernels: 'simd' });
    const session = made.session();
    let expected = '';
    let y = session.step(Int32Array.of(bytes.indexOf(65)));
    for (let i = 0; i < 30; i++) {
      const id = y.indexOf(Math.max(...y));
      expected += String.fromCharCode(bytes[id]!);
      y = session.step(Int32Array.of(id));
    }
    made.dispose();
    const greedy = ['A', '--chars', '30', '--temperature', '0', '--kernels', 'simd'];
    expect((await run(...greedy, '--seed', '1')).text).toBe(expected);
    expect((await run(...greedy, '--seed', '2')).text).toBe(expected);
  });

  test('the prompt matters, and without one there is another', async () => {
    const fixed = ['--chars', '40', '--temperature', '0'];
    expect((await run('AAAA', ...fixed)).text).not.toBe((await run('E:', ...fixed)).text);
    expect((await run(...fixed)).prompt).toBe('\n');
  });

  test('models of other kinds write too', async () => {
    for (const [name, wish] of [
      ['softmax', { end: 'softmax' as const }],
      ['hot', { embedding: false }],
    ] as const) {
      const path = folder.put(`${name}.safetensors`, encodeModel(byteModel(wish)));
      const { code, stdout } = await call('generate', path, 'A', '--chars', '1', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ chars: 1, millisecondsPerStep: null });
    }
  });

  test('names a byte of the prompt that is outside the vocabulary', async () => {
    const { code, stdout, stderr } = await call('generate', model, 'AB~');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      'blockrnn: byte 2 of the prompt is 0x7e ("~"), which is not among the 9 bytes of the model\'s vocabulary.\n',
    );
  });

  test('weights that make NaN are an error, not a text', async () => {
    const broken = byteModel();
    broken.tensors['decoder.bias']!.data.fill(Number.NaN);
    const path = folder.put('nan.safetensors', encodeModel(broken));
    const { code, stderr } = await call('generate', path, 'A', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr).error.message).toContain('NaN');
  });
});

describe('sampleId', () => {
  const y = Float32Array.of(0, 1, 2);
  const shares = (values: Float32Array, kind: 'logits' | 'probabilities', temperature: number) => {
    const random = seededRandom(9);
    const weights = new Float64Array(3);
    const counts = [0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[sampleId(values, kind, temperature, random, weights)]!++;
    return counts.map((count) => count / 20_000);
  };

  test.each([0.5, 1, 2])('draws in proportion at temperature %d', (temperature) => {
    const exps = [...y].map((value) => Math.exp(value / temperature));
    const sum = exps.reduce((a, b) => a + b);
    const probabilities = Float32Array.from([...y].map((value) => Math.exp(value)));
    for (const drawn of [
      shares(y, 'logits', temperature),
      shares(probabilities, 'probabilities', temperature),
    ]) {
      for (const [i, share] of drawn.entries()) expect(Math.abs(share - exps[i]! / sum)).toBeLessThan(0.015);
    }
  });

  test('never draws what cannot be', () => {
    expect(shares(Float32Array.of(0, 0.5, 0.5), 'probabilities', 1)[0]).toBe(0);
    expect(shares(Float32Array.of(Number.NEGATIVE_INFINITY, 1, 1), 'logits', 1)[0]).toBe(0);
    expect(shares(Float32Array.of(0, 1, 0), 'probabilities', 1e-300)).toEqual([0, 1, 0]);
  });
});
