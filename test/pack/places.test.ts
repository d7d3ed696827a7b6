import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSpec } from '#dist/model/check.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { type Fragment, flowOf } from '#dist/pack/flow.js';
import { planGraph } from '#dist/pack/graph.js';
import { planProgram } from '#dist/pack/plan.js';
import { addressOf, type Op, type Place, type Program } from '#dist/pack/program.js';
import { graph } from '../oracle/graphs.js';

const [steps, batch] = [4, 2];

/** Of how many features a kernel that writes beyond its own writes a multiple. */
const reaches: Partial<Record<Op['op'], number>> = {
  ...{ linear: 8, activation: 4, function: 4, combine: 4, scale: 4 },
};

/**
 * Goes through a program as an engine does and writes in place of numbers whose they are: value, row, column. Fails where an
 * operation finds anything else than what its layer reads.
 */
function follow(spec: ModelSpec, { ops, stages, run }: Program): void {
  const { reads, output } = flowOf(spec);
  const memory = new Map<number, string>();
  const addressAt = (place: Place, row: number, column: number) =>
    addressOf(run, place) + (place.still ? row % batch : row) * place.ld + column * 4;
  const columnsOf = (fragments: readonly Fragment[]) =>
    fragments.flatMap(({ value, column, width }) =>
      Array.from({ length: width }, (_, c) => ({ value, column: column + c })),
    );
  const check = (place: Place, fragments: readonly Fragment[], row: number, who: string) => {
    for (const [c, { value, column }] of columnsOf(fragments).entries()) {
      const found = memory.get(addressAt(place, row, c));
      if (found !== `${value} ${row} ${column}`)
        expect.fail(`${who} finds ${found} where column ${column} of ${value} in row ${row} should be`);
    }
  };
  const runRow = (op: Op, row: number) => {
    const who = `${op.op} ${op.name}`;
    if (op.op === 'copy') {
      for (let c = 0; c < op.outputs; c++)
        memory.set(addressAt(op.y, row, c), memory.get(addressAt(op.x, row, c)) ?? 'nothing');
      return;
    }
    const operands = op.op === 'recall' ? [] : reads[op.layer]!;
    const places = op.op === 'recall' ? [] : [op.x, ...(op.op === 'combine' ? op.more : [])];
    for (const [k, fragments] of operands.entries()) check(places[k]!, fragments, row, who);
    if (op.op === 'keep') return;
    const reach = reaches[op.op] ?? 1;
    for (let c = 0; c < Math.ceil(op.outputs / reach) * reach; c++)
      memory.set(addressAt(op.y, row, c), c < op.outputs ? `${op.layer} ${row} ${c}` : 'padding');
  };
  const runStep = (numbers: readonly number[], first: number, count: number) => {
    for (const number of numbers) for (let row = first; row < first + count; row++) runRow(ops[number]!, row);
  };
  for (const { inputs, outputs, steps: groups, loops } of stages) {
    for (const { value, column, width, place } of inputs)
      for (let row = 0; row < steps * batch; row++)
        for (let c = 0; c < width; c++) memory.set(addressAt(place, row, c), `${value} ${row} ${column + c}`);
    for (let i = 0; i < groups.length; ) {
      const loop = loops.find(({ from }) => from === i);
      if (loop === undefined) runStep(groups[i++]!, 0, steps * batch);
      else {
        for (let t = 0; t < steps; t++)
          for (let k = loop.from; k < loop.to; k++) runStep(groups[k]!, t * batch, batch);
        i = loop.to;
      }
    }
    for (const { value, column, width, place } of outputs) {
      const whole = columnsOf(output).slice(column, column + width);
      const fragments = whole.map((each): Fragment => ({ ...each, width: 1 }));
      for (let row = 0; row < steps * batch; row++) if (value < 0) check(place, fragments, row, 'the host');
    }
  }
}

test.each([
  ['goes forward', 0],
  ['feeds back', 4],
])('every operation of a graph that %s finds what its layer reads', (_, delays) => {
  fc.assert(
    fc.property(graph(false, delays), (given) => {
      const spec = checkSpec(given);
      follow(spec, planProgram(spec, 1, planGraph));
    }),
    { numRuns: 500 },
  );
});
