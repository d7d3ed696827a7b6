import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { createModel, type ModelShare, type ModelSpec, type Session } from '#dist/node.js';
import { draw, expectSameBytes, layerOf, sceneOf } from '../session/draw.js';

test('the worklet door needs nothing but the language and WebAssembly', async () => {
  const { outputFiles } = await build({
    entryPoints: ['dist/worklet.js'],
    bundle: true,
    format: 'iife',
    globalName: 'door',
    write: false,
    logLevel: 'silent',
  });
  const { text } = outputFiles[0]!;
  expect(text.length).toBeLessThan(50_000);
  expect(text).not.toMatch(/\bimport\s*\(|\brequire\s*\(|import\.meta/);

  // A context of its own has none of Node's globals. The language's come from here, as instanceof is asked of them.
  const context = createContext({
    WebAssembly,
    ArrayBuffer,
    SharedArrayBuffer,
    Float32Array,
    Int32Array,
    Uint8Array,
  });
  expect(runInContext('typeof TextDecoder + typeof URL + typeof setTimeout', context)).toBe(
    'undefined'.repeat(3),
  );
  const spec: ModelSpec = { layers: [layerOf('gruAfter', 'a', 8, 16, 4)] };
  const { tensors, x } = draw(spec, sceneOf());
  using model = await createModel(spec, tensors);
  const { openShare } = runInContext(`${text}; door`, context) as {
    openShare(share: ModelShare): { session(): Session };
  };
  expectSameBytes(
    openShare(await model.share())
      .session()
      .step(x),
    model.session().step(x),
  );
});
