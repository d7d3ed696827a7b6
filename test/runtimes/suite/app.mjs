/**
 * A small app as a bundler gets it: a model from code on ?threads=n, in workers of ?worker=address where a bundler has
 * not found them by itself; the answer is in globalThis.outcome.
 */
import { createModel } from 'blockrnn';
import { digest, draw } from './draw.mjs';
import { drawTensors, single } from './models.mjs';

export async function runApp(options) {
  const { spec, inputs } = single[1];
  const model = await createModel(spec, drawTensors(spec, 1), { kernels: 'simd', ...options });
  const { y } = await model.run(draw(1).floats(20 * inputs));
  const session = model.session();
  const step = session.step(draw(2).floats(inputs)).slice();
  const answer = { threads: model.threads, digest: digest(y, step) };
  model.dispose();
  return answer;
}

if (globalThis.document !== undefined) {
  const parameters = new URLSearchParams(location.search);
  const options = { threads: Number(parameters.get('threads') ?? 1) };
  const worker = parameters.get('worker');
  if (worker !== null) options.createWorker = () => new Worker(worker, { type: 'module' });
  globalThis.outcome = runApp(options).catch(({ name, code, message, stack }) => ({
    error: `${name} ${code} ${message}\n${stack}`,
  }));
  document.title = 'ready';
}
