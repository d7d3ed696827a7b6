import { expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import { encodeOnnx } from '#dist/formats/onnx/write.js';
import { checkSpec } from '#dist/model/check.js';
import { checkTensors } from '#dist/model/tensors.js';
import { GraphBuilder } from '../../onnx/builder.js';
import { buildOnnx } from '../../onnx/graph.js';
import { bytesField, integerField, message, messageField, textField } from '../../onnx/proto.js';
import { randomModel } from '../../oracle/random.js';
import { draw, layerOf, sceneOf } from '../../session/draw.js';
import { errorOf } from '../bytes.js';

/** Whatever is done to the bytes of an ONNX file, it is read, with every check passed, or refused by an own error. */
const seeds = [
  { layers: [layerOf('lstm', 'a', 2, 4, 2), layerOf('gruBefore', 'b', 4, 3)] },
  {
    layers: [
      { kind: 'embedding' as const, name: 'e', count: 3, size: 2 },
      layerOf('elmanRelu', 'r', 2, 2),
      { kind: 'linear' as const, name: 'l', inputSize: 2, outputSize: 3 },
      { kind: 'activation' as const, name: 's', activation: 'softmax' as const },
    ],
  },
].map((spec) => buildOnnx(spec, draw(spec, sceneOf()).tensors));

/** A form with shapes that are computed, slices, and typed data. */
function shapes(): Uint8Array {
  const spec = { layers: [layerOf('lstm', 'a', 2, 2)] };
  const { tensors } = draw(spec, sceneOf());
  const graph = new GraphBuilder();
  graph.input('x', 'float32', ['B', 'T', 2]);
  graph.input('s', 'float32', [1, 2, 'B', 2]);
  graph.node('Transpose', ['x'], ['xt'], { perm: [1, 0, 2] });
  graph.node(
    'Slice',
    ['s', graph.constant('i0', [1], [0]), graph.constant('i1', [1], [1]), graph.constant('ax', [1], [1])],
    ['h'],
  );
  graph.node('Slice', ['s', 'i1', graph.constant('i2', [1], [2]), 'ax'], ['c']);
  graph.node('Reshape', ['h', graph.constant('to', [3], [1, -1, 2])], ['h0']);
  graph.node('Squeeze', ['c', 'i1'], ['c0']);
  const weights = (
    [
      ['W', 'weight_ih'],
      ['R', 'weight_hh'],
    ] as const
  ).map(([name, of]) => graph.constant(name, [1, 8, 2], tensors[`a.${of}`]!.data));
  graph.tensor('B', [
    integerField(1, 1),
    integerField(1, 16),
    integerField(2, 1),
    bytesField(4, new Uint8Array(64)),
  ]);
  graph.node('LSTM', ['xt', ...weights, 'B', '', 'h0', 'c0'], ['Y', 'hn', 'cn'], {
    hidden_size: 2,
    direction: 'forward',
  });
  graph.node('Concat', ['hn', 'cn'], ['n'], { axis: 0 });
  graph.node('Unsqueeze', ['n', 'i0'], ['sn']);
  graph.node('Shape', ['x'], ['shape']);
  graph.node('Gather', ['shape', graph.constant('at', [], [1])], ['steps']);
  graph.node('Unsqueeze', ['steps', 'i0'], ['steps1']);
  graph.node('Concat', ['steps1', graph.constant('rest', [2], [-1, 2])], ['flat'], { axis: 0 });
  graph.node('Reshape', ['Y', 'flat'], ['y']);
  graph.output('y', 'float32', ['T', 'B', 2]);
  graph.output('sn', 'float32', [1, 2, 'B', 2]);
  return graph.build('shapes');
}

const codes: Record<string, string> = {
  FormatError: 'ERR_FORMAT',
  UnsupportedError: 'ERR_UNSUPPORTED',
  MismatchError: 'ERR_MISMATCH',
};

function outcome(bytes: Uint8Array): string {
  try {
    const { file } = readOnnx(bytes);
    checkTensors(checkSpec(file.spec), file.tensors);
    const values = Object.values(file.tensors).reduce((sum, { data }) => sum + data.length, 0);
    expect(values).toBeLessThan(2 ** 23);
    return 'read';
  } catch (error) {
    const { name, code, message: text, offset } = error as Error & { code?: string; offset?: number };
    if (codes[name] === undefined || codes[name] !== code) throw error;
    expect(text.length).toBeLessThan(2000);
    if (name === 'FormatError') expect(offset).toBeLessThanOrEqual(bytes.length);
    return name;
  }
}

/** A few bytes changed, cut out, doubled or set to what is worst in a length or a size. */
function mutate(random: () => number, file: Uint8Array): Uint8Array {
  let bytes = file.slice();
  const pick = (count: number) => Math.floor(random() * count);
  const worst = [0, 1, 2, 127, 128, 255, 0x7f, 0x80];
  for (let edits = 1 + pick(3); edits > 0 && bytes.length > 0; edits--) {
    const at = pick(bytes.length);
    switch (pick(6)) {
      case 0:
        bytes[at]! ^= 1 << pick(8);
        break;
      case 1:
        bytes[at] = worst[pick(worst.length)]!;
        break;
      case 2:
        bytes[at]! += pick(2) === 0 ? 1 : 255;
        break;
      case 3: {
        const to = Math.min(bytes.length, at + 1 + pick(12));
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(to)]);
        break;
      }
      case 4: {
        const from = pick(bytes.length);
        bytes.set(bytes.subarray(from, Math.min(from + 1 + pick(24), from + bytes.length - at)), at);
        break;
      }
      default:
        if (pick(4) === 0) bytes = bytes.slice(0, at);
        else bytes.fill(0xff, at, at + 1 + pick(9));
    }
  }
  return bytes;
}

