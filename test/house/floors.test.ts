import { basename } from 'node:path/posix';
import { expect, test } from 'vitest';
import { readSources } from './sources.js';

/** From the ground up. A file imports its own floor or a lower one; floors on one line do not see each other. */
const floors = [
  ['base'],
  ['memory'],
  ['wasm'],
  ['model'],
  ['formats', 'pack'],
  ['engine'],
  ['schedule'],
  ['session'],
  ['train'],
  // the files beside the folders
  ['front door'],
  ['cli'],
];

const sources = readSources('src');
const paths = new Set(sources.map(({ path }) => path));
const floorOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : 'front door');
const levelOf = (floor: string) => floors.findIndex((names) => names.includes(floor));
const isLocal = (from: string) => from.endsWith('.ts');

test('there are files, and every one is on a floor', () => {
  expect(sources.length).toBeGreaterThan(40);
  for (const { path } of sources) expect(levelOf(floorOf(path)), path).toBeGreaterThanOrEqual(0);
});

test('every import is found', () => {
  for (const { path, imports } of sources) {
    for (const { from } of imports.filter(({ from }) => isLocal(from) && !from.includes('generated/')))
      expect(paths, path).toContain(from);
  }
  // Counted in another way: a statement ends with where from, and an import(…) says it at once.
  const said = sources.map(({ code }) => code.match(/\bfrom '[^']+';|\bimport\('/g)?.length ?? 0);
  const found = sources.map(({ imports }) => imports.length);
  expect(found).toEqual(said);
});

test('imports go one way', () => {
  for (const { path, imports } of sources) {
    const own = floorOf(path);
    for (const { from } of imports.filter(({ from }) => isLocal(from))) {
      const other = floorOf(from);
      const goesDown = own === other || levelOf(other) < levelOf(own);
      expect(goesDown, `${path} imports ${from}`).toBe(true);
    }
  }
});

test('no file imports itself by way of others', () => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const visit = (path: string, way: string[]) => {
    expect(way, `${[...way, path].join(' → ')}`).not.toContain(path);
    if (done.has(path)) return;
    for (const { from } of byPath.get(path)?.imports ?? []) if (isLocal(from)) visit(from, [...way, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
});

test.each([
  ['new WebAssembly.Memory', /new\s+WebAssembly\s*\.\s*Memory\b/, 'memory/'],
  ['instances and compilation', /WebAssembly\s*\.\s*(Instance\b|instantiate|compile)/, 'wasm/'],
  ['Atomics', /\bAtomics\b/, 'schedule/'],
  ['threads', /['"](piscina|(node:)?worker_threads)['"]|new\s+Worker\b/, 'schedule/'],
  // The kernels' package is asked for by wasm/ alone.
  ['@assemblyscript/loader', /@assemblyscript\/loader/, 'wasm/'],
])('only one floor has %s', (_, pattern, floor) => {
  const found = sources.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
  expect(found.length).toBeGreaterThan(0);
  // Bundlers look for a worker's script beside the words `new Worker`, so the door of training has them too.
  const isDoor = (path: string) => floor === 'schedule/' && path === 'train.ts';
  expect(found.filter((path) => !path.startsWith(floor) && !isDoor(path))).toEqual([]);
});

test('only assembly/simd says relaxed_', () => {
  const kernels = readSources('assembly');
  const found = kernels.filter(({ code }) => /relaxed_/.test(code)).map(({ path }) => path);
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter((path) => !path.startsWith('simd/'))).toEqual([]);
});

test('the front door for any runtime reaches no file system and no threads', () => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set(['index.ts']);
  for (const path of reached) {
    for (const { from, typeOnly } of byPath.get(path)?.imports ?? []) if (!typeOnly) reached.add(from);
  }
  expect(reached.size).toBeGreaterThan(30);
  const packages = [...reached].filter((from) => !isLocal(from) && !from.includes('generated/'));
  expect(packages).toEqual(['@assemblyscript/loader']);
  // It does not name them in another way either.
  for (const path of reached) expect(byPath.get(path)?.code ?? '', path).not.toMatch(/['"](node:|piscina)/);
});

test('no file is called utils', () => {
  const all = [...sources, ...readSources('assembly'), ...readSources('test')];
  const wrong = all.filter(({ path }) => /^(utils?|helpers?|misc|common)\b/.test(basename(path)));
  expect(wrong.map(({ path }) => path)).toEqual([]);
});
