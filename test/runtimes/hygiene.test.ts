import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, inject, test } from 'vitest';

const scratch = inject('scratch');
const installed = join(scratch, 'node_modules/blockrnn');
const budget = 50 * 1024;

interface Manifest {
  exports: Record<string, unknown>;
  scripts?: Record<string, string>;
  sideEffects?: boolean | string[];
  dependencies: Record<string, string>;
}

let manifest: Manifest;
let tarball: Uint8Array;

beforeAll(async () => {
  manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest;
  tarball = await readFile(inject('tarball'));
});

describe('the tarball', () => {
  test('is clean for publint', async () => {
    const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: bytes as ArrayBuffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test('has types where every resolver that knows `exports` and modules looks for them', async () => {
    const result = await checkPackage(createPackageFromTarballData(tarball), {
      excludeEntrypoints: [/\.wasm$/],
    });
    if (!result.types) throw new Error('no types at all');
    // A package of modules only: a CommonJS file may import() it, and resolution from before `exports` sees the root.
    const ignored = new Set(['node10', 'node16-cjs']);
    const problems = result.problems.filter(
      (problem) => !('resolutionKind' in problem) || !ignored.has(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
  });

  test('runs nothing when it is installed', () => {
    const automatic = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => automatic.includes(name))).toEqual([]);
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['@assemblyscript/loader', 'piscina']);
  });

  test('says that importing it does nothing, except where a script is all effect', async () => {
    expect(manifest.sideEffects).toBeDefined();
    const result = await bundle("import 'blockrnn'; export const nothing = 0;");
    expect(result.text.length).toBeLessThan(200);
  });

  test('pays for what is imported', async () => {
    const some = await bundle("export { readNpy } from 'blockrnn';");
    expect(some.text).not.toContain('WebAssembly');
    expect(some.gzipped).toBeLessThan(8 * 1024);
  });

  test(`gives a page everything that it runs in ${budget / 1024} KB, gzipped`, async () => {
    const door = await bundle("export * from 'blockrnn';");
    // A page fetches one kernel set, the larger one here, and the loader only for kernels that are not this package's.
    const page = await bundle("export * from 'blockrnn';", {}, ['./relaxed-*.js', '@assemblyscript/loader']);
    const worker = await bundle("import 'blockrnn/worker';");
    const worklet = await bundle("export * from 'blockrnn/worklet';");
    // The reader of ONNX files is downloaded by who has one, and what graphs and the family need by who has such a model.
    for (const name of ['onnx', 'rnnoise', 'graph', 'family-simd', 'family-relaxed'])
      expect(door.text).toMatch(new RegExp(`import\\("\\./${name}-\\w+\\.js"\\)`));
    for (const name of ['simd', 'relaxed']) {
      const isThere = ({ inputs }: { inputs: string[] }) =>
        inputs.some((path) => new RegExp(`/${name}-\\w+\\.js$`).test(path));
      expect(isThere(door)).toBe(true);
      expect(isThere(page)).toBe(name === 'simd');
    }
    const sizes = [door, page, worker, worklet].map(({ gzipped }) => gzipped);
    const kilobytes = sizes.map((size) => (size / 1024).toFixed(1)).join(', ');
    console.log(`gzipped KB of door with both kernel sets, with one, worker, worklet: ${kilobytes}`);
    // Everything in the door; and a page with threads: what an audio thread runs besides comes to who has one.
    expect(sizes[0]!).toBeLessThanOrEqual(budget);
    expect(sizes[1]! + sizes[2]!).toBeLessThanOrEqual(budget);
    expect(sizes[3]).toBeLessThanOrEqual(budget / 4);
  });

  // Beside the door, of which they need some parts too.
  test.each([
    ['graph', 10],
    ['onnx', 19],
  ])('gives who needs it %s in %i KB more, gzipped', async (name, most) => {
    const files = await readdir(join(installed, 'lib'));
    const chunk = files.find((file) => new RegExp(`^${name}-\\w+\\.js$`).test(file))!;
    const door = await bundle("export * from 'blockrnn';");
    const both = await bundle("export * from 'blockrnn'; export * from 'more';", {
      more: join(installed, 'lib', chunk),
    });
    console.log(`gzipped KB more for ${name}: ${((both.gzipped - door.gzipped) / 1024).toFixed(1)}`);
    expect(both.gzipped - door.gzipped).toBeLessThanOrEqual(most * 1024);
  });
});

test('keeps the reader of ONNX files apart, in 26 KB, and it and the family out of what Node starts with', async () => {
  const files = await readdir(join(installed, 'lib'));
  const [reader, ...others] = files.filter((name) => /^onnx-\w+\.js$/.test(name));
  expect(others).toEqual([]);
  const { gzipped } = await bundle(`export * from 'blockrnn/onnx';`, {
    'blockrnn/onnx': join(installed, 'lib', reader!),
  });
  expect(gzipped).toBeLessThan(26 * 1024);
  const node = await readFile(join(installed, 'lib/node.js'), 'utf8');
  expect(node).toContain('import("./node-onnx.js")');
  expect(node).not.toContain('linear_before_reset');
  expect(files).toContain('node-onnx.js');
  // The writer is for the command line alone, and comes when it writes.
  expect(files.some((name) => /^write-\w+\.js$/.test(name))).toBe(true);
  expect(await readFile(join(installed, 'lib/cli/main.js'), 'utf8')).not.toContain('input_forget');
  // Nor does what few models need lie in it.
  for (const few of ['graph', 'family-simd', 'family-relaxed']) {
    expect(node).toContain(`import("./node-${few}.js")`);
    expect(files).toContain(`node-${few}.js`);
  }
});

async function bundle(
  contents: string,
  alias: Record<string, string> = {},
  more: string[] = [],
): Promise<{ text: string; gzipped: number; inputs: string[] }> {
  const result = await build({
    stdin: { contents, resolveDir: scratch },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    charset: 'utf8',
    external: ['./onnx-*.js', './rnnoise-*.js', './graph-*.js', './family-*.js', ...more],
    alias,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const { text } = result.outputFiles[0]!;
  return { text, gzipped: gzipSync(text, { level: 9 }).length, inputs: Object.keys(result.metafile.inputs) };
}
