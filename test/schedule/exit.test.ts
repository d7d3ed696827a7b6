import { expect, test } from 'vitest';
import { runScript } from './script.js';

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
