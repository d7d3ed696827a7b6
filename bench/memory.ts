// How much memory does a model take while it is loaded and run, and does anything grow?
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeModel } from '#dist/node.js';
import { drawLayer } from './cases.js';

export interface MemoryResult {
  /** bytes of weights, of one input, one output and the state */
  needed: number;
  /** bytes by which the peak of resident memory grew from before the load until after the first step */
  peak: number;
  /** bytes by which resident memory grew over so many further steps of a small model */
  grown: number;
  steps: number;
}

const execute = promisify(execFile);
const hidden = 2048;

/** Linux only: elsewhere nobody tells a process its peak since a point in time. */
export async function measureMemory(): Promise<MemoryResult> {
  const { spec, tensors } = drawLayer({ hidden, blocks: 1, steps: 1, batch: 1 });
  const file = join(tmpdir(), `blockrnn-memory-${process.pid}.safetensors`);
  await writeFile(file, encodeModel({ spec, tensors }));
  const small = drawLayer({ hidden: 64, blocks: 8, steps: 1, batch: 1 });
  const smallFile = join(tmpdir(), `blockrnn-memory-small-${process.pid}.safetensors`);
  await writeFile(smallFile, encodeModel(small));
  const script = fileURLToPath(new URL('./memory-once.js', import.meta.url));
  const { stdout } = await execute(process.execPath, [
    '--expose-gc',
    script,
    file,
    String(hidden),
    smallFile,
    '64',
  ]);
  const weights = Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
  return { needed: weights + 4 * hidden * 4, ...JSON.parse(stdout) };
}
