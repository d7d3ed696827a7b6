import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { rollup } from 'rollup';
import * as vite from 'vite';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import webpack from 'webpack';
import { visit } from './visit.js';

const scratch = inject('scratch');
const endpoint = inject('chromium');
const entry = join(scratch, 'app.mjs');
const html = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="${script}"></script>`;

interface Outcome {
  threads: number;
  digest: string;
  error?: string;
}

/** Each builds the app into a folder, with nothing set but where to read and where to write. */
const bundlers: Record<string, (folder: string) => Promise<unknown>> = {
  async vite(folder) {
    await writeFile(join(scratch, 'vite.html'), html('./app.mjs'));
    await vite.build({
      root: scratch,
      base: './',
      configFile: false,
      logLevel: 'error',
      build: { outDir: folder, rolldownOptions: { input: join(scratch, 'vite.html') } },
    });
    return 'vite.html';
  },
  async webpack(folder) {
    await new Promise<void>((resolve, reject) => {
      webpack({ context: scratch, mode: 'production', entry, output: { path: folder } }, (error, stats) => {
        if (error) reject(error);
        else if (stats!.hasErrors() || stats!.hasWarnings()) reject(new Error(stats!.toString()));
        else resolve();
      });
    });
    return writeFile(join(folder, 'index.html'), html('./main.js'));
  },
  async esbuild(folder) {
    const result = await esbuild.build({
      absWorkingDir: scratch,
      entryPoints: { app: entry, worker: 'blockrnn/worker' },
      bundle: true,
      format: 'esm',
      outdir: folder,
      logLevel: 'silent',
    });
    expect([...result.errors, ...result.warnings]).toEqual([]);
    return writeFile(join(folder, 'index.html'), html('./app.js'));
  },
  async rollup(folder) {
    const warnings: string[] = [];
    const bundle = await rollup({
      input: { app: entry, worker: 'blockrnn/worker' },
      plugins: [nodeResolve({ browser: true, rootDir: scratch })],
      onwarn: ({ message }) => warnings.push(message),
    });
    await bundle.write({ dir: folder, format: 'es' });
    await bundle.close();
    expect(warnings).toEqual([]);
    return writeFile(join(folder, 'index.html'), html('./app.js'));
  },
};
/** Those that find a worker's script by themselves; the others have built it beside the app for `createWorker`. */
const findWorkers = ['vite', 'webpack'];

let browser: Browser;
let wanted: string;

beforeAll(async () => {
  const app = (await import(pathToFileURL(entry).href)) as { runApp(options: object): Promise<Outcome> };
  wanted = (await app.runApp({})).digest;
  if (endpoint !== undefined) browser = await chromium.connect(endpoint);
});
afterAll(() => browser?.close());

describe.each(Object.entries(bundlers))('%s', (name, build) => {
  const folder = join(scratch, 'built', name);
  let file = 'index.html';

  async function run(manner: string, threads: number): Promise<Outcome> {
    const worker = threads === 1 || findWorkers.includes(name) ? '' : '&worker=./worker.js';
    const path = `${manner}/built/${name}/${file}?threads=${threads}${worker}`;
    const { answer, complaints } = await visit(browser, path, 'outcome');
    const outcome = answer as Outcome;
    expect(complaints).toEqual([]);
    expect(outcome.error).toBeUndefined();
    expect(outcome.digest).toBe(wanted);
    return outcome;
  }

  test('builds the app without configuration', async () => {
    await mkdir(folder, { recursive: true });
    const built = await build(folder);
    if (typeof built === 'string') file = built;
  });

  test.skipIf(endpoint === undefined)('Chromium runs it on one thread', async () => {
    expect((await run('plain', 1)).threads).toBe(1);
    expect((await run('strict', 1)).threads).toBe(1);
  });

  test.skipIf(endpoint === undefined)('and on two', async () => {
    expect((await run('isolated', 2)).threads).toBe(2);
    expect((await run('strict', 2)).threads).toBe(2);
  });

  test.skipIf(endpoint === undefined || findWorkers.includes(name))(
    'a worker that was not found is an error that says what to do',
    async () => {
      const path = `isolated/built/${name}/${file}?threads=2`;
      const { answer } = await visit(browser, path, 'outcome');
      expect((answer as Outcome).error).toMatch(/^WorkerError ERR_WORKER .*createWorker/);
    },
  );
});
