import * as ort from 'onnxruntime-node';
import { isRecurrent, type ModelSpec } from '#dist/model/spec.js';

export interface OnnxFeeds {
  /** [T, B, I], or ids [T, B] */
  x: Float32Array | Int32Array;
  steps: number;
  batch: number;
  /** one record per recurrent layer; zeros when left out */
  state?: readonly { h: Float32Array; c?: Float32Array | undefined }[] | undefined;
  /** [B]; only for a graph built with them */
  lengths?: Int32Array | undefined;
}

export interface OnnxRun {
  /** [T, B, O] */
  y: Float32Array;
  /** h [B, H], and c for an LSTM, per recurrent layer */
  state: { h: Float32Array; c?: Float32Array }[];
}

/** What onnxruntime-node and onnxruntime-web both export as Tensor. */
export type TensorClass<T> = new (
  type: 'float32' | 'int32',
  data: Float32Array | Int32Array,
  dims: readonly number[],
) => T;

/** The inputs of a graph that buildOnnx made with the same options, by name; `withState` is its option `state`. */
export function makeFeeds<T>(
  Tensor: TensorClass<T>,
  spec: ModelSpec,
  { x, steps, batch, state, lengths }: OnnxFeeds,
  withState = true,
): Record<string, T> {
  const tensor = (data: Float32Array | Int32Array, dims: readonly number[]) =>
    new Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, dims);
  const ids = spec.layers[0]?.kind === 'embedding';
  const feeds: Record<string, T> = {
    x: tensor(x, ids ? [steps, batch] : [steps, batch, x.length / (steps * batch)]),
  };
  if (lengths !== undefined) feeds.lengths = tensor(lengths, [batch]);
  if (!withState) return feeds;
  for (const [k, { kind, hiddenSize }] of spec.layers.filter(isRecurrent).entries()) {
    const dims = [1, batch, hiddenSize];
    feeds[`h0.${k}`] = tensor(state?.[k]?.h ?? new Float32Array(batch * hiddenSize), dims);
    if (kind === 'lstm')
      feeds[`c0.${k}`] = tensor(state?.[k]?.c ?? new Float32Array(batch * hiddenSize), dims);
  }
  return feeds;
}

/** y and the states among a graph's outputs, in our shapes. */
export function readOutputs(spec: ModelSpec, outputs: Readonly<Record<string, { data: unknown }>>): OnnxRun {
  const read = (name: string) => outputs[name]!.data as Float32Array;
  const state = spec.layers
    .filter(isRecurrent)
    .map(({ kind }, k) =>
      kind === 'lstm' ? { h: read(`hn.${k}`), c: read(`cn.${k}`) } : { h: read(`hn.${k}`) },
    );
  return { y: read('y'), state };
}

/** Opens a session of onnxruntime-node that keeps quiet and uses so many threads. */
export function openOnnxNode(model: Uint8Array, threads = 1): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}

/** Runs once a model that buildOnnx made of `spec`, with the option `state` at its default. */
export async function runOnnxNode(
  model: Uint8Array,
  spec: ModelSpec,
  feeds: OnnxFeeds,
  threads = 1,
): Promise<OnnxRun> {
  const session = await openOnnxNode(model, threads);
  try {
    return readOutputs(
      spec,
      await session.run(makeFeeds(ort.Tensor as TensorClass<ort.Tensor>, spec, feeds)),
    );
  } finally {
    await session.release();
  }
}
