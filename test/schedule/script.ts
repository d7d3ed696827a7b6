import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs a script in a process of its own, which ends when it has nothing more to do; its output, and how long it took.
 * The script finds `createModel`, a `spec` with `tensors` and its input `x` of 3000 steps.
 */
export function runScript(
  body: string,
  units = 128,
): Promise<{ code: unknown; stdout: string; stderr: string; ms: number }> {
  const script = `
    import { createModel } from '#dist/node.js';
    const H = ${units};
    const tensor = (...shape) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.01) });
    const spec = { layers: [{ kind: 'lstm', name: 'a', inputSize: 4, hiddenSize: H, blocks: 2 }] };
    const tensors = {
      'a.weight_ih': tensor(4 * H, 4), 'a.weight_hh': tensor(4 * H, H / 2),
      'a.bias_ih': tensor(4 * H), 'a.bias_hh': tensor(4 * H),
    };
    const x = new Float32Array(4 * 3000).fill(0.5);
    ${body}`;
  const start = performance.now();
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { cwd: root, timeout: 20_000 },
      (error, stdout, stderr) => {
        resolve({
          code: error === null ? 0 : (error.code ?? error.signal),
          stdout,
          stderr,
          ms: performance.now() - start,
        });
      },
    );
  });
}
