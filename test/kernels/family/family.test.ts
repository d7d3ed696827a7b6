import { describe, expect, it } from 'vitest';
import { type FamilyKernelName, familyRegistry } from '#dist/wasm/family-registry.js';
import { availableKernels } from '#dist/wasm/features.js';
import { cases, drawFrom } from '../check.js';
import { Ground } from '../ground.js';
import { familyChecks } from './checks.js';

describe.each(availableKernels())('%s kernels of the family', (set) => {
  it.each(Object.keys(familyRegistry) as FamilyKernelName[])(
    '%s agrees with its oracle and stays within its bounds',
    async (name) => {
      const ground = await Ground.openFamily(set);
      for (let seed = 1; seed <= cases; seed++) {
        ground.clear();
        await familyChecks[name](ground, drawFrom(seed), set);
        expect(ground.brokenFence(), `seed ${seed}`).toBeNull();
      }
    },
  );
});

it('every kernel of the family in the registry has an oracle, and every oracle a kernel', () => {
  expect(Object.keys(familyChecks).sort()).toEqual(Object.keys(familyRegistry).sort());
});
