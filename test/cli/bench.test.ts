import { expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { byteModel, floatModel } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();

test('measures a step, and runs on one thread and on two', async () => {
  const model = folder.put('model.safetensors', encodeModel(byteModel()));
  const argv = ['--threads', '2', '--batch', '3', '--steps', '20', '--json'];
  const { code, stdout, stderr } = await call('bench', model, ...argv);
  expect([code, stderr]).toEqual([0, '']);
  const result = JSON.parse(stdout);
  const run = (threads: number) => ({
    threads,
    auto: false,
    milliseconds: expect.any(Number),
    tokensPerSecond: expect.any(Number),
    gflops: expect.any(Number),
    repeats: expect.any(Number),
  });
  expect(result).toEqual({
    model,
    kernels: expect.any(String),
    batch: 3,
    steps: 20,
    step: { microseconds: expect.any(Number), gflops: expect.any(Number), repeats: expect.any(Number) },
    runs: [run(1), run(2)],
  });
  const [{ milliseconds, tokensPerSecond, gflops }] = result.runs;
  expect(tokensPerSecond).toBeCloseTo(60_000 / milliseconds, 3);
  // 192 recurrent, 240 input and 108 linear weights
  expect(gflops).toBeCloseTo((2 * 540 * tokensPerSecond) / 1e9, 9);
});

test('says it in words', async () => {
  const model = folder.put('floats.safetensors', encodeModel(floatModel()));
  const { code, stdout } = await call('bench', model, '--threads', '1', '--steps', '10', '--kernels', 'simd');
  expect(code).toBe(0);
  expect(stdout).toMatch(/1 stream, simd kernels, medians/);
  expect(stdout).toMatch(/one step +1 +[\d.]+ (µs|ms) /);
  expect(stdout).toMatch(/run of 10 steps +1 +[\d.]+ (µs|ms) /);
});
