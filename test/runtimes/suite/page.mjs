/** Runs the suite in a page; the answer is in globalThis.report. */
import { runSuite } from './suite.mjs';

const given = {
  source: './demo/shakespeare-block8.safetensors',
  wasm: './node_modules/blockrnn/dist/wasm/simd.wasm',
  threads: globalThis.crossOriginIsolated,
};
globalThis.report = runSuite(given).catch((error) => ({ error: String(error?.stack ?? error) }));
document.title = 'ready';
