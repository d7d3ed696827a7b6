import { describe, it } from 'vitest';
import { availableKernels } from '#dist/wasm/features.js';
import type { TrainKernels } from '#dist/wasm/train-registry.js';
import { cellKinds } from '../../oracle/arbitraries.js';
import { drawFrom, within } from '../check.js';
import { Ground } from '../ground.js';
import { drawProblem, expectTape, type Problem } from './problem.js';
import { Tape } from './tape.js';

describe.each(availableKernels())('%s kernels of training', (set) => {
  describe.each(cellKinds)('%s', (kind) => {
    const run = (ground: Ground<TrainKernels>, problem: Problem) => {
      ground.clear();
      const tape = new Tape(ground, problem);
      tape.forward();
      tape.backward();
      return tape.readRows('z').values;
    };

    it('gives a layer of blocks the gradients of a dense one with zeros between them', async () => {
      const ground = await Ground.openTraining(set);
      for (let seed = 1; seed <= 40; seed++) {
        const problem = drawProblem(drawFrom(seed), kind);
        const dense = { ...problem, units: problem.hidden, diagonal: false };
        const [some, whole] = [run(ground, problem), run(ground, dense)];
        // Each is within its own bound of the truth. The dense one's sums are longer, and so is its bound.
        const [{ bound: a }, { bound: b }] = [expectTape(problem).dz, expectTape(dense).dz];
        within(
          some,
          whole,
          a.map((v, i) => v + b[i]!),
        );
        // Blocks of whole vectors keep the order of every sum.
        if (problem.units % 4 === 0 && !problem.diagonal) within(some, whole, new Float32Array(a.length));
      }
    });
  });
});
