import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { encodeF16 } from '#dist/formats/half.js';
import { listFiles, readOnnx } from '#dist/formats/onnx/onnx.js';
import { loadModel } from '#dist/node.js';
import { GraphBuilder } from '../../onnx/builder.js';
import { integers, layer, recurrentNode, small } from '../../onnx/nodes.js';
import {
  bytesField,
  integerField,
  integerFields,
  messageField,
  packedField,
  textField,
} from '../../onnx/proto.js';
import { draw, sceneOf } from '../../session/draw.js';
import { errorOf } from '../bytes.js';

describe('constants', () => {
  const { tensors } = draw(small(), sceneOf());
  const [o, i] = [4, 5];
  const exact = tensors['head.weight']!.data.map((value) => Math.fround(Math.round(value * 64) / 64));
  const halves = encodeF16(exact);
  const bits = new Uint32Array(exact.buffer, exact.byteOffset, exact.length);
  const raw = (array: ArrayBufferView) =>
    bytesField(9, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const floats = (array: ArrayBufferView, field: number) =>
    bytesField(field, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const bf16 = [...bits].map((value) => value >>> 16);

  function withWeight(type: number, data: Uint8Array, dims = integerFields(1, [o, i])): Uint8Array {
    const graph = new GraphBuilder();
    const y = recurrentNode(graph, layer, tensors, graph.input('x', 'float32', [1, 'B', 3]));
    const flat = graph.node('Squeeze', [y, integers(graph, [0, 1])], ['flat']);
    graph.tensor('W', [dims, integerField(2, type), data]);
    graph.output(graph.node('Gemm', [flat, 'W'], ['y'], { transB: 1 }), 'float32', ['B', 4]);
    return graph.build('m');
  }

  test.each([
    ['float32 raw', 1, raw(exact)],
    ['float32 typed', 1, floats(exact, 4)],
    ['double raw', 11, raw(Float64Array.from(exact))],
    ['double typed', 11, floats(Float64Array.from(exact), 10)],
    ['float16 raw', 10, raw(halves)],
    ['float16 typed', 10, packedField(5, [...halves])],
    ['float16 typed, one by one', 10, integerFields(5, [...halves])],
    ['bfloat16 raw', 16, raw(Uint16Array.from(bf16))],
    ['bfloat16 typed', 16, packedField(5, bf16)],
  ])('%s', (_, type, data) => {
    expect([...readOnnx(withWeight(type, data)).file.tensors['linear.1.weight']!.data]).toEqual([...exact]);
    expect(
      readOnnx(withWeight(type, data, packedField(1, [o, i]))).file.tensors['linear.1.weight']!.shape,
    ).toEqual([o, i]);
  });

  /** The weight in another file, from byte 8 on. */
  const outside = (location: string, length = String(4 * o * i), offset = '8') => {
    const entries = Object.entries({ location, offset, length }).map(([key, value]) =>
      messageField(13, [textField(1, key), textField(2, value)]),
    );
    return withWeight(
      1,
      Uint8Array.from([...entries.flatMap((entry) => [...entry]), ...integerField(14, 1)]),
    );
  };
  const weights = new Uint8Array(8 + 4 * o * i);
  weights.set(new Uint8Array(exact.buffer, exact.byteOffset, exact.byteLength), 8);

  test('data in another file beside', async () => {
    const bytes = outside('weights.bin');
    expect(listFiles(bytes)).toEqual(['weights.bin']);
    const { file } = readOnnx(bytes, {}, new Map([['weights.bin', weights]]));
    expect(file.tensors['linear.1.weight']!.data).toEqual(exact);
    const folder = mkdtempSync(join(tmpdir(), 'blockrnn-'));
    try {
      writeFileSync(join(folder, 'weights.bin'), weights);
      writeFileSync(join(folder, 'm.onnx'), bytes);
      using model = await loadModel(join(folder, 'm.onnx'));
      expect(model.spec.layers.length).toBe(2);
      using same = await loadModel(pathToFileURL(join(folder, 'm.onnx')));
      expect(same.spec).toEqual(model.spec);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('data in another file that is not there, not beside, or too short', () => {
    const error = errorOf(() => readOnnx(outside('weights.bin')));
    expect(error).toMatchObject({ name: 'UnsupportedError', feature: 'onnx external data' });
    expect(error.message).toContain('"W" lies in another file, "weights.bin"');
    for (const location of ['../weights.bin', '/etc/passwd', '..', '', 'a\\b', 'a\0'])
      expect(errorOf(() => listFiles(outside(location)))).toMatchObject({ feature: 'onnx external data' });
    const files = new Map([['w', weights]]);
    for (const [length, offset] of [
      ['80', '9'],
      ['80', '-1'],
      ['76', '8'],
      ['1e999', '8'],
      ['80', 'x'],
    ] as const)
      expect(errorOf(() => readOnnx(outside('w', length, offset), {}, files))).toMatchObject({
        name: 'FormatError',
        tensor: 'W',
      });
  });

  test('too few values and too many are broken, with the place and the tensor', () => {
    for (const count of [0, 19, 21])
      expect(errorOf(() => readOnnx(withWeight(1, raw(new Float32Array(count)))))).toMatchObject({
        name: 'FormatError',
        tensor: 'W',
        offset: expect.any(Number),
      });
    expect(
      errorOf(() => readOnnx(withWeight(1, raw(exact), integerFields(1, [2 ** 30, 2 ** 30])))),
    ).toMatchObject({ name: 'FormatError' });
    expect(errorOf(() => readOnnx(withWeight(9, raw(exact))))).toMatchObject({
      name: 'UnsupportedError',
      feature: 'onnx type 9',
    });
  });
});
