import { describe, expect, it } from 'vitest';
import { availableKernels } from '#dist/wasm/features.js';
import { type TrainKernelName, trainRegistry } from '#dist/wasm/train-registry.js';
import { cases, drawFrom } from '../check.js';
import { Ground } from '../ground.js';
import { trainChecks } from './checks.js';

describe.each(availableKernels())('%s kernels of training', (set) => {
  it.each(Object.keys(trainRegistry) as TrainKernelName[])(
    '%s agrees with its oracle and stays within its bounds',
    async (name) => {
      const ground = await Ground.openTraining(set);
      for (let seed = 1; seed <= cases; seed++) {
        ground.clear();
        await trainChecks[name](ground, drawFrom(seed), set);
        expect(ground.brokenFence(), `seed ${seed}`).toBeNull();
      }
    },
  );
});

it('every kernel of training in the registry has an oracle, and every oracle a kernel', () => {
  expect(Object.keys(trainChecks).sort()).toEqual(Object.keys(trainRegistry).sort());
});
