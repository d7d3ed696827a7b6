import { describe, expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { encodeModel } from '#dist/formats/native.js';
import { readModelFile } from '#dist/formats/open.js';
import { readModel } from '#dist/formats/read.js';
import { isRecurrent, stripsOf } from '#dist/model/spec.js';
import { checkTensors } from '#dist/model/tensors.js';
import { availableKernels, loadModel } from '#dist/node.js';
import { runMeaning } from '../oracle/meaning.js';
import { runOracle } from '../oracle/model.js';
import { runBlob, runText } from '../oracle/rnnoise.js';
import { expandStripsToDense } from '../oracle/strips.js';
import { findExcess } from '../oracle/tolerance.js';
import { errorFrom } from '../session/draw.js';
import { errorOf } from './bytes.js';
import { type BlobArray, blobFile, drawBlob, drawText, type Form, textFile } from './rnnoise-files.js';

function drawFrames(seed: number, steps: number, width: number): number[][] {
  const random = seededRandom(seed);
  return Array.from({ length: steps }, () => Array.from({ length: width }, () => 2 * random() - 1));
}

/** The largest difference of two runs. */
function furthest(a: readonly number[][], b: readonly number[][]): number {
  expect(a.map((row) => row.length)).toEqual(b.map((row) => row.length));
  return Math.max(...a.flatMap((row, t) => row.map((value, i) => Math.abs(value - b[t]![i]!))));
}

describe('the text format of RNNoise 0.1', () => {
  const model = drawText(1);
  const file = textFile(model);

  test('means what rnn.c computes', async () => {
    const { spec, tensors } = await readModelFile(file);
    checkTensors(spec, tensors);
    expect(spec.layers.map(({ name, kind, inputs }) => [name, kind, inputs])).toEqual([
      ['input_dense', 'linear', undefined],
      ['input_dense.activation', 'activation', undefined],
      ['vad_gru', 'gru', undefined],
      ['noise_gru', 'gru', ['input_dense.activation', 'vad_gru', 'input']],
      ['denoise_gru', 'gru', ['vad_gru', 'noise_gru', 'input']],
      ['denoise_output', 'linear', undefined],
      ['denoise_output.activation', 'activation', undefined],
      ['vad_output', 'linear', ['vad_gru']],
      ['vad_output.activation', 'activation', undefined],
      ['output', 'slice', ['denoise_output.activation', 'vad_output.activation']],
    ]);
    // Weights in 256ths are exact, so both are the same sums in f64.
    const x = drawFrames(2, 12, 7);
    expect(furthest(runMeaning(spec, tensors, x), runText(model, x))).toBeLessThan(1e-12);
  });

  test.each(availableKernels())('runs with %s kernels', async (kernels) => {
    const { spec, tensors } = await readModelFile(file);
    const x = drawFrames(2, 12, 7);
    const flat = Float32Array.from(x.flat());
    const rounded = x.map((_, t) => Array.from(flat.subarray(t * 7, (t + 1) * 7)));
    const { y: expected, bound } = runOracle(spec, tensors, flat, { steps: 12, batch: 1 });
    expect(furthest([Array.from(expected)], [runText(model, rounded).flat()])).toBeLessThan(1e-12);
    using loaded = await loadModel(file, { kernels });
    const { y } = await loaded.run(flat, { steps: 12 });
    expect(findExcess(y, expected, bound)).toBeNull();
    const session = loaded.session();
    const steps = rounded.flatMap((frame) => Array.from(session.step(Float32Array.from(frame))));
    expect(Float32Array.from(steps)).toEqual(y);
  });

  test('goes through a native file', async () => {
    const { spec, tensors } = await readModelFile(file, { blocks: 'auto' });
    expect(readModel(encodeModel({ spec, tensors })).spec).toEqual(spec);
  });

  const text = new TextDecoder().decode(file);
  const put = (from: string | RegExp, to: string) => new TextEncoder().encode(text.replace(from, to));
  const lines = text.split('\n');
  test.each([
    ['another version', put('version 1', 'version 2'), /version 2/],
    ['no version', put('version 1\n', 'version x\n'), /the version must be a whole number/],
    [
      'a size of none',
      put('7 5 0', '7 0 0'),
      /input_dense: the number of neurons must be within 1\.\.128, it is 0/,
    ],
    ['a size beyond the format', put('7 5 0', '7 129 0'), /within 1\.\.128, it is 129/],
    ['a huge size', put('7 5 0', '7 99999999999999999999999999 0'), /within 1\.\.128/],
    ['an unknown activation', put('7 5 0', '7 5 3'), /activation must be within 0\.\.2/],
    [
      'a weight that is no byte',
      put(lines[2]!, lines[2]!.replace(/^-?\d+/, '128')),
      /a weight must be within -128\.\.127/,
    ],
    ['a letter', put(lines[2]!, lines[2]!.replace(/^-?\d+/, '1x')), /a whole number/],
    ['a sign alone', put(lines[2]!, lines[2]!.replace(/^-?\d+/, '-')), /a whole number/],
    ['the end in the middle', file.slice(0, file.length - 20), /the file ends before it/],
    ['more than there should be', put(/\n$/, '\n5\n'), /more follows/],
    [
      'widths that do not fit',
      textFile({ ...model, vad_output: { ...model.vad_output, inputs: 5, weights: [1, 2, 3, 4, 5] } }),
      /vad_output has 5 inputs, but vad_gru give 6/,
    ],
  ])('is refused with %s', async (_, bytes, message) => {
    const error = await errorFrom(readModelFile(bytes));
    expect(error).toMatchObject({ code: 'ERR_FORMAT', offset: expect.any(Number) });
    expect(error.message).toMatch(message);
  });

  test('has its reader come only when it is needed, and takes no options that are not for it', async () => {
    expect(errorOf(() => readModel(file))).toMatchObject({ code: 'ERR_UNSUPPORTED', feature: 'rnnoise' });
    expect(await errorFrom(readModelFile(file, { spec: {} }))).toBeInstanceOf(TypeError);
  });
});

describe('the blobs of later versions', () => {
  const forms: Form[] = ['float', 'int8', 'sparse float', 'sparse int8'];
  test.each(forms.flatMap((form) => [[form, false] as const, [form, true] as const]))(
    'mean what rnn.c and nnet.c compute: %s, skips %s',
    async (form, skips) => {
      const model = drawBlob(3, form, skips);
      const { spec, tensors } = await readModelFile(blobFile(model.arrays), { blocks: 'auto' });
      checkTensors(spec, tensors);
      const x = drawFrames(4, 10, model.features);
      // Floats are what they were; of bytes 127 · scale is rounded, and so is the sum of a strip and the diagonal here.
      const most = form === 'float' ? 1e-12 : 1e-6;
      expect(furthest(runMeaning(spec, tensors, x), runBlob(model, x))).toBeLessThan(most);
      const strips = spec.layers.filter(isRecurrent).flatMap((layer) => stripsOf(layer) ?? []);
      expect(strips.length).toBe(form.startsWith('sparse') ? 3 : 0);
      expect(strips.every(({ shape, diagonal }) => shape === '8x4' && diagonal)).toBe(true);
    },
  );

  test.each(availableKernels().flatMap((kernels) => forms.map((form) => [kernels, form] as const)))(
    'run with %s kernels: %s',
    async (kernels, form) => {
      const model = drawBlob(6, form, true);
      const bytes = blobFile(model.arrays);
      const { spec, tensors } = await readModelFile(bytes);
      const flat = Float32Array.from(drawFrames(7, 6, model.features).flat());
      const dense = expandStripsToDense(spec, tensors);
      const { y: expected, bound } = runOracle(dense.spec, dense.tensors, flat, { steps: 6, batch: 1 });
      using loaded = await loadModel(bytes, { kernels });
      const { y } = await loaded.run(flat, { steps: 6 });
      expect(findExcess(y, expected, bound)).toBeNull();
      const session = loaded.session();
      const steps = Array.from({ length: 6 }, (_, t) =>
        Array.from(session.step(flat.slice(t * model.features, (t + 1) * model.features))),
      );
      expect(Float32Array.from(steps.flat())).toEqual(y);
    },
  );

  test('have floats count where there are bytes, too', async () => {
    const float = drawBlob(3, 'float', false);
    const bytes = drawBlob(3, 'int8', false).arrays.filter(({ name }) => /int8|scale/.test(name));
    const both = await readModelFile(blobFile([...float.arrays, ...bytes]));
    const alone = await readModelFile(blobFile(float.arrays));
    expect(both.tensors).toEqual(alone.tensors);
  });

  const { arrays } = drawBlob(5, 'sparse int8', true);
  const whole = blobFile(arrays);
  const edit = (name: string, change: (array: BlobArray) => BlobArray) =>
    blobFile(arrays.map((array) => (array.name === name ? change(array) : array)));
  const setNumber = (at: number, value: number) => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setInt32(at, value, true);
    return bytes;
  };
  const setByte = (at: number, value: number) => {
    const bytes = whole.slice();
    bytes[at] = value;
    return bytes;
  };
  const index = 'gru2_recurrent_weights_idx';
  const withIndex = (change: (values: number[]) => number[]) =>
    edit(index, (array) => ({ ...array, values: change(Array.from(array.values)) }));
  const rows = Array.from(arrays.find(({ name }) => name === index)!.values);
  // A row with strips, and where its first column stands.
  const column = (() => {
    let at = 0;
    while (rows[at] === 0) at++;
    return at + 1;
  })();
  const setAt = (at: number, value: number) =>
    withIndex((values) => values.map((v, i) => (i === at ? value : v)));
  test.each([
    ['a cut head', whole.slice(0, 30), /head has 64 bytes, 30 are left/],
    ['a cut array', whole.slice(0, whole.length - 1), /are left/],
    ['another version', setNumber(4, 1), /version is 1/],
    ['an unknown type', setNumber(8, 4), /type 4/],
    ['a negative size', setNumber(12, -4), /-4 bytes/],
    ['a size beyond its block', setNumber(12, 1000), /takes 64 bytes for 1000/],
    ['a block beyond the file', setNumber(16, 2 ** 30), /are left/],
    ['a negative block', setNumber(16, -64), /takes -64 bytes/],
    ['a name that does not end', setByte(63, 65), /name must be/],
    ['a name of none', setByte(20, 0), /name must be/],
    ['two arrays of a name', blobFile([...arrays, arrays[0]!]), /another one of that name/],
    ['garbage between arrays', setByte(128, 0), /must begin with DNNw/],
    ['a bias of ints', edit('gru1_input_bias', (array) => ({ ...array, type: 'int' })), /must be float/],
    ['a column outside', setAt(column, 16), /multiple of 4 below 16/],
    ['a negative column', setAt(column, -4), /multiple of 4 below 16/],
    ['a column between two', setAt(column, 2), /multiple of 4 below 16/],
    ['too many strips in a row', setAt(0, 2 ** 30), /number of strips in a row/],
    ['a negative number of strips', setAt(0, -1), /number of strips in a row/],
    ['more indices than rows', withIndex((values) => [...values, 0]), /more follows/],
  ] as const)('are refused with %s', async (_, bytes, message) => {
    const error = await errorFrom(readModelFile(bytes));
    expect(error).toMatchObject({ code: 'ERR_FORMAT', offset: expect.any(Number) });
    expect(error.message).toMatch(message);
  });

  const without = (name: string) => blobFile(arrays.filter((array) => array.name !== name));
  const shorten = (name: string) =>
    edit(name, (array) => ({ ...array, values: Array.from(array.values).slice(1) }));
  test.each([
    ['no scale', without('gru1_input_scale'), 'ERR_MISMATCH', /there is no "gru1_input_scale"/],
    ['no weights', without('gru1_input_weights_int8'), 'ERR_MISMATCH', /weights are missing/],
    ['no GRU', blobFile(arrays.filter(({ name }) => !name.startsWith('gru3'))), 'ERR_MISMATCH', /gru3_input/],
    ['too few weights', shorten('gru2_recurrent_weights_int8'), 'ERR_MISMATCH', /places \d+ strips/],
    ['a short diagonal', shorten('gru2_recurrent_weights_diag'), 'ERR_MISMATCH', /47 values for 48/],
    [
      'a short index',
      withIndex((values) => values.slice(0, -5)),
      /ERR_(MISMATCH|FORMAT)/,
      /ends after|strips in a row/,
    ],
    ['a short dense layer', shorten('conv2_weights_int8'), 'ERR_MISMATCH', /do not fit/],
    [
      'an array too many',
      blobFile([...arrays, { name: 'conv1_weights_diag', type: 'float', values: [1] }]),
      'ERR_UNSUPPORTED',
      /conv1_weights_diag/,
    ],
    [
      'another model',
      blobFile([{ name: 'fargan_bias', type: 'float', values: [1] }]),
      'ERR_UNSUPPORTED',
      /fargan_bias/,
    ],
    [
      'a layer beyond nnet.c',
      blobFile([
        { name: 'conv1_bias', type: 'float', values: [1] },
        { name: 'dense_out_bias', type: 'float', values: [1] },
        { name: 'conv1_weights_float', type: 'float', values: new Array(3000).fill(1) },
      ]),
      'ERR_MISMATCH',
      /more than nnet\.c/,
    ],
  ] as const)('are refused with %s, as what disagrees', async (_, bytes, code, message) => {
    const error = await errorFrom(readModelFile(bytes));
    expect(error.code).toMatch(code);
    expect(error.message).toMatch(message);
  });

  test('are refused with a typed error wherever a byte is wrong', async () => {
    const random = seededRandom(9);
    for (let n = 0; n < 400; n++) {
      const bytes = whole.slice(0, n % 4 === 0 ? Math.floor(random() * whole.length) : whole.length);
      for (let k = 0; k < 3; k++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      if (bytes[0] !== 68) continue;
      const outcome = await readModelFile(bytes).then(
        () => 'read',
        (error: { code?: string }) => error.code,
      );
      expect(['read', 'ERR_FORMAT', 'ERR_MISMATCH', 'ERR_UNSUPPORTED']).toContain(outcome);
    }
  });
});
