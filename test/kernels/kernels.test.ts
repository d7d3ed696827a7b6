import { describe, expect, it } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { availableKernels } from '#dist/wasm/features.js';
import { type KernelName, registry } from '#dist/wasm/registry.js';
import type { Draw } from './check.js';
import { checks } from './checks.js';
import { Ground } from './ground.js';

const cases = 150;

function drawFrom(seed: number): Draw {
  const random = seededRandom(seed);
  const integer = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    values: (count, scale = 1) => Float32Array.from({ length: count }, () => (2 * random() - 1) * scale),
    integer,
    pick: (choices) => choices[integer(0, choices.length - 1)]!,
  };
}

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
