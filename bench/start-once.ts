// One cold start: start-once.js ours|web FILE HIDDEN; prints the milliseconds.
import { readFileSync } from 'node:fs';

const [who, file, size] = process.argv.slice(2);
const hidden = Number(size);
const bytes = new Uint8Array(readFileSync(file!));
const x = new Float32Array(hidden).fill(0.1);

const start = performance.now();
if (who === 'ours') {
  const { loadModel } = await import('blockrnn');
  const model = await loadModel(bytes);
  model.session().step(x);
} else {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const state = () => new ort.Tensor('float32', new Float32Array(hidden), [1, 1, hidden]);
  await session.run({ x: new ort.Tensor('float32', x, [1, 1, hidden]), 'h0.0': state(), 'c0.0': state() });
}
process.stdout.write(String(performance.now() - start), () => process.exit(0));
