import { expect, test } from 'vitest';
import { seededRandom } from '#dist/base/random.js';
import { cellKinds } from './arbitraries.js';
import { type Passage, passThrough } from './backward.js';

const gatesOf = { lstm: 4, gruAfter: 3, gruBefore: 3, elmanTanh: 1, elmanRelu: 1 } as const;
const step = 1e-6;

/**
 * What a central difference may be off by. Every term of the loss carries some hundred roundings of 2^-53, and the step
 * divides them: 1e-14 / 1e-6 of the terms' sizes. The third derivatives, which the step's square multiplies, would have
 * to be 1e4 to matter beside that.
 */
function toleranceOf({ dy }: Passage): number {
  const size = dy.reduce((sum, row) => sum + Array.from(row).reduce((all, v) => all + Math.abs(v), 0), 0);
  return (1e-14 / step) * Math.max(1, size);
}

function lossOf(passage: Passage): number {
  const { y } = passThrough(passage);
  return y.reduce(
    (sum, { value }, t) => sum + value.reduce((all, v, u) => all + v * passage.dy[t]![u]!, 0),
    0,
  );
}

test.each(cellKinds)('the gradients of %s are the differences of its loss', (kind) => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seededRandom(seed);
    const draw = (count: number, scale = 1) =>
      Float64Array.from({ length: count }, () => (2 * random() - 1) * scale);
    const [units, steps, gates] = [1 + (seed % 4), 1 + (seed % 5), gatesOf[kind]];
    const halves = () =>
      Array.from({ length: steps }, () => Array.from({ length: gates }, () => draw(units)));
    const passage: Passage = {
      ...{ kind, units, z: halves(), s: halves(), h: draw(units), c: draw(units) },
      length: Math.max(1, steps - (seed % 3)),
      w: Array.from({ length: gates }, () => ({ weights: draw(units ** 2), height: units, width: units })),
      dy: Array.from({ length: steps }, () => draw(units)),
    };
    const passed = passThrough(passage);
    const tolerance = toleranceOf(passage);
    for (const name of kind === 'gruAfter' ? (['z', 's'] as const) : (['z'] as const)) {
      for (let t = 0; t < steps; t++) {
        for (let g = 0; g < gates; g++) {
          const values = passage[name][t]![g] as Float64Array;
          for (let u = 0; u < units; u++) {
            const at = values[u]!;
            values[u] = at + step;
            const more = lossOf(passage);
            values[u] = at - step;
            const slope = (more - lossOf(passage)) / (2 * step);
            values[u] = at;
            const found = passed[name === 'z' ? 'dz' : 'ds'][t]![g]!.value[u]!;
            expect(Math.abs(found - slope), `${name} ${seed} ${t} ${g} ${u}`).toBeLessThan(tolerance);
          }
        }
      }
    }
  }
});
