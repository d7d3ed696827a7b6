// How long from `import` to the first step's result of a model of a million parameters that is in memory? Each time in
// a fresh process, in turns with onnxruntime-web.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeModel } from '#dist/node.js';
import { buildOnnx } from '../test/onnx/graph.js';
import { drawLayer } from './cases.js';
import type { Timing } from './measure.js';

export interface StartResult {
  parameters: number;
  /** ms */
  ours: Timing;
  web: Timing;
}

const execute = promisify(execFile);
const hidden = 360;

export async function measureStart(times: number): Promise<StartResult> {
  const { spec, tensors } = drawLayer({ hidden, blocks: 1, steps: 1, batch: 1 });
  const native = join(tmpdir(), `blockrnn-start-${process.pid}.safetensors`);
  const onnx = join(tmpdir(), `blockrnn-start-${process.pid}.onnx`);
  await writeFile(native, encodeModel({ spec, tensors }));
  await writeFile(onnx, buildOnnx(spec, tensors));
  const ours: number[] = [];
  const web: number[] = [];
  for (let i = 0; i < times; i++) {
    ours.push(await startOnce('ours', native));
    web.push(await startOnce('web', onnx));
  }
  const parameters = Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
  return { parameters, ours: timing(ours), web: timing(web) };
}

async function startOnce(who: string, file: string): Promise<number> {
  const script = fileURLToPath(new URL('./start-once.js', import.meta.url));
  const { stdout } = await execute(process.execPath, [script, who, file, String(hidden)]);
  return Number(stdout);
}

function timing(values: number[]): Timing {
  values.sort((a, b) => a - b);
  return { best: values[0]!, median: values[values.length >> 1]! };
}