/** Forms with several flows, directions and all that cells can say, as they are written here. */
const written = [
  {
    layers: [
      {
        kind: 'lstm',
        name: 'a',
        inputSize: 3,
        hiddenSize: 2,
        direction: 'bidirectional',
        peepholes: true,
        clip: 1,
      },
      { kind: 'linear', name: 'b', inputSize: 7, outputSize: 4, inputs: ['a', 'input'] },
      { kind: 'norm', name: 'c', size: 4, groups: 2 },
      { kind: 'norm', name: 'd', size: 4, norm: 'rms' },
      { kind: 'combine', name: 'e', combine: 'subtract', inputs: ['d', 'b', 'a'] },
    ],
  },
  {
    layers: [
      { kind: 'scale', name: 's', size: 4 },
      { kind: 'slice', name: 'p', inputSize: 4, from: 1, to: 3 },
      { kind: 'activation', name: 't', activation: 'scaledTanh', alpha: 2 },
      {
        kind: 'gru',
        name: 'g',
        inputSize: 2,
        hiddenSize: 2,
        blocks: 2,
        activations: ['hardSigmoid', 'softsign'],
      },
      { kind: 'activation', name: 'u', activation: 'silu' },
    ],
  },
].map((given) => {
  const spec = checkSpec(given);
  return encodeOnnx({ spec, tensors: randomModel(seededRandom(4), spec) });
});

