import { describe, expect, it } from 'vitest';
import { availableKernels } from '#dist/wasm/features.js';
import { type KernelName, registry } from '#dist/wasm/registry.js';
import { cases, drawFrom } from './check.js';
import { checks } from './checks.js';
import { Ground } from './ground.js';

describe.each(availableKernels())('%s kernels', (set) => {
  it.each(Object.keys(registry) as KernelName[])(
    '%s agrees with its oracle and stays within its bounds',
    async (name) => {
      const ground = await Ground.open(set);
      for (let seed = 1; seed <= cases; seed++) {
        ground.clear();
        await checks[name](ground, drawFrom(seed), set);
        expect(ground.brokenFence(), `seed ${seed}`).toBeNull();
      }
    },
  );
});

it('every kernel in the registry has an oracle, and every oracle a kernel', () => {
  expect(Object.keys(checks).sort()).toEqual(Object.keys(registry).sort());
});
