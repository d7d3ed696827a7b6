import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readNpy } from '#dist/formats/npy.js';
import { loadModel } from '#dist/node.js';
import { availableKernels } from '#dist/wasm/features.js';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const shipped = path('demo/shakespeare-block8.safetensors');

/**
 * What PyTorch 1.13 gives in float64 for the shipped weights (reference.py): the logits of the first 64 bytes of
 * demo/sonnets.txt, and bits per byte of 8 equal contiguous streams of it and of the test split of tinyshakespeare.
 */
const bitsPerByte = 2.26760391193571;
const testBitsPerByte = 2.2766196875997258;
const logits = readNpy(readFileSync(path('test/demo/logits64.npy')));

async function scoreStreams(file: string, text: Uint8Array, streams: number, kernels: 'simd' | 'relaxed') {
  const model = await loadModel(file, { kernels });
  const ids = Int32Array.from(text, (byte) => model.vocab!.indexOf(byte));
  const length = Math.floor(ids.length / streams);
  const x = Int32Array.from(
    { length: (length - 1) * streams },
    (_, i) => ids[(i % streams) * length + Math.floor(i / streams)]!,
  );
  const { y } = await model.run(x, { batch: streams });
  const width = model.vocab!.length;
  let bits = 0;
  for (let i = 0; i < x.length; i++) {
    const row = y.subarray(i * width, (i + 1) * width);
    const next = ids[(i % streams) * length + Math.floor(i / streams) + 1]!;
    bits += Math.log2(row.reduce((sum, v) => sum + Math.exp(v - row[next]!), 0));
  }
  return bits / x.length;
}

describe.each(availableKernels())('the shipped model, %s', (kernels) => {
  it('has 8 blocks, 65 bytes, and is small', async () => {
    const model = await loadModel(shipped, { kernels });
    expect(model.spec.layers[1]).toMatchObject({ kind: 'lstm', hiddenSize: 512, blocks: 8 });
    expect(model.vocab).toHaveLength(65);
    expect(statSync(shipped).size).toBeLessThan(2e6);
  });

  it('gives the logits that PyTorch gives', async () => {
    const model = await loadModel(shipped, { kernels });
    const text = readFileSync(path('demo/sonnets.txt')).subarray(0, 64);
    const ids = Int32Array.from(text, (byte) => model.vocab!.indexOf(byte));
    const { y } = await model.run(ids);
    expect(y.length).toBe(logits.data.length);
    // A wrong gate is off by a thousand times as much.
    for (const [i, value] of y.entries()) expect(Math.abs(value - logits.data[i]!)).toBeLessThan(2e-5);
  });

  it('scores the sonnets as PyTorch does, to 4 decimals', async () => {
    const score = await scoreStreams(shipped, readFileSync(path('demo/sonnets.txt')), 8, kernels);
    expect(score.toFixed(4)).toBe(bitsPerByte.toFixed(4));
  });

  const corpus = path('../shared/data/tinyshakespeare/input.txt');
  it.skipIf(!existsSync(corpus))('scores the test split as PyTorch does, to 4 decimals', async () => {
    const text = readFileSync(corpus);
    const score = await scoreStreams(shipped, text.subarray(Math.floor(0.95 * text.length)), 8, kernels);
    expect(score.toFixed(4)).toBe(testBitsPerByte.toFixed(4));
  });
});
