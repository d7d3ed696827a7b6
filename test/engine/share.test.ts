import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recurrentShare, shareOf } from '#dist/engine/share.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import type { RecurrentOp } from '#dist/pack/program.js';
import { cellKinds, recurrentLayer } from '../oracle/arbitraries.js';
import { layerOf } from '../session/draw.js';

test('shares of things are contiguous, whole, and differ by one at most', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.integer({ min: 1, max: 64 }), (total, n) => {
      let next = 0;
      const sizes = [];
      for (let k = 0; k < n; k++) {
        const { from, to } = shareOf(total, k, n);
        expect(from).toBe(next);
        next = to;
        sizes.push(to - from);
      }
      expect(next).toBe(total);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

const opOf = (layer: Parameters<typeof planProgram>[0]['layers'][number]) =>
  planProgram({ layers: [layer] }, 1, planGraph).ops[0] as RecurrentOp;

describe('shares of a recurrent layer', () => {
  test.each(cellKinds)('%s: every unit has one owner, however many workers there are', (kind) => {
    fc.assert(
      fc.property(recurrentLayer(kind), fc.integer({ min: 1, max: 64 }), (layer, n) => {
        const op = opOf(layer);
        const owners = new Array<number>(op.hidden).fill(0);
        const own = (from: number, to: number) => {
          for (let unit = from; unit < Math.min(op.hidden, to); unit++) owners[unit]!++;
        };
        for (let k = 0; k < n; k++) {
          const share = recurrentShare([op], k, n);
          if (share.split) {
            const first = share.part * op.units;
            // A share that began within a panel would write rows of its neighbour.
            expect(share.units.from === share.units.to || share.units.from % 8 === 0).toBe(true);
            expect(share.units.to).toBeLessThanOrEqual(op.units);
            own(first + share.units.from, first + share.units.to);
          } else {
            own(share.parts[0]!.from * op.units, share.parts[0]!.to * op.units);
          }
        }
        expect(owners).toEqual(new Array(op.hidden).fill(1));
      }),
      { numRuns: 200 },
    );
  });

  test('all workers split, or none does: they meet at the same steps', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cellKinds).chain((kind) => recurrentLayer(kind)),
        fc.integer({ min: 1, max: 64 }),
        (layer, n) => {
          const op = opOf(layer);
          const splits = new Set(Array.from({ length: n }, (_, k) => recurrentShare([op], k, n).split));
          expect(splits.size).toBe(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a dense layer is split, blocks and diagonal groups are not', () => {
    const splitOf = (blocks: number, n: number) =>
      recurrentShare([opOf(layerOf('lstm', 'a', 8, 256, blocks))], 0, n).split;
    expect(splitOf(1, 2)).toBe(true);
    expect(splitOf(1, 1)).toBe(false);
    expect(splitOf(2, 2)).toBe(false);
    expect(splitOf(2, 3)).toBe(true);
    expect(splitOf(256, 2)).toBe(false);
    expect(splitOf(256, 64)).toBe(false);
  });
});
