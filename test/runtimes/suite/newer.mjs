import { createModel, encodeModel, loadModel } from 'blockrnn';
import { openShare } from 'blockrnn/worklet';
import { digest, draw } from './draw.mjs';
import { drawTensors, single } from './models.mjs';

const plain = { kernels: 'simd' };
const frames = 6;

/** Streams, shares, hooks: what is built on steps and loading. */
export async function checkStreams(check, { wasm }) {
  const { spec, inputs } = single[5];
  const tensors = drawTensors(spec, 5);
  const bytes = encodeModel({ spec, tensors });
  const model = await createModel(spec, tensors, plain);
  const x = Array.from({ length: frames }, (_, t) => draw(100 + t).floats(inputs));
  const session = model.session();
  const wanted = x.map((frame) => session.step(frame).slice());
  const same = (found) => {
    if (found.length !== frames) throw new Error(`${found.length} frames came of ${frames}`);
    if (digest(...found) !== digest(...wanted)) throw new Error('bytes differ');
    return digest(...found);
  };

  await check('session.stream', async () => {
    const found = [];
    for await (const y of model.session().stream(x)) found.push(y);
    return same(found);
  });
  await check('session.stream of what comes late', async () => {
    async function* late() {
      for (const frame of x) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield frame;
      }
    }
    const found = [];
    for await (const y of model.session().stream(late())) found.push(y);
    return same(found);
  });
  await check('session.stream, ended by a signal', async () => {
    const controller = new AbortController();
    let code;
    try {
      for await (const _ of model.session().stream(x, { signal: controller.signal })) controller.abort();
    } catch (error) {
      code = error.code;
    }
    if (code !== 'ERR_ABORTED') throw new Error(`code ${code}`);
  });
  await check('session.transform', async () => {
    const readable = new ReadableStream({
      start(controller) {
        for (const frame of x) controller.enqueue(frame);
        controller.close();
      },
    });
    const reader = readable.pipeThrough(model.session().transform()).getReader();
    const found = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) found.push(next.value);
    return same(found);
  });
  await check('model.share', async () => {
    const shared = openShare(await model.share()).session();
    return same(x.map((frame) => shared.step(frame).slice()));
  });
  await check('onProgress', async () => {
    const calls = [];
    const onProgress = (...call) => calls.push(call);
    const loaded = await loadModel(new Response(bytes), { ...plain, onProgress });
    loaded.dispose();
    if (calls.at(-1)?.[0] !== bytes.length) throw new Error(`calls: ${JSON.stringify(calls)}`);
  });
  await check('wasmUrl', async () => {
    const given = await createModel(spec, tensors, { ...plain, wasmUrl: wasm });
    const own = given.session();
    return same(x.map((frame) => own.step(frame).slice()));
  });
  await check('wasmModule', async () => {
    const { module } = await model.share();
    const shared = globalThis.crossOriginIsolated !== false;
    // A share's module is the one for shared memory where memory is shared, which one thread does not use.
    let code;
    try {
      await createModel(spec, tensors, { ...plain, wasmModule: module });
    } catch (error) {
      code = error.code;
    }
    if (code !== (shared ? 'ERR_ARGUMENT_TYPE' : undefined)) throw new Error(`code ${code}`);
  });
  await check('a server that answers with a page', async () => {
    let error;
    try {
      await loadModel(new Response('<!doctype html><title>Not found</title>'));
    } catch (caught) {
      error = caught;
    }
    if (error?.code !== 'ERR_FORMAT') throw error ?? new Error('no error');
  });
  model.dispose();
}
