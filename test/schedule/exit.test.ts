import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a script in a process of its own; its output, and how long it took. */
function runScript(body: string): Promise<{ code: unknown; stdout: string; stderr: string; ms: number }> {
  const script = `
    import { createModel } from '#dist/node.js';
    const H = 128;
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

test.each([
  ['after a run', 'const { y } = await (await createModel(spec, tensors, { threads: 2 })).run(x);'],
  [
    "after threads: 'auto' has hired",
    `
    const model = await createModel(spec, tensors, { threads: 'auto' });
    for (let i = 0; i < 9; i++) var { y } = await model.run(x);`,
  ],
  [
    'after dispose',
    `
    const model = await createModel(spec, tensors, { threads: 2 });
    const { y } = await model.run(x);
    model.dispose();`,
  ],
  [
    'after a worker has died',
    `
    let last; process.on('worker', (worker) => { last = worker; });
    const model = await createModel(spec, tensors, { threads: 2 });
    await last.terminate();
    const { y } = await model.run(x);`,
  ],
])('a process ends by itself %s', async (_, body) => {
  const { code, stdout, stderr, ms } = await runScript(`${body}\nconsole.log('done', y.length);`);
  expect(stderr).toBe('');
  expect(stdout).toBe(`done ${128 * 3000}\n`);
  expect(code).toBe(0);
  expect(ms).toBeLessThan(10_000);
});

test('a process stays until its run is done, with nothing else to keep it', async () => {
  const { code, stdout } = await runScript(`
    const model = await createModel(spec, tensors, { threads: 2 });
    model.run(x).then(({ y }) => console.log('done', y.length));`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `done ${128 * 3000}\n` });
});
