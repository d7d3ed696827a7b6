import { describe, expect, test } from 'vitest';
import { encodeF16 } from '#dist/formats/half.js';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
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

  test('data in another file are refused by name', () => {
    const entry = messageField(13, [textField(1, 'location'), textField(2, 'weights.bin')]);
    const error = errorOf(() => readOnnx(withWeight(1, Uint8Array.from([...entry, ...integerField(14, 1)]))));
    expect(error).toMatchObject({ name: 'UnsupportedError', feature: 'onnx external data' });
    expect(error.message).toContain('"W" lies in another file, "weights.bin"');
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
