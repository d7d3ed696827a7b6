import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { readOnnx } from '#dist/formats/onnx/onnx.js';
import { type CommonLayerSpec, directionsOf, isRecurrent } from '#dist/model/spec.js';
import { loadModel } from '#dist/node.js';
import { type Attributes, GraphBuilder } from '../../onnx/builder.js';
import { evaluate } from '../../onnx/evaluate.js';
import { openOnnxNode } from '../../onnx/runtime.js';
import { randomValues } from '../../oracle/random.js';
import { findExcess } from '../../oracle/tolerance.js';

/** Functions of ONNX's cells, with whether they take alpha and beta. */
const takes: Record<string, number> = {
  ...{ Sigmoid: 0, Tanh: 0, Relu: 0, Softsign: 0, Softplus: 0, LeakyRelu: 1, ThresholdedRelu: 1, Elu: 1 },
  ...{ Affine: 2, ScaledTanh: 2, HardSigmoid: 2 },
};
const shapes = { LSTM: { gates: 4, funcs: 3 }, GRU: { gates: 3, funcs: 2 }, RNN: { gates: 1, funcs: 1 } };

type Random = () => number;
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

/** A node of random attributes and inputs. Its graph reads x [T, B, I], and h0, c0 and lengths where it has them. */
function drawNode(random: Random) {
  const op = pick(random, ['LSTM', 'GRU', 'RNN'] as const);
  const { gates, funcs } = shapes[op];
  const size = () => 1 + Math.floor(random() * 5);
  const [steps, batch, I, H] = [size(), size(), size(), size()] as const;
  const direction = pick(random, [undefined, 'forward', 'reverse', 'bidirectional'] as const);
  const D = direction === 'bidirectional' ? 2 : 1;
  const attributes: Attributes = { hidden_size: H };
  if (direction !== undefined) attributes.direction = direction;
  if (random() < 0.6) {
    const own = Array.from({ length: funcs }, () => pick(random, Object.keys(takes)));
    const isSame = random() < 0.6;
    const names = Array.from({ length: D }, (_, d) =>
      d === 0 || isSame ? own : own.map(() => pick(random, Object.keys(takes))),
    ).flat();
    attributes.activations = op !== 'RNN' && random() < 0.2 ? names.map((name) => name.toUpperCase()) : names;
    // Where a list ends early or is left out, defaults follow. onnxruntime has others than ONNX for three functions.
    const canEnd = !names.some((name) => ['ThresholdedRelu', 'Affine', 'ScaledTanh'].includes(name));
    const values = (least: number) => {
      const count = names.filter((name) => takes[name]! >= least).length;
      const given = canEnd && random() < 0.3 ? Math.floor(random() * (count + 1)) : count;
      return Array.from({ length: given }, () => Math.round(16 * (random() - 0.3)) / 16);
    };
    if (!canEnd || random() < 0.7) attributes.activation_alpha = { floats: values(1) };
    if (!canEnd || random() < 0.7) attributes.activation_beta = { floats: values(2) };
  }
  if (random() < 0.4) attributes.clip = { float: pick(random, [0.1, 0.5, 1, 3]) };
  if (op === 'LSTM' && random() < 0.3) attributes.input_forget = 1;
  if (op === 'GRU' && random() < 0.6) attributes.linear_before_reset = random() < 0.5 ? 0 : 1;
  const value = (...dims: number[]) => ({
    dims,
    data: randomValues(
      random,
      dims.reduce((a, b) => a * b),
      0.8,
    ),
  });
  const letters = op === 'LSTM' ? ['h', 'c'] : ['h'];
  const states = letters.map(() => pick(random, ['none', 'zeros', 'input'] as const));
  return {
    ...{ op, steps, batch, I, H, D, attributes, letters, states },
    W: value(D, gates * H, I),
    R: value(D, gates * H, H),
    B: random() < 0.8 ? value(D, 2 * gates * H) : undefined,
    P: op === 'LSTM' && random() < 0.5 ? value(D, 3 * H) : undefined,
    lengths:
      random() < 0.4 ? Int32Array.from({ length: batch }, () => 1 + Math.floor(random() * steps)) : undefined,
    x: randomValues(random, steps * batch * I),
    initial: states.map((how) => (how === 'input' ? randomValues(random, D * batch * H) : undefined)),
  };
}
type Drawn = ReturnType<typeof drawNode>;

