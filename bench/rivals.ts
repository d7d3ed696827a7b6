import * as ortNode from 'onnxruntime-node';
import * as ortWeb from 'onnxruntime-web';
import { createModel } from '#dist/node.js';
import type { KernelSet } from '#dist/wasm/features.js';
import { buildOnnx } from '../test/onnx/graph.js';
import { makeFeeds, openOnnxNode, readOutputs, type TensorClass } from '../test/onnx/runtime.js';
import { expandToDense } from '../test/oracle/dense.js';
import type { Case, Workload } from './cases.js';

/** Something that runs a workload: `run` does it once, `y` is what it last gave. */
export interface Runtime {
  name: string;
  run: () => unknown;
  y: () => Float32Array;
  dispose: () => void;
}

/** This package. A case of one step is a step of a session, as a user would do it; longer ones are runs. */
export async function openOurs(
  { spec, tensors, x }: Workload,
  { steps, batch }: Pick<Case, 'steps' | 'batch'>,
  threads: number | 'auto',
  kernels: KernelSet,
): Promise<Runtime> {
  const model = await createModel(spec, tensors, { threads, kernels });
  let y: Float32Array = new Float32Array(0);
  const name = `blockrnn ${kernels}`;
  const dispose = () => model.dispose();
  if (steps === 1) {
    const session = model.session({ batch });
    const run = () => {
      y = session.step(x);
    };
    // The state moves on from step to step; the check looks at the first.
    const check = () => {
      session.reset();
      return session.step(x);
    };
    return { name, run, y: check, dispose };
  }
  const run = async () => {
    ({ y } = await model.run(x, { steps, batch }));
  };
  return { name, run, y: () => y, dispose };
}

/** One LSTM node a block and a Concat; a diagonal layer, for which that would be H nodes, as a dense one. */
function buildGraph(
  workload: Workload,
  { blocks, hidden }: Case,
): { bytes: Uint8Array; spec: Workload['spec'] } {
  const { spec, tensors } = blocks === hidden ? expandToDense(workload.spec, workload.tensors) : workload;
  return { bytes: buildOnnx(spec, tensors), spec };
}

/** onnxruntime-web: its WebAssembly build, whose number of threads is set once per process. */
export async function openWeb(workload: Workload, at: Case, threads: number): Promise<Runtime> {
  const { bytes, spec } = buildGraph(workload, at);
  ortWeb.env.wasm.numThreads = threads;
  const session = await ortWeb.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return open('onnxruntime-web', session, ortWeb.Tensor as TensorClass<ortWeb.Tensor>, spec, workload.x, at);
}

/** onnxruntime-node: native code. */
export async function openNode(workload: Workload, at: Case, threads: number): Promise<Runtime> {
  const { bytes, spec } = buildGraph(workload, at);
  const session = await openOnnxNode(bytes, threads);
  return open(
    'onnxruntime-node',
    session,
    ortNode.Tensor as TensorClass<ortNode.Tensor>,
    spec,
    workload.x,
    at,
  );
}

interface OrtSession<T> {
  run(feeds: Record<string, T>): Promise<Readonly<Record<string, { data: unknown }>>>;
  release(): Promise<void>;
}

function open<T>(
  name: string,
  session: OrtSession<T>,
  Tensor: TensorClass<T>,
  spec: Workload['spec'],
  x: Float32Array,
  { steps, batch }: Case,
): Runtime {
  const feeds = makeFeeds(Tensor, spec, { x, steps, batch });
  let outputs: Awaited<ReturnType<OrtSession<T>['run']>> = {};
  const run = async () => {
    outputs = await session.run(feeds);
  };
  return {
    name,
    run,
    y: () => readOutputs(spec, outputs).y,
    dispose: () => void session.release(),
  };
}
