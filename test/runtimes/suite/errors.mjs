import { createModel, encodeModel, loadModel, readModel, UnsupportedError } from 'blockrnn';
import { drawTensors, single } from './models.mjs';

/** Every kind of mistake has the code that the README promises, in every runtime. */
export async function checkErrors(check) {
  const { spec, inputs } = single[1];
  const tensors = drawTensors(spec, 1);
  const model = await createModel(spec, tensors);
  const session = model.session();
  const x = new Float32Array(4 * inputs);
  const bytes = encodeModel({ spec, tensors });
  const disposed = await createModel(spec, tensors);
  disposed.dispose();

  const cases = [
    ['x of another type', 'ERR_ARGUMENT_TYPE', TypeError, () => model.run([1, 2])],
    ['x of another length', 'ERR_ARGUMENT_RANGE', RangeError, () => model.run(x, { steps: 3 })],
    ['a frame too short', 'ERR_ARGUMENT_RANGE', RangeError, () => session.step(new Float32Array(1))],
    ['no model at all', 'ERR_ARGUMENT_TYPE', TypeError, () => loadModel(7)],
    ['a broken file', 'ERR_FORMAT', Error, () => loadModel(bytes.subarray(0, 100))],
    ['a web page', 'ERR_FORMAT', Error, () => readModel(new TextEncoder().encode('<!doctype html><p>404'))],
    ['a pickle', 'ERR_UNSUPPORTED', Error, () => readModel(Uint8Array.of(80, 75, 3, 4, 0, 0, 0, 0, 0))],
    ['a tensor missing', 'ERR_MISMATCH', Error, () => createModel(spec, {})],
    // Told by what comes only with graphs.
    ['a graph that cannot run', 'ERR_UNSUPPORTED', UnsupportedError, () => createModel(...clippedStrips())],
    ['no such kernels', 'ERR_ARGUMENT_RANGE', RangeError, () => createModel(spec, tensors, { kernels: 'x' })],
    ['a signal that has fired', 'ERR_ABORTED', Error, () => model.run(x, { signal: AbortSignal.abort() })],
    ['a model disposed of', 'ERR_DISPOSED', TypeError, () => disposed.run(x)],
    [
      'two runs at a time',
      'ERR_BUSY',
      TypeError,
      async () => {
        const [first, second] = await Promise.allSettled([model.run(x), model.run(x)]);
        if (first.status === 'rejected') throw first.reason;
        if (second.status === 'rejected') throw second.reason;
      },
    ],
  ];
  for (const [name, code, kind, body] of cases) {
    await check(`error: ${name}`, async () => {
      let caught;
      try {
        await body();
      } catch (error) {
        caught = error;
      }
      if (caught === undefined) throw new Error(`no error in place of ${code}`);
      if (caught.code !== code || !(caught instanceof kind)) throw caught;
    });
  }
  model.dispose();
}

/** Strips under a limit, which no kernel has. */
function clippedStrips() {
  const sizes = { weight_ih: [8, 1], weight_hh: [0, 32], strips: [1], bias_ih: [8], bias_hh: [8] };
  const strips = { shape: '8x4', count: 0 };
  const layer = { kind: 'elman', name: 'a', inputSize: 1, hiddenSize: 8, clip: 1, strips };
  const tensors = Object.entries(sizes).map(([field, shape]) => {
    const data = new Float32Array(shape.reduce((count, size) => count * size));
    return [`a.${field}`, { shape, data }];
  });
  return [{ layers: [layer] }, Object.fromEntries(tensors)];
}