/** The node as an exporter writes it: Y to [T, B, D·H]; with layout 1 between Transposes, the node's axes being [B, T]. */
function write(node: Drawn, layout: 0 | 1): Uint8Array {
  const { op, I, H, D, attributes, letters, states } = node;
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['T', 'B', I]);
  const inputs = [layout === 0 ? x : graph.node('Transpose', [x], ['xt'], { perm: [1, 0, 2] })];
  for (const name of ['W', 'R', 'B'] as const)
    inputs.push(node[name] === undefined ? '' : graph.constant(name, node[name].dims, node[name].data));
  inputs.push(node.lengths === undefined ? '' : graph.input('lengths', 'int32', ['B']));
  for (const [i, letter] of letters.entries()) {
    const name = `${letter}0`;
    if (states[i] === 'none') inputs.push('');
    else if (states[i] === 'zeros') {
      // Of as many streams as there are.
      const shape = graph.node('Shape', ['x'], [`${name}.shape`]);
      const streams = graph.node(
        'Slice',
        [shape, graph.constant('i1', [1], [1]), graph.constant('i2', [1], [2])],
        [`${name}.B`],
      );
      const sides = [graph.constant('iD', [1], [D]), streams, graph.constant('iH', [1], [H])];
      const dims = layout === 0 ? sides : [streams, sides[0]!, sides[2]!];
      graph.node('Concat', dims, [`${name}.dims`], { axis: 0 });
      inputs.push(graph.node('ConstantOfShape', [`${name}.dims`], [name]));
    } else inputs.push(graph.input(name, 'float32', layout === 0 ? [D, 'B', H] : ['B', D, H]));
  }
  if (node.P !== undefined) inputs.push(graph.constant('P', node.P.dims, node.P.data));
  const outputs = ['Y', ...letters.map((letter) => `${letter}n`)];
  graph.node(op, inputs, outputs, layout === 0 ? attributes : { ...attributes, layout });
  // [T, D, B, H], or [B, T, D, H]
  const perm = layout === 0 ? [0, 2, 1, 3] : [1, 0, 2, 3];
  graph.node('Transpose', ['Y'], ['turned'], { perm });
  graph.output(graph.node('Reshape', ['turned', graph.constant('to', [3], [0, 0, -1])], ['y']), 'float32', [
    'T',
    'B',
    D * H,
  ]);
  for (const [i, letter] of letters.entries())
    if (states[i] === 'input')
      graph.output(`${letter}n`, 'float32', layout === 0 ? [D, 'B', H] : ['B', D, H]);
  return graph.build('node');
}

/** [D, B, H] → [B, D·H], as the oracle has states. */
function byStream(data: ArrayLike<number>, { D, batch, H }: Drawn): Float32Array {
  return Float32Array.from({ length: D * batch * H }, (_, i) => {
    const [b, d] = [Math.floor(i / (D * H)), Math.floor(i / H) % D];
    return data[(d * batch + b) * H + (i % H)]!;
  });
}

