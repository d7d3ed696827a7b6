import { defineConfig } from 'vitest/config';

// Node 20 has relaxed SIMD behind a flag; later versions have it without, and do not know the flag.
const isNode20 = Number(process.versions.node.split('.')[0]) < 22;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: isNode20 ? ['--experimental-wasm-relaxed-simd', '--expose-gc'] : ['--expose-gc'],
    testTimeout: 60_000,
  },
});
