/** Plays noise through a model in an audio worklet, and through the same model in the page. */
import { createModel } from 'blockrnn';
import { digest, draw } from './draw.mjs';
import { drawTensors } from './models.mjs';

const rate = 48_000;
const samples = 128 * 60;
const spec = {
  layers: [
    { kind: 'gru', name: 'gru', inputSize: 1, hiddenSize: 32, blocks: 4, resetAfter: true },
    { kind: 'linear', name: 'mix', inputSize: 32, outputSize: 1 },
  ],
};

async function play() {
  const model = await createModel(spec, drawTensors(spec, 9), { kernels: 'simd' });
  const noise = draw(10).floats(samples, 0.5);
  const context = new OfflineAudioContext(1, samples, rate);
  await context.audioWorklet.addModule('./audio.worklet.mjs');
  const share = await model.share();
  const node = new AudioWorkletNode(context, 'step', { processorOptions: { share } });
  const died = new Promise((_, reject) => {
    node.onprocessorerror = () => reject(new Error('the processor has died'));
  });
  const buffer = context.createBuffer(1, samples, rate);
  buffer.copyToChannel(noise, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(node).connect(context.destination);
  source.start();
  const played = (await Promise.race([context.startRendering(), died])).getChannelData(0);
  const { y } = await model.run(noise);
  model.dispose();
  const isShared = share.memory !== undefined;
  return { isShared, played: digest(played), run: digest(y), range: Math.max(...y) - Math.min(...y) };
}

globalThis.heard = play().catch((error) => ({ error: String(error?.stack ?? error) }));
document.title = 'ready';
