import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { familyRegistry } from '#dist/wasm/family-registry.js';
import { text as familyRelaxed } from '#dist/wasm/generated/family-relaxed.js';
import { text as familySimd } from '#dist/wasm/generated/family-simd.js';
import { text as relaxed } from '#dist/wasm/generated/relaxed.js';
import { text as simd } from '#dist/wasm/generated/simd.js';
import { text as trainRelaxed } from '#dist/wasm/generated/train-relaxed.js';
import { text as trainSimd } from '#dist/wasm/generated/train-simd.js';
import { registry } from '#dist/wasm/registry.js';
import { decodeText } from '#dist/wasm/text.js';
import { trainRegistry } from '#dist/wasm/train-registry.js';
import { readBinary, section } from './binary.js';

const file = (name: string) => readFileSync(new URL(`../../dist/wasm/${name}.wasm`, import.meta.url));
const texts = {
  simd,
  relaxed,
  'family-simd': familySimd,
  'family-relaxed': familyRelaxed,
  'train-simd': trainSimd,
  'train-relaxed': trainRelaxed,
};
const shared = ['simd', 'relaxed', 'family-simd', 'family-relaxed'].map((name) => `${name}-shared`);
const binaries = [...Object.keys(texts), ...shared].map((name) => [name, file(name)] as const);
const memoryKind = 2;

test.each(Object.entries(texts))('the text of %s is the binary', (name, text) => {
  expect(Buffer.compare(decodeText(text), file(name))).toBe(0);
  // Nothing that an editor, a page around it or a bundler would change.
  expect(text).not.toMatch(/\p{C}|['\\]/u);
});

// Law 1: kernels own nothing.
describe.each(binaries)('%s', (name, bytes) => {
  const binary = readBinary(bytes);
  const beside = name.startsWith('train') ? trainRegistry : name.startsWith('family') ? familyRegistry : {};
  const listed: Record<string, string> = { ...registry, ...beside };

  test('has no memory, data, table or start of its own', () => {
    const { sections } = binary;
    for (const name of ['table', 'memory', 'start', 'element', 'data', 'dataCount'] as const) {
      expect(sections, name).not.toContain(section[name]);
    }
    expect(sections).toContain(section.code);
  });

  test('has no global that can change', () => {
    expect(binary.globals.filter((mutable) => mutable)).toEqual([]);
  });

  test('imports env.memory and nothing else', () => {
    expect(binary.imports).toEqual([{ module: 'env', name: 'memory', kind: memoryKind }]);
  });

  test('exports what the registry lists, with its arguments', () => {
    const module = new WebAssembly.Module(bytes);
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    expect(names.filter((name) => name !== 'memory').sort()).toEqual(Object.keys(listed).sort());
    for (const [name, words] of Object.entries(listed)) {
      expect(binary.exports.get(name), name).toEqual({ params: words.split(' ').length, results: 0 });
    }
  });
});

/** Whether a body has an opcode of relaxed SIMD: the prefix 0xfd, then 0x100..0x113 in two bytes. */
function mayBeRelaxed(body: Uint8Array): boolean {
  return body.some(
    (byte, i) => byte === 0xfd && body[i + 1]! >= 0x80 && body[i + 1]! <= 0x93 && body[i + 2] === 2,
  );
}

test.each([
  ['simd', 'relaxed'],
  ['simd-shared', 'relaxed-shared'],
  ['family-simd', 'family-relaxed'],
  ['train-simd', 'train-relaxed'],
])('%s has no relaxed instruction, and %s has them', (plain, fast) => {
  const [a, b] = [readBinary(file(plain)).bodies, readBinary(file(fast)).bodies];
  for (const [name, body] of a) expect(mayBeRelaxed(body), name).toBe(false);
  for (const name of ['gemm_f32_4x8', 'gemv_f32', 'lstm_cell_f32']) {
    expect(mayBeRelaxed(b.get(name)!), name).toBe(true);
    expect(Buffer.compare(a.get(name)!, b.get(name)!), name).not.toBe(0);
  }
});
