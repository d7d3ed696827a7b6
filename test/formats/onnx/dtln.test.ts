import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadModel } from '#dist/node.js';
import { findExcess } from '../../oracle/tolerance.js';

const dtln = new URL('../../../../shared/models/dtln/', import.meta.url);
const found = [dtln, new URL('../../../shared/models/dtln/', import.meta.url)].find((folder) =>
  existsSync(folder),
);

test.skipIf(found === undefined)('a noise suppressor runs frame by frame as it did elsewhere', async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(new URL('expected.f32', found));
  const expected = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  const mask = new Float32Array(300 * 257);

  using model = await loadModel(readFileSync(new URL('model_1.onnx', found)));
  const session = model.session();
  for (let t = 0; t < 300; t++) mask.set(session.step(expected.subarray(t * 257, (t + 1) * 257)), t * 257);

  const bound = new Float64Array(mask.length).fill(1e-4);
  expect(findExcess(mask, expected.subarray(300 * 257, 600 * 257), bound)).toBeNull();
});
