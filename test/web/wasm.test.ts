import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type BinaryName, createModel, type ModelOptions, type ModelSpec } from '#dist/node.js';
import { text as familyRelaxed } from '#dist/wasm/generated/family-relaxed.js';
import { text as familySimd } from '#dist/wasm/generated/family-simd.js';
import { text as relaxed } from '#dist/wasm/generated/relaxed.js';
import { text as simd } from '#dist/wasm/generated/simd.js';
import { withSharedMemory } from '#dist/wasm/shared.js';
import { decodeText } from '#dist/wasm/text.js';
import { draw, errorFrom, expectSameRun, layerOf, sceneOf } from '../session/draw.js';

const folder = new URL('../../dist/wasm/', import.meta.url);
const bytesOf = (name: string) => readFile(new URL(`${name}.wasm`, folder));

test.each([
  ['simd', simd],
  ['relaxed', relaxed],
  ['family-simd', familySimd],
  ['family-relaxed', familyRelaxed],
])('%s made for a shared memory is what the compiler makes', async (name, text) => {
  const made = withSharedMemory(decodeText(text));
  expect(Buffer.compare(made, await bytesOf(`${name}-shared`))).toBe(0);
});

test('what is no kernel binary is not made into one', () => {
  expect(() => withSharedMemory(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]))).toThrow();
  const shared = withSharedMemory(decodeText(simd));
  expect(() => withSharedMemory(shared)).toThrow();
});

describe('wasmModule and wasmUrl', () => {
  const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 3, 8, 2)] };
  const { tensors, x } = draw(spec, sceneOf({ steps: 4 }));
  const open = (options: ModelOptions) => createModel(spec, tensors, { kernels: 'simd', ...options });

  async function expectWorks(options: ModelOptions) {
    using own = await open({});
    using given = await open(options);
    expectSameRun(await given.run(x), await own.run(x));
  }

  test('a module, or a function of the name that is needed', async () => {
    await expectWorks({ wasmModule: await WebAssembly.compile(await bytesOf('simd')) });
    const asked: BinaryName[] = [];
    const wasmModule = async (name: BinaryName) => {
      asked.push(name);
      return WebAssembly.compile(await bytesOf(name));
    };
    await expectWorks({ wasmModule });
    await expectWorks({ wasmModule, threads: 2 });
    expect(asked).toEqual(['simd', 'simd-shared']);
  });

  test('an address, or a function of the name that is needed', async () => {
    await expectWorks({ wasmUrl: new URL('simd.wasm', folder) });
    await expectWorks({ wasmUrl: (name) => new URL(`${name}.wasm`, folder), threads: 2 });
  });

  test('what does not fit, or is none, is an error that says what is needed', async () => {
    const shared = await WebAssembly.compile(await bytesOf('simd-shared'));
    const other = new WebAssembly.Module(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]));
    const cases: [unknown, object][] = [
      [{ wasmModule: shared }, { code: 'ERR_ARGUMENT_TYPE', message: /'simd' is needed/ }],
      [{ wasmModule: other }, { code: 'ERR_FORMAT', message: /no kernel/ }],
      [{ wasmModule: 3 }, { code: 'ERR_ARGUMENT_TYPE', message: /wasmModule/ }],
      [{ wasmModule: () => undefined }, { code: 'ERR_ARGUMENT_TYPE', message: /wasmModule/ }],
      [{ wasmUrl: 3 }, { code: 'ERR_ARGUMENT_TYPE', message: /wasmUrl/ }],
      [{ wasmUrl: new URL('../../package.json', import.meta.url) }, { code: 'ERR_FORMAT', message: /simd/ }],
    ];
    for (const [options, { code, message }] of cases as [ModelOptions, { code: string; message: RegExp }][]) {
      const error = await errorFrom(open(options));
      expect(error).toMatchObject({ code });
      expect(error.message).toMatch(message);
    }
  });
});
