import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { encodeModel } from '#dist/formats/native.js';
import { readNpy, writeNpy } from '#dist/formats/npy.js';
import { readSafetensors, writeSafetensors } from '#dist/formats/safetensors.js';
import { createModel } from '#dist/node.js';
import { randomModel, randomValues } from '../oracle/random.js';
import { byteModel, floatModel } from './models.js';
import { call, callWith, makeFolder } from './program.js';

const folder = makeFolder();
const at = (name: string) => join(folder.path, name);
const floats = floatModel();
const model = folder.put('floats.safetensors', encodeModel(floats));
const tokens = folder.put('bytes.safetensors', encodeModel(byteModel()));
const [T, B] = [7, 2];
const x = randomValues(seededRandom(3), T * B * 4);
const input = folder.put('in.npy', writeNpy([T, B, 4], x));
const simd = ['--kernels', 'simd'];

async function expected(options: object) {
  const made = await createModel(floats.spec, floats.tensors, { kernels: 'simd' });
  try {
    return await made.run(x, options);
  } finally {
    made.dispose();
  }
}

describe('run', () => {
  test('[T, B, I] → [T, B, O], and the state', async () => {
    const { code, stdout } = await call(
      'run',
      model,
      input,
      '-o',
      at('y.npy'),
      '--state-out',
      at('s.safetensors'),
      '--json',
      ...simd,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      out: at('y.npy'),
      shape: [T, B, 3],
      stateOut: at('s.safetensors'),
      steps: T,
      batch: B,
      outputs: 3,
      seconds: expect.any(Number),
      threads: expect.any(Number),
      kernels: 'simd',
    });
    const { y, state } = await expected({ batch: B });
    expect(readNpy(readFileSync(at('y.npy')))).toEqual({ shape: [T, B, 3], data: y });
    const { tensors } = readSafetensors(readFileSync(at('s.safetensors')));
    expect(Object.keys(tensors).sort()).toEqual(['gru.h', 'lstm.c', 'lstm.h']);
    expect(tensors['gru.h']).toMatchObject({ shape: [B, 6], data: state[0]!.h });
    expect(tensors['lstm.c']).toMatchObject({ shape: [B, 8], data: state[1]!.c });
  });

  test('[T, I] → [T, O]', async () => {
    const one = folder.put('one.npy', writeNpy([T * B, 4], x));
    const { code, stdout } = await call('run', model, one, '--out', at('one-y.npy'), ...simd);
    expect(code).toBe(0);
    expect(stdout).toContain('14 steps');
    const { y } = await expected({});
    expect(readNpy(readFileSync(at('one-y.npy')))).toEqual({ shape: [T * B, 3], data: y });
  });

  test('two runs with the state between them are one long run', async () => {
    const first = folder.put('first.npy', writeNpy([3, B, 4], x.slice(0, 3 * B * 4)));
    const second = folder.put('second.npy', writeNpy([4, B, 4], x.slice(3 * B * 4)));
    const state = at('between.safetensors');
    await call('run', model, first, '-o', at('y1.npy'), '--state-out', state, '--threads', '1', ...simd);
    const more = ['--state', state, '--state-out', state, '--threads', '1', ...simd];
    const { code, stderr } = await call('run', model, second, '-o', at('y2.npy'), ...more);
    expect([code, stderr]).toEqual([0, '']);
    const parts = ['y1.npy', 'y2.npy'].flatMap((name) => [...readNpy(readFileSync(at(name))).data]);
    const whole = await expected({ batch: B });
    expect(Float32Array.from(parts)).toEqual(whole.y);
    const { tensors } = readSafetensors(readFileSync(state));
    expect(tensors['lstm.h']!.data).toEqual(whole.state[1]!.h);
  });

  test('lengths', async () => {
    const lengths = folder.put('lengths.npy', writeNpy([2], Int32Array.of(7, 3)));
    await call('run', model, input, '-o', at('ragged.npy'), '--lengths', lengths, ...simd);
    const { y } = await expected({ batch: B, lengths: [7, 3] });
    expect(readNpy(readFileSync(at('ragged.npy'))).data).toEqual(y);
  });

  test.each([
    [[5], [5, 9]],
    [
      [5, 2],
      [5, 2, 9],
    ],
  ])('ids %j → %j, on two threads', async (shape, outShape) => {
    const ids = Int32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i % 9);
    const file = folder.put('ids.npy', writeNpy(shape, ids));
    const { code } = await call('run', tokens, file, '-o', at('ids-y.npy'), '--threads', '2');
    expect(code).toBe(0);
    expect(readNpy(readFileSync(at('ids-y.npy'))).shape).toEqual(outShape);
  });
});

