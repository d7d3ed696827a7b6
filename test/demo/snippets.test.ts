import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';

// The page runs these files and shows them. Here they run in Node, beside the one module of the page that they import.
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}build/page-snippets`;

async function run(program: string): Promise<unknown> {
  writeFileSync(`${folder}/snippets/main.mjs`, program);
  // The package refers to itself by name from any folder of its own.
  const { stdout } = await promisify(execFile)(process.execPath, [`${folder}/snippets/main.mjs`], {
    cwd: root,
  });
  return JSON.parse(stdout);
}

describe("the page's snippets", () => {
  beforeAll(async () => {
    mkdirSync(`${folder}/snippets`, { recursive: true });
    for (const name of ['blocks', 'write'])
      writeFileSync(
        `${folder}/snippets/${name}.js`,
        readFileSync(`${root}demo/page/snippets/${name}.js`, 'utf8'),
      );
    const sampler = await transform(readFileSync(`${root}demo/page/sampler.ts`, 'utf8'), { loader: 'ts' });
    writeFileSync(`${folder}/sampler.js`, sampler.code);
  });

  test('blocks', async () => {
    const found = await run(`
      import { openLayer, time } from './blocks.js';
      const draw = (shape) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.01) });
      const found = [];
      for (const blocks of [1, 3, 12]) {
        const model = await openLayer(12, blocks, draw);
        const { y } = await model.run(new Float32Array(5 * 64).fill(1), { steps: 5 });
        found.push([model.spec.layers[0].blocks, y.length, await time(model, new Float32Array(5 * 64), 5) > 0]);
        model.dispose();
      }
      console.log(JSON.stringify(found));`);
    expect(found).toEqual([
      [1, 60, true],
      [3, 60, true],
      [12, 60, true],
    ]);
  });

  test('write', async () => {
    const found = await run(`
      import { openWriter } from './write.js';
      const { read, write, session } = await openWriter('demo/shakespeare-block8.safetensors');
      const texts = [1, 2].map(() => {
        session.reset();
        for (const byte of new TextEncoder().encode('ROMEO:')) read(byte);
        return Array.from({ length: 40 }, () => write(0)).join('');
      });
      console.log(JSON.stringify(texts));`);
    const [first, second] = found as [string, string];
    expect(first).toMatch(/^\n[A-Z][a-z,' \n]{20}/);
    expect(second).toBe(first);
  });

  test.each(['blocks', 'write'])('%s is short enough to be read at a glance', (name) => {
    const source = readFileSync(`${root}demo/page/snippets/${name}.js`, 'utf8');
    expect(source.trim().split('\n').length).toBeLessThanOrEqual(24);
  });
});
