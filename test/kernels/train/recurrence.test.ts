import { describe, expect, it } from 'vitest';
import { availableKernels } from '#dist/wasm/features.js';
import { loadTrainBinary } from '#dist/wasm/train-binaries.js';
import { drawFrom } from '../draw.js';
import { Ground } from '../ground.js';
import { recurrenceChecks } from './recurrence.js';

const cases = 150;

describe.each(availableKernels())('%s kernels of training', (set) => {
  it.each(Object.entries(recurrenceChecks))(
    '%s agrees with its oracle and stays within its bounds',
    async (_, check) => {
      const ground = await Ground.open(set, 64, loadTrainBinary);
      for (let seed = 1; seed <= cases; seed++) {
        ground.clear();
        await check(ground, drawFrom(seed), set);
        expect(ground.brokenFence(), `seed ${seed}`).toBeNull();
      }
    },
  );
});
