import { defineConfig } from 'vitest/config';

// Node 20 has relaxed SIMD behind a flag; later versions have it without, and do not know the flag.
const isNode20 = Number(process.versions.node.split('.')[0]) < 22;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'source',
          include: ['test/**/*.test.ts'],
          exclude: ['test/runtimes/**'],
          pool: 'forks',
          execArgv: isNode20 ? ['--experimental-wasm-relaxed-simd', '--expose-gc'] : ['--expose-gc'],
          testTimeout: 60_000,
        },
      },
      {
        // The packed package, in every runtime, through every bundler.
        test: {
          name: 'package',
          include: ['test/runtimes/*.test.ts'],
          globalSetup: ['test/runtimes/setup.ts'],
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
