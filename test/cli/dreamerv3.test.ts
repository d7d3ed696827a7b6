import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readNpy, writeNpy } from '#dist/formats/npy.js';
import { readSafetensors } from '#dist/formats/safetensors.js';
import { npzOf } from '../formats/archive.js';
import { call, makeFolder } from './program.js';

const made = JSON.parse(
  readFileSync(new URL('../formats/layouts/dreamerv3.json', import.meta.url), 'utf8'),
) as {
  steps: number;
  inputs: number[];
  states: number[];
  params: Record<string, { shape: number[]; data: number[] }>;
};
const folder = makeFolder();
const at = (name: string) => join(folder.path, name);

test('the core of DreamerV3 is converted, shown and run', async () => {
  const params = Object.entries(made.params).map(([name, { shape, data }]) => [
    name,
    { shape, data: Float32Array.from(data) },
  ]);
  const core = folder.put('core.npz', npzOf(Object.fromEntries(params)));
  const model = at('model.safetensors');
  const converted = await call('convert', core, model, '--json');
  expect([converted.code, converted.stderr]).toEqual([0, '']);
  expect(JSON.parse(converted.stdout)).toMatchObject({ origin: 'dreamerv3' });

  const { code, stdout } = await call('info', model);
  expect(code).toBe(0);
  expect(stdout).toMatch(/deter\.before +delay +6 +0 +deter\n/);
  expect(stdout).toMatch(/dyngru\.update +linear +6 → 6 +2 of 3 → 3 +24 /);

  const x = folder.put('x.npy', writeNpy([made.steps, 9], Float32Array.from(made.inputs)));
  const ran = await call('run', model, x, '-o', at('y.npy'), '--state-out', at('s.safetensors'));
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  const { shape, data } = readNpy(readFileSync(at('y.npy')));
  expect(shape).toEqual([made.steps, 6]);
  for (const [i, value] of data.entries()) expect(Math.abs(value - made.states[i]!)).toBeLessThan(1e-6);
  const { tensors } = readSafetensors(readFileSync(at('s.safetensors')));
  expect(tensors['deter.before.h']).toMatchObject({ shape: [1, 6], data: (data as Float32Array).slice(-6) });

  const onnx = await call('convert', model, at('model.onnx'));
  expect(onnx.code).not.toBe(0);
  expect(onnx.stderr).toMatch(/"deter\.before" reads a layer behind it/);
});