test('36,000 mutated ONNX files are read or refused', () => {
  const files = [...seeds, shapes(), ...written];
  for (const file of files) expect(outcome(file)).toBe('read');
  const random = seededRandom(20);
  const counts: Record<string, number> = {};
  const memory = process.memoryUsage().arrayBuffers;
  let slowest = 0;
  for (let run = 0; run < 36_000; run++) {
    const file = mutate(random, files[run % files.length]!);
    const start = performance.now();
    const name = outcome(file);
    slowest = Math.max(slowest, performance.now() - start);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  for (const name of ['read', ...Object.keys(codes)]) expect(counts[name] ?? 0, name).toBeGreaterThan(200);
  // A file of a kilobyte takes well under a millisecond; the rest is what a busy machine may add.
  expect(slowest).toBeLessThan(10_000);
  expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(2 ** 28);
}, 60_000);

/** A file of so many nodes like one. */
function manyNodes(count: number, nodes: (index: number) => Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) parts.push(...nodes(i).map((node) => bytesField(1, node)));
  const size = (name: string, field: number) =>
    messageField(field, [
      textField(1, name),
      messageField(2, [
        messageField(1, [
          integerField(1, 1),
          messageField(
            2,
            [64, 1, 2 ** 16].map((dim) => messageField(1, [integerField(1, dim)])),
          ),
        ]),
      ]),
    ]);
  const zeros = messageField(5, [
    integerField(1, 2 ** 16),
    integerField(2, 1),
    textField(8, 'z'),
    bytesField(9, new Uint8Array(2 ** 18)),
  ]);
  const graph = message([...parts, zeros, size('x', 11), size(`v${count - 1}`, 12)]);
  return message([
    integerField(1, 8),
    bytesField(7, graph),
    messageField(8, [textField(1, ''), integerField(2, 17)]),
  ]);
}
const node = (op: string, inputs: string[], outputs: string[]) =>
  message([
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    textField(4, op),
  ]);

test.each<[string, number, (index: number) => Uint8Array[]]>([
  ['activations', 40_000, (i) => [node('Tanh', [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`])]],
  ['doublings', 60, (i) => [node('Concat', i === 0 ? ['z', 'z'] : [`v${i - 1}`, `v${i - 1}`], [`v${i}`])]],
  [
    'sums of a flow with itself',
    40_000,
    (i) => [node('Add', i === 0 ? ['x', 'x'] : [`v${i - 1}`, `v${i - 1}`], [`v${i}`])],
  ],
  [
    'doublings of a flow',
    60,
    (i) => [node('Concat', i === 0 ? ['x', 'x'] : [`v${i - 1}`, `v${i - 1}`], [`v${i}`])],
  ],
  [
    'means and squares',
    20_000,
    (i) => [
      node('Mul', i === 0 ? ['x', 'x'] : [`v${i - 1}`, `v${i - 1}`], [`v${i}`]),
      node('ReduceMean', [`v${i}`], [`m${i}`]),
    ],
  ],
  [
    'constants added to constants',
    20_000,
    (i) => [node('Add', [i === 0 ? 'z' : `v${i - 1}`, 'z'], [`v${i}`])],
  ],
  ['moves of a large constant', 20_000, (i) => [node('Transpose', ['z'], [`v${i}`])]],
  ['zeros to be stretched', 20_000, (i) => [node('Expand', ['z', 'z'], [`v${i}`])]],
  ['layers of one matrix', 3000, (i) => [node('MatMul', [i === 0 ? 'x' : `v${i - 1}`, 'z'], [`v${i}`])]],
  ['nodes of nothing', 60_000, () => [new Uint8Array(0)]],
])('%s by the thousand are refused in no time', (_, count, nodes) => {
  const start = performance.now();
  expect(['UnsupportedError', 'MismatchError', 'FormatError']).toContain(outcome(manyNodes(count, nodes)));
  expect(performance.now() - start).toBeLessThan(20_000);
});

test('a length beyond the file, a number without end and a group are broken where they are', () => {
  const at = (bytes: number[]) => errorOf(() => readOnnx(Uint8Array.from(bytes)));
  expect(at([8, 8, 58, 200, 1])).toMatchObject({ name: 'FormatError', offset: 2 });
  expect(at([8, 8, 58, ...new Array(9).fill(255), 1])).toMatchObject({ name: 'FormatError', offset: 2 });
  expect(at([8, ...new Array(10).fill(255), 1])).toMatchObject({ name: 'FormatError', offset: 1 });
  expect(at([8, 8, 59])).toMatchObject({ name: 'FormatError', offset: 2 });
  expect(at([8])).toMatchObject({ name: 'FormatError', offset: 1 });
  expect(at([8, 8])).toMatchObject({ name: 'FormatError', offset: 2 });
});
