/** What a worklet does for each quantum, in Node, to see whether it leaves garbage. Needs --expose-gc. */
import { createModel } from 'blockrnn';
import { openShare } from 'blockrnn/worklet';
import { draw } from './draw.mjs';
import { drawTensors } from './models.mjs';

const layer = { kind: 'lstm', name: 'lstm', inputSize: 1, hiddenSize: 16, blocks: 4 };
const spec = { layers: [layer] };
const model = await createModel(spec, drawTensors(spec, 1));
const session = openShare(await model.share()).session();
const [x, y, noise] = [new Float32Array(1), new Float32Array(16), draw(3).floats(128)];
const quantum = () => {
  for (let i = 0; i < 128; i++) {
    x[0] = noise[i];
    session.step(x, y);
  }
};
// Compilers make garbage too, until they are done.
for (let i = 0; i < 3000; i++) quantum();
await new Promise((resolve) => setTimeout(resolve, 100));
globalThis.gc();
const before = process.memoryUsage().heapUsed;
for (let i = 0; i < 1000; i++) quantum();
console.log(process.memoryUsage().heapUsed - before);
