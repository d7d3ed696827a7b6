import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { Tensor } from '../../model/tensors.js';
import type { Arrays } from './arrays.js';
import { reorder } from './axes.js';

/** R and b of a cell of the xlstm package, gates i f z o. */
export interface XlstmCell {
  heads: number;
  /** D */
  units: number;
  /** [4·N·D, D] */
  weightHh: Tensor;
  /** [4·N·D] */
  bias: Tensor;
}

const gates = 4;

/**
 * Takes `_recurrent_kernel_` and `_bias_`, which each backend keeps in an order of its own (xlstm/blocks/slstm/cell.py):
 *
 *   vanilla   kernel [N, 4·D, D]: head; gate, unit that takes; unit that gives      lines 601–617
 *             bias [4·N·D]: gate, head, unit                                        lines 635–642
 *   cuda      kernel [N, D, 4·D]: head; unit that gives; gate, unit that takes      lines 694–706
 *             bias [N·4·D]: head, gate, unit                                        lines 726–733
 *
 * The shape of the kernel tells which. The gates are i f z o in both (lines 378–379; src/vanilla/slstm.py line 22).
 * @throws MismatchError when it is neither
 */
export function takeCell(arrays: Arrays, prefix: string): XlstmCell {
  const name = `${prefix}_recurrent_kernel_`;
  const shape = arrays.shapeOf(name) ?? [];
  const [heads = 0, second = 0, third = 0] = shape;
  const isVanilla = second === gates * third;
  if (shape.length !== 3 || (!isVanilla && third !== gates * second) || heads * second * third === 0) {
    throw new MismatchError(
      `tensor ${show(name)} has shape ${show(shape)}; it must be [N, 4·D, D], as the backend vanilla has it, or [N, D, 4·D], ` +
        'as cuda does.',
    );
  }
  const units = isVanilla ? third : second;
  const kernel = arrays.take(name, [...shape], 'a kernel has three axes');
  const axes = isVanilla ? 'NGDP' : 'NPGD';
  const sizes: Record<string, number> = { N: heads, G: gates, D: units, P: units };
  const sized = { shape: [...axes].map((letter) => sizes[letter]!), data: kernel.data };
  const rows = gates * heads * units;
  const bias = arrays.take(`${prefix}_bias_`, [rows], `${show(name)} ${show(shape)} implies [${rows}]`);
  const ordered = isVanilla ? bias : reorder({ shape: [heads, gates, units], data: bias.data }, 'NGD', 'GND');
  return {
    heads,
    units,
    weightHh: { shape: [rows, units], data: reorder(sized, axes, 'GNDP').data },
    bias: { shape: [rows], data: ordered.data },
  };
}

/**
 * Takes the four matrices before the gates, each [N, D, D] for a head, as one matrix [4·H, I] over what they read.
 *
 * In the order of the slots i f z o the modules are fgate, igate, zgate, ogate: xlstm/blocks/slstm/layer.py lines 106–115
 * (step) and 144–153 (forward) assign `i, f, z, o = fgate(…), igate(…), zgate(…), ogate(…)`, so the module that is named
 * fgate feeds the input gate, and the reverse. The first two read the convolution, the others what comes before it.
 * @param hasConv whether there is one: I is then 2·H, the convolution first; else H
 */
export function takeInput(
  arrays: Arrays,
  prefix: string,
  { heads, units }: XlstmCell,
  hasConv: boolean,
): Tensor {
  const hidden = heads * units;
  const columns = hasConv ? 2 * hidden : hidden;
  const data = new Float32Array(gates * hidden * columns);
  for (const [slot, module] of ['fgate', 'igate', 'zgate', 'ogate'].entries()) {
    const name = `${prefix}${module}.weight`;
    const why = `a cell of ${heads} heads of ${units} units implies [${heads}, ${units}, ${units}]`;
    const weight = arrays.take(name, [heads, units, units], why).data;
    const offset = hasConv && slot > 1 ? hidden : 0;
    for (let unit = 0; unit < hidden; unit++) {
      const origin = unit - (unit % units);
      const row = (slot * hidden + unit) * columns + offset + origin;
      data.set(weight.subarray(unit * units, (unit + 1) * units), row);
    }
  }
  return { shape: [gates * hidden, columns], data };
}
