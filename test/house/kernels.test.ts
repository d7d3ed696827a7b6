import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { familyRegistry } from '#dist/wasm/family-registry.js';
import { base64 as familyRelaxed } from '#dist/wasm/generated/family-relaxed.js';
import { base64 as familySimd } from '#dist/wasm/generated/family-simd.js';
import { base64 as relaxed } from '#dist/wasm/generated/relaxed.js';
import { base64 as simd } from '#dist/wasm/generated/simd.js';
import { base64 as trainRelaxed } from '#dist/wasm/generated/train-relaxed.js';
import { base64 as trainSimd } from '#dist/wasm/generated/train-simd.js';
import { registry } from '#dist/wasm/registry.js';
import { trainRegistry } from '#dist/wasm/train-registry.js';
import { readBinary, section } from './binary.js';

const file = (name: string) =>
  readFileSync(new URL(`../../dist/wasm/${name}.wasm`, import.meta.url), 'base64');
const binaries = {
  simd,
  'simd-shared': file('simd-shared'),
  relaxed,
  'relaxed-shared': file('relaxed-shared'),
  'family-simd': familySimd,
  'family-simd-shared': file('family-simd-shared'),
  'family-relaxed': familyRelaxed,
  'family-relaxed-shared': file('family-relaxed-shared'),
  'train-simd': trainSimd,
  'train-relaxed': trainRelaxed,
};
const memoryKind = 2;

// Law 1: kernels own nothing.
describe.each(Object.entries(binaries))('%s', (name, base64) => {
  const binary = readBinary(base64);
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
    const module = new WebAssembly.Module(Buffer.from(base64, 'base64'));
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
  ['', simd, relaxed],
  ['-shared', binaries['simd-shared'], binaries['relaxed-shared']],
  [' of the family', familySimd, familyRelaxed],
  [' for training', trainSimd, trainRelaxed],
])('simd%s has no relaxed instruction, and relaxed%s has them', (_, plain, fast) => {
  const [a, b] = [readBinary(plain).bodies, readBinary(fast).bodies];
  for (const [name, body] of a) expect(mayBeRelaxed(body), name).toBe(false);
  for (const name of ['gemm_f32_4x8', 'gemv_f32', 'lstm_cell_f32']) {
    expect(mayBeRelaxed(b.get(name)!), name).toBe(true);
    expect(Buffer.compare(a.get(name)!, b.get(name)!), name).not.toBe(0);
  }
});