async function runOrt(node: Drawn, bytes: Uint8Array) {
  const { steps, batch, I, H, D, letters, x, lengths, initial } = node;
  const feeds: Record<string, ort.Tensor> = { x: new ort.Tensor('float32', x, [steps, batch, I]) };
  if (lengths !== undefined) feeds.lengths = new ort.Tensor('int32', lengths, [batch]);
  for (const [i, letter] of letters.entries())
    if (initial[i] !== undefined) feeds[`${letter}0`] = new ort.Tensor('float32', initial[i], [D, batch, H]);
  const session = await openOnnxNode(bytes);
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

/** The layer as it was read, in its directions; two layers where the directions have different functions. */
function runRead(node: Drawn, bytes: Uint8Array) {
  const { spec, tensors } = readOnnx(bytes).file;
  const layers = spec.layers.filter(isRecurrent) as CommonLayerSpec[];
  const { x, steps, batch, H, lengths, initial, D } = node;
  let at = 0;
  const runs = layers.map((layer) => {
    const count = directionsOf(layer).length;
    const state = initial.map((values) => {
      const all = byStream(values ?? new Float32Array(D * batch * H), node);
      const start = at * H;
      return Float32Array.from({ length: batch * count * H }, (_, i) => {
        const [b, rest] = [Math.floor(i / (count * H)), i % (count * H)];
        return all[b * D * H + start + rest]!;
      });
    });
    at += count;
    const { inputs: _, ...alone } = layer;
    const given = [{ h: state[0]!, ...(state[1] && { c: state[1] }) }];
    return {
      width: count * H,
      ...evaluate({ layers: [alone] }, tensors, x, { steps, batch, lengths, state: given }),
    };
  });
  const beside = (parts: readonly { width: number; data: Float64Array }[]) => {
    const rows = parts[0]!.data.length / parts[0]!.width;
    return Float64Array.from(
      Array.from({ length: rows }, (_, row) =>
        parts.flatMap(({ width, data }) => [...data.subarray(row * width, (row + 1) * width)]),
      ).flat(),
    );
  };
  const all = (of: (run: (typeof runs)[number]) => Float64Array) =>
    beside(runs.map((run) => ({ width: run.width, data: of(run) })));
  return {
    y: all(({ y }) => y),
    bound: all(({ bound }) => bound),
    h: all(({ state }) => state[0]!.h),
    hBound: all(({ stateBound }) => stateBound[0]!.h),
    ...(node.op === 'LSTM' && {
      c: all(({ state }) => state[0]!.c!),
      cBound: all(({ stateBound }) => stateBound[0]!.c!),
    }),
  };
}

test('400 random nodes over all attributes: onnxruntime gives what was read', async () => {
  const random = seededRandom(7);
  const seen = { directions: new Set<unknown>(), functions: new Set<string>(), apart: 0 };
  for (let run = 0; run < 400; run++) {
    const node = drawNode(random);
    const bytes = write(node, 0);
    const what = JSON.stringify({ run, ...node.attributes, lengths: node.lengths, states: node.states });
    const ours = runRead(node, bytes);
    const theirs = await runOrt(node, bytes);
    expect(findExcess(theirs.y!.data as Float32Array, ours.y, ours.bound), what).toBeNull();
    if (theirs.hn !== undefined)
      expect(
        findExcess(byStream(theirs.hn.data as Float32Array, node), ours.h, ours.hBound),
        what,
      ).toBeNull();
    if (theirs.cn !== undefined)
      expect(
        findExcess(byStream(theirs.cn.data as Float32Array, node), ours.c!, ours.cBound!),
        what,
      ).toBeNull();
    const { steps, batch, lengths, initial, H } = node;
    using model = await loadModel(bytes);
    // One record for each direction, as ONNX's first axis has them.
    const state = Array.from({ length: node.D }, (_, d) => {
      const part = (values: Float32Array = new Float32Array(node.D * batch * H)) =>
        values.slice(d * batch * H, (d + 1) * batch * H);
      return { h: part(initial[0]), ...(node.op === 'LSTM' && { c: part(initial[1]) }) };
    });
    const { y } = await model.run(node.x, { steps, batch, state, ...(lengths && { lengths }) });
    expect(findExcess(y, ours.y, ours.bound), what).toBeNull();
    // onnxruntime refuses layout 1; the same node says the same with it.
    const turned = runRead(node, write(node, 1));
    expect(turned, what).toEqual(ours);
    seen.directions.add(node.attributes.direction);
    for (const name of (node.attributes.activations ?? []) as string[])
      seen.functions.add(name.toLowerCase());
    if (readOnnx(bytes).file.spec.layers.length > 1) seen.apart++;
  }
  expect(seen.directions.size).toBe(4);
  expect(seen.functions.size).toBe(Object.keys(takes).length);
  expect(seen.apart).toBeGreaterThan(5);
}, 60_000);
