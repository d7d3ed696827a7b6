import { type Layout, roundUp } from '../memory/layout.js';
import type { LinearSpec } from '../model/spec.js';
import type { TensorReader } from '../model/tensors.js';
import type { Kernels } from '../wasm/registry.js';
import { placePanels, type Staging } from './panels.js';
import type { BlocksOp } from './program.js';
import { panelRows } from './rows.js';

/** What a linear layer in blocks needs: panels of each block; the drawing is in assembly/gemm/blocks.ts. */
export function planBlocks(
  { inputSize, outputSize, blocks = 1 }: LinearSpec,
  layout: Layout,
): Omit<BlocksOp, 'op' | 'name' | 'layer' | 'x' | 'y'> {
  const [inputs, units] = [inputSize / blocks, outputSize / blocks];
  const panels = blocks * Math.ceil(units / panelRows);
  return {
    inputs,
    outputs: outputSize,
    units,
    panels,
    weight: layout.place(panels * panelRows * inputs),
    // Whole vectors are read from the last row on.
    bias: layout.place(roundUp(outputSize + panelRows, panelRows)),
  };
}

/** Writes a weight [O, I/N] as panels; rows that stand in two of a block's panels are written to both. */
export async function placeBlocks(
  kernels: Kernels,
  to: Float32Array,
  staging: Staging,
  { inputs, outputs, units, weight }: BlocksOp,
  name: string,
  read: TensorReader,
): Promise<void> {
  const height = roundUp(units, panelRows);
  const whole = units < panelRows ? units : units - (units % panelRows);
  const main = new Int32Array(outputs).fill(nowhere);
  const last = new Int32Array(outputs).fill(nowhere);
  for (let row = 0; row < outputs; row++) {
    const unit = row % units;
    const base = Math.floor(row / units) * height;
    if (unit < whole) main[row] = base + unit;
    if (whole < units && unit >= units - panelRows) last[row] = base + height - units + unit;
  }
  await read(name, inputs, (rows, first) => {
    for (const places of whole < units ? [main, last] : [main]) {
      const end = first + rows.length / inputs;
      for (let row = first; row < end; ) {
        const from = row;
        while (row < end && places[row] !== nowhere) row++;
        const some = rows.subarray((from - first) * inputs, (row - first) * inputs);
        if (row > from) placePanels(kernels, to, staging, weight, inputs, places, some, from);
        while (row < end && places[row] === nowhere) row++;
      }
    }
  });
}

const nowhere = -1;
