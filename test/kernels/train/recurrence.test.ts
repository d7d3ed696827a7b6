import { describe, expect, it } from 'vitest';
import { availableKernels } from '#dist/wasm/features.js';
import { cases, drawFrom } from '../check.js';
import { Ground } from '../ground.js';
import { recurrenceChecks } from './recurrence.js';

describe.each(availableKernels())('%s kernels of training', (set) => {
  it.each(Object.entries(recurrenceChecks))(
    '%s agrees with its oracle and stays within its bounds',
    async (_, check) => {
      const ground = await Ground.openTraining(set);
      for (let seed = 1; seed <= cases; seed++) {
        ground.clear();
        await check(ground, drawFrom(seed), set);
        expect(ground.brokenFence(), `seed ${seed}`).toBeNull();
      }
    },
  );
});