describe('a failure leaves no file and changes none', () => {
  const ids = folder.put('ids2.npy', writeNpy([3], Int32Array.of(0, 9, 0)));
  const narrow = folder.put('narrow.npy', writeNpy([3, 5], new Float32Array(15)));
  const cube = folder.put('cube.npy', writeNpy([1, 1, 1, 4], new Float32Array(4)));
  const nothing = folder.put('nothing.npy', writeNpy([0, 4], new Float32Array(0)));
  const stateless = folder.put('stateless.safetensors', writeSafetensors({}));
  const wrongLengths = folder.put('wrong-lengths.npy', writeNpy([2], Int32Array.of(8, 1)));
  const cases: [string, string[], RegExp][] = [
    [
      'width',
      [model, narrow],
      /narrow\.npy: the array is \[3, 5\], the model reads \[T, 4\] or \[T, B, 4\] floats/,
    ],
    ['rank', [model, cube], /\[1, 1, 1, 4\]/],
    ['no steps', [model, nothing], /nothing in it/],
    ['ids for floats', [model, ids], /astype\(numpy\.float32\)/],
    ['floats for ids', [tokens, narrow], /astype\(numpy\.int32\)/],
    ['an id too large', [tokens, ids], /x\[1\] is 9/],
    [
      'state without a tensor',
      [model, input, '--state', stateless],
      /stateless\.safetensors.*"gru\.h" \[2, 6\].*missing/,
    ],
    ['lengths', [model, input, '--lengths', wrongLengths], /lengths\[0\]/],
    ['no model', [input, input], /\.npy array, not a model/],
    ['state-out that is a folder', [model, input, '--state-out', folder.path], /a folder, not a file/],
    ['state-out in no folder', [model, input, '--state-out', at('no/s')], /no such file or folder/],
  ];

  test.each(cases)('%s', async (_, argv, message) => {
    const old = folder.put('old.npy', 'as it was');
    const before = readdirSync(folder.path).sort();
    for (const out of [old, at('new.npy')]) {
      const { code, stdout, stderr } = await call('run', ...argv, '-o', out);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^blockrnn: [^\n]*\n$/);
    }
    expect(readdirSync(folder.path).sort()).toEqual(before);
    expect(readFileSync(old, 'utf8')).toBe('as it was');
  });

  test('Ctrl-C', async () => {
    const spec = { layers: [{ kind: 'lstm' as const, name: 'big', inputSize: 1, hiddenSize: 512 }] };
    const big = folder.put(
      'big.safetensors',
      encodeModel({ spec, tensors: randomModel(seededRandom(1), spec) }),
    );
    const long = folder.put('long.npy', writeNpy([20_000, 1], new Float32Array(20_000)));
    const before = readdirSync(folder.path).sort();
    const controller = new AbortController();
    setTimeout(() => controller.abort('SIGINT'), 300);
    const argv = ['run', big, long, '-o', at('big-y.npy'), '--threads', '1'];
    const { code, stderr } = await callWith(controller.signal, ...argv);
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(readdirSync(folder.path).sort()).toEqual(before);
    expect(existsSync(at('big-y.npy'))).toBe(false);
  });
});
