import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { logProbability } from '#dist/cli/probability.js';
import { encodeModel } from '#dist/formats/native.js';
import type { ModelFile } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import { runOracle } from '../oracle/model.js';
import { byteModel, bytes, textOf } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const text = textOf(203);
const textPath = folder.put('text.txt', text);
const model = folder.put('model.safetensors', encodeModel(byteModel()));

/** Bits per byte by the definition, on logits in f64. */
function plainScore({ spec, tensors }: ModelFile, from: number, to: number, streams: number): number {
  const part = Math.floor((to - from) / streams);
  let bits = 0;
  for (let s = 0; s < streams; s++) {
    const ids = [...text.subarray(from + s * part, from + (s + 1) * part)].map((byte) => bytes.indexOf(byte));
    const { y } = runOracle(spec, tensors, ids, { steps: part, batch: 1 });
    for (let t = 0; t + 1 < part; t++) {
      const exps = [...y.subarray(t * 9, (t + 1) * 9)].map(Math.exp);
      bits -= Math.log2(exps[ids[t + 1]!]! / exps.reduce((a, b) => a + b));
    }
  }
  return bits / (streams * (part - 1));
}

describe('score', () => {
  test.each([
    [1, 0, 203],
    [3, 0, 203],
    [4, 50, 181],
    [2, 10, 14],
  ])('%i streams of bytes %i to %i', async (streams, from, to) => {
    const range = ['--from', `${from}`, '--to', `${to}`, '--streams', `${streams}`];
    const { code, stdout } = await call('score', model, '--text', textPath, ...range, '--json');
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toEqual({
      bitsPerByte: expect.closeTo(plainScore(byteModel(), from, to, streams), 5),
      tokens: streams * (Math.floor((to - from) / streams) - 1),
      tokensPerSecond: expect.any(Number),
      seconds: expect.any(Number),
      from,
      to,
      streams,
      threads: expect.any(Number),
      kernels: expect.stringMatching(/^(simd|relaxed)$/),
    });
    expect(result.tokensPerSecond).toBeGreaterThan(0);
  });

  test('models that end in softmax or logSoftmax, or read a one for each byte, score the same way', async () => {
    const whole = plainScore(byteModel(), 0, 203, 1);
    for (const end of ['softmax', 'logSoftmax'] as const) {
      const path = folder.put(`${end}.safetensors`, encodeModel(byteModel({ end })));
      const { stdout } = await call('score', path, '--text', textPath, '--json');
      expect(JSON.parse(stdout).bitsPerByte).toBeCloseTo(whole, 5);
    }
    const hot = byteModel({ embedding: false });
    const embedded = {
      spec: { layers: [{ kind: 'embedding' as const, name: 'e', count: 9, size: 9 }, ...hot.spec.layers] },
      tensors: {
        ...hot.tensors,
        'e.weight': { shape: [9, 9], data: Float32Array.from({ length: 81 }, (_, i) => +(i % 10 === 0)) },
      },
    };
    const path = folder.put('hot.safetensors', encodeModel(hot));
    const { stdout } = await call('score', path, '--text', textPath, '--json');
    expect(JSON.parse(stdout).bitsPerByte).toBeCloseTo(plainScore(embedded, 0, 203, 1), 5);
  });

  test('a text longer than what is held at a time scores as in one piece', async () => {
    // 2^20 values of y at a time are 116,508 steps of 9.
    const long = textOf(150_000);
    const path = folder.put('long.txt', long);
    const { spec, tensors } = byteModel();
    const made = await createModel(spec, tensors, { kernels: 'simd' });
    const ids = Int32Array.from(long, (byte) => bytes.indexOf(byte));
    const { y } = await made.run(ids);
    made.dispose();
    let nats = 0;
    for (let t = 0; t + 1 < ids.length; t++) nats -= logProbability(y, t * 9, 9, ids[t + 1]!, 'logits');
    const { stdout } = await call('score', model, '--text', path, '--kernels', 'simd', '--json');
    const result = JSON.parse(stdout);
    expect(result.tokens).toBe(149_999);
    expect(result.bitsPerByte).toBeCloseTo(nats / Math.LN2 / 149_999, 12);
  });

  test('says it in words', async () => {
    const { stdout } = await call('score', model, '--text', textPath, '--streams', '2', '--threads', '1');
    expect(stdout).toMatch(
      /^\d\.\d{4} bits per byte\n200 bytes predicted in .* a second\n2 streams, 1 thread, \w+ kernels\n$/,
    );
  });

  test('takes a vocabulary from elsewhere', async () => {
    const bare = folder.put('bare.safetensors', encodeModel(byteModel({ vocab: false })));
    const without = await call('score', bare, '--text', textPath);
    expect(without.code).toBe(1);
    expect(without.stderr).toContain('blockrnn convert IN OUT --vocab info.json');
    const whole = plainScore(byteModel(), 0, 203, 1);
    for (const value of [bytes, { vocab_bytes: bytes }, { vocab: bytes }]) {
      const vocab = folder.put('info.json', JSON.stringify(value));
      const { stdout } = await call('score', bare, '--text', textPath, '--vocab', vocab, '--json');
      expect(JSON.parse(stdout).bitsPerByte).toBeCloseTo(whole, 5);
    }
    for (const [value, message] of [
      ['{}', /info\.json: there is no vocabulary/],
      ['[1,', /info\.json: the JSON is broken at character 3/],
      ['[1, 2]', /vocab has 2 bytes.*9 rows/],
      ['[300]', /vocab\[0\]/],
    ] as const) {
      const vocab = folder.put('info.json', value);
      const { code, stderr } = await call('score', bare, '--text', textPath, '--vocab', vocab);
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
    }
  });

  test.each([
    ['~', '0x7e ("~")'],
    ['\t', '0x09 ("\\t")'],
    ['é', '0xc3 (of "é")'],
    [Buffer.of(0xff), '0xff, which'],
  ])('names a byte outside the vocabulary and where it is: %s', async (odd, name) => {
    const mixed = Buffer.concat([text.subarray(0, 37), Buffer.from(odd), text]);
    const file = folder.put('mixed.txt', mixed);
    const { code, stderr } = await call('score', model, '--text', file, '--from', '20', '--json');
    expect(code).toBe(1);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: 'ERR_VOCABULARY', offset: 37, file });
    expect(error.message).toContain(`byte 37 of the text is ${name}`);
    const past = await call('score', model, '--text', file, '--from', '40');
    expect(past.code).toBe(0);
  });

  test('a model that gives no probabilities is refused', async () => {
    const path = folder.put('tanh.safetensors', encodeModel(byteModel({ end: 'tanh' })));
    const { code, stderr } = await call('score', path, '--text', textPath);
    expect(code).toBe(1);
    expect(stderr).toContain('ends in tanh');
  });
});

const shared = new URL('../../../shared/', import.meta.url);

describe.skipIf(!existsSync(shared))('models trained in PyTorch', () => {
  test.each(['block8', 'dense'])('%s scores what PyTorch says', async (name) => {
    const path = (suffix: string) => fileURLToPath(new URL(`models/shakespeare-${name}${suffix}`, shared));
    const input = fileURLToPath(new URL('data/tinyshakespeare/input.txt', shared));
    const from = Math.floor(0.95 * readFileSync(input).length);
    const { test_bits_per_char: expected } = JSON.parse(readFileSync(path('.json'), 'utf8'));
    const { stdout, stderr } = await call(
      'score',
      path('.safetensors'),
      ...['--text', input, '--from', `${from}`, '--streams', '8', '--vocab', path('.json'), '--json'],
    );
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).bitsPerByte.toFixed(4)).toBe(expected.toFixed(4));
  });
});
