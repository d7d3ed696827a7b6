import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { availableKernels, loadModel } from '#dist/node.js';

/** Models trained elsewhere, and what they answered there; beside the repository where they are present. */
const shared = new URL('../../../shared/', import.meta.url);
const present = existsSync(new URL('models/', shared));

/** The last 20th of the text, in ids of a model. */
function testSplit(vocab: readonly number[]): Int32Array {
  const text = readFileSync(new URL('data/tinyshakespeare/input.txt', shared));
  const idOf = new Int32Array(256).fill(-1);
  for (const [id, byte] of vocab.entries()) idOf[byte] = id;
  return Int32Array.from(text.subarray(Math.floor(0.95 * text.length)), (byte) => idOf[byte]!);
}

describe.skipIf(!present).each(['block8', 'dense'])('shakespeare-%s, trained in PyTorch', (name) => {
  const file = (ending: string) => new URL(`models/shakespeare-${name}.${ending}`, shared);
  const info = present ? JSON.parse(readFileSync(file('json'), 'utf8')) : undefined;

  test.each(availableKernels())('%s: logits of 256 bytes', async (kernels) => {
    using model = await loadModel(fileURLToPath(file('safetensors')), { kernels });
    const ids = testSplit(info.vocab_bytes);
    const { y } = await model.run(ids.slice(0, 256));
    const bytes = Uint8Array.from(readFileSync(file('logits256.f32')));
    const logits = new Float32Array(bytes.buffer);
    expect(y.length).toBe(logits.length);
    // The file's own accuracy is that of another f32 program over 256 steps.
    const furthest = y.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i]!)), 0);
    expect(furthest).toBeLessThan(2e-5);
  });

  test('bits per character of the test split', async () => {
    using model = await loadModel(fileURLToPath(file('safetensors')), { threads: 'auto' });
    const ids = testSplit(info.vocab_bytes);
    expect(await bitsPerCharacter(model, ids)).toBeCloseTo(info.test_bits_per_char, 4);
  });
});

/** 8 equal parts side by side, the remainder dropped, from zeros; the mean over all predicted characters, base 2. */
async function bitsPerCharacter(
  model: Awaited<ReturnType<typeof loadModel>>,
  ids: Int32Array,
): Promise<number> {
  const batch = 8;
  const part = Math.floor(ids.length / batch);
  const steps = part - 1;
  const x = Int32Array.from(
    { length: steps * batch },
    (_, i) => ids[(i % batch) * part + Math.floor(i / batch)]!,
  );
  const { y } = await model.run(x, { batch });
  const width = y.length / x.length;
  let nats = 0;
  for (let i = 0; i < x.length; i++) {
    const logits = y.subarray(i * width, (i + 1) * width);
    const most = logits.reduce((a, b) => Math.max(a, b));
    const sum = logits.reduce((total, value) => total + Math.exp(value - most), 0);
    nats += most + Math.log(sum) - logits[ids[(i % batch) * part + Math.floor(i / batch) + 1]!]!;
  }
  return nats / x.length / Math.LN2;
}
