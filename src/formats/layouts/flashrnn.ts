import { ArgumentRangeError, MismatchError } from '../../base/errors.js';
import { oneOf, show } from '../../base/guards.js';
import type { ModelFile, Tensor, Tensors } from '../../model/tensors.js';
import { Arrays } from './arrays.js';
import { assembleModel, type LayoutOptions } from './assemble.js';
import { pickGates, reorder } from './axes.js';
import { orderParts, type Part, takeModules } from './parts.js';
import { slstmLayer } from './slstm.js';
import { zeros } from './transpose.js';

/** How to read weights that FlashRNN runs. */
export interface FlashrnnOptions extends LayoutOptions {
  /** FlashRNNConfig.function: lstm, slstm, gru or elman; needed where R has 4 gates, which two of them have */
  cell?: string | undefined;
  /**
   * The axes of R and, behind a comma, of b, as FlashRNNConfig names them: G gates, H heads, D units that take, P units
   * that give. Default 'GHDP,GHD', which is what flashrnn() takes; 'HPGD,HGD' as its cuda and 'HDGP,HDG' as its cuda_fused
   * backend hold them.
   */
  order?: string | undefined;
}

const cellNames = ['lstm', 'slstm', 'gru', 'elman'] as const;
type CellName = (typeof cellNames)[number];

/**
 * Where the gates of this package's cells lie in FlashRNN's, whose order is
 *
 *   lstm, slstm   i f z o in R, W and b      flashrnn/flashrnn/vanilla/lstm.py lines 21–27, slstm.py lines 19–36
 *   gru           g r z in R, r z n in W, g r z n in b; h' = z h + (1 − z) tanh(n + r g)      gru.py lines 18–33
 *   elman         one; h' = tanh(g)      elman.py lines 18–22
 */
const gates: Readonly<
  Record<CellName, Record<'r' | 'w' | 'biasIh' | 'biasHh', readonly (number | undefined)[]>>
> = {
  lstm: { r: [0, 1, 2, 3], w: [0, 1, 2, 3], biasIh: [0, 1, 2, 3], biasHh: new Array(4).fill(undefined) },
  slstm: { r: [0, 1, 2, 3], w: [0, 1, 2, 3], biasIh: [0, 1, 2, 3], biasHh: new Array(4).fill(undefined) },
  gru: { r: [1, 2, 0], w: [0, 1, 2], biasIh: [1, 2, 3], biasHh: [undefined, undefined, 0] },
  elman: { r: [0], w: [0], biasIh: [0], biasHh: [undefined] },
};
/** By the gates of R: the cells that have so many. */
const cellsOf: Readonly<Record<number, readonly CellName[]>> = {
  1: ['elman'],
  3: ['gru'],
  4: ['lstm', 'slstm'],
};

/** R of a layer, with what stands before it. */
const recurrent = /^(?:(.*)[./])?R$/;

/**
 * Makes a model of layers that FlashRNN runs, each of them
 *
 *   R [G, N, D, D]: gate, head, unit that takes, unit that gives      b [G', N, D]
 *   W [G·H, I] or [G, N, D, I], or a torch.nn.Linear `W.weight`, `W.bias`
 *
 * under one prefix (`layers.0.R`), with torch.nn.Embedding and Linear around them. FlashRNN is a function of what W has
 * made of the input, and W is its caller's: it is a matrix before the gates of each head, gate by gate. Heads are blocks.
 * @throws MismatchError for other shapes, for an R without W, and when the cell must be told
 */
export function decodeFlashrnn(arrays: Tensors, options: FlashrnnOptions = {}): ModelFile {
  const store = new Arrays(arrays);
  const [order, biasOrder] = readOrder(options.order);
  const cell = options.cell === undefined ? undefined : oneOf(options.cell, 'cell', cellNames);
  const parts: Part[] = [];
  for (const name of store.names) {
    const match = recurrent.exec(name);
    if (match !== null) parts.push(readLayer(store, name, match[1] ?? '', order, biasOrder, cell));
  }
  if (parts.length === 0)
    throw new MismatchError(
      'there is no recurrent matrix R among the tensors: a name "R" or one that ends in ".R".',
    );
  parts.push(...takeModules(store));
  store.checkLeftovers('R, W and b of FlashRNN, torch.nn.Embedding and Linear are known by their names.');
  const ordered = orderParts(parts);
  const tensors: Tensors = Object.assign({}, ...ordered.map((part) => part.tensors));
  return assembleModel(
    ordered.map(({ layer }) => layer),
    tensors,
    'these tensors',
    options,
  );
}

function readOrder(order = 'GHDP'): [order: string, biasOrder: string] {
  const [one = '', two = 'GHD', ...more] = order.split(',');
  const isOf = (text: string, letters: string) => [...text].sort().join('') === letters;
  if (!isOf(one, 'DGHP') || !isOf(two, 'DGH') || more.length > 0) {
    throw new ArgumentRangeError(
      `order must be the axes G, H, D and P of R and, behind a comma, G, H and D of b, such as HPGD,HGD; got ${show(order)}.`,
    );
  }
  return [one, two];
}

function readLayer(
  store: Arrays,
  name: string,
  prefix: string,
  order: string,
  biasOrder: string,
  told: CellName | undefined,
): Part {
  const shape = store.shapeOf(name)!;
  const sizeOf = (letter: string) => shape[order.indexOf(letter)] ?? 0;
  const [g, heads, units] = [sizeOf('G'), sizeOf('H'), sizeOf('D')];
  if (shape.length !== 4 || sizeOf('P') !== units || cellsOf[g] === undefined) {
    throw new MismatchError(
      `tensor ${show(name)} has shape ${show(shape)}; with the axes ${order} it would have ${g} gates, ${heads} heads and ` +
        `${units} units from ${sizeOf('P')}. FlashRNN has 1 gate (elman), 3 (gru) or 4 (lstm, slstm). Give the option order ` +
        'where the axes are others.',
    );
  }
  const cells = cellsOf[g];
  const cell = told ?? cells[0]!;
  if (!cells.includes(cell) || (told === undefined && cells.length > 1)) {
    throw new MismatchError(
      `tensor ${show(name)} ${show(shape)} has ${g} gates, as ${cells.join(' and ')} have` +
        `${told === undefined ? '' : `, and ${told} has not`}. Give the option cell: ${cells.join(' or ')}.`,
    );
  }
  const hidden = heads * units;
  const own = (leaf: string) => `${name.slice(0, -1)}${leaf}`;
  const place = gates[cell];
  const why = `${show(name)} implies`;
  const r = reorder(store.take(name, [...shape], why), order, 'GHDP');
  const weightHh = { shape: [g * hidden, units], data: pickGates(r.data, place.r, hidden * units) };
  const w = takeInput(store, own, [place.w.length, heads, units], `${show(name)} ${show(shape)}`);
  const inputSize = w.weight.shape[1]!;
  const weightIh = {
    shape: [g * hidden, inputSize],
    data: pickGates(w.weight.data, place.w, hidden * inputSize),
  };
  const biases = cell === 'gru' ? 4 : g;
  const sizes: Record<string, number> = { G: biases, H: heads, D: units };
  const biasShape = [...biasOrder].map((letter) => sizes[letter]!);
  const given = store.takeIfThere(own('b'), biasShape, `${show(name)} implies ${show(biasShape)}`);
  const b = given === undefined ? undefined : reorder(given, biasOrder, 'GHD');
  const pickBias = (from: readonly (number | undefined)[]) =>
    b === undefined ? zeros(g * hidden) : { shape: [g * hidden], data: pickGates(b.data, from, hidden) };
  const biasIh = pickBias(place.biasIh);
  // Both are added before any function: W's own is of the gates r z n.
  if (w.bias !== undefined) biasIh.data = biasIh.data.map((value, row) => value + w.bias!.data[row]!);
  const layerName = prefix === '' ? 'rnn' : prefix;
  const link = { path: prefix, reads: inputSize, gives: hidden };
  if (cell === 'slstm')
    return { ...link, ...slstmLayer(layerName, heads, { weightIh, weightHh, bias: biasIh }) };
  const shared = { name: layerName, inputSize, hiddenSize: hidden, blocks: heads };
  return {
    ...link,
    layer:
      cell === 'gru'
        ? { kind: 'gru', ...shared, resetAfter: true }
        : cell === 'elman'
          ? { kind: 'elman', ...shared, activation: 'tanh' }
          : { kind: 'lstm', ...shared },
    tensors: {
      [`${layerName}.weight_ih`]: weightIh,
      [`${layerName}.weight_hh`]: weightHh,
      [`${layerName}.bias_ih`]: biasIh,
      [`${layerName}.bias_hh`]: pickBias(place.biasHh),
    },
  };
}

/** W as [G·H, I], and the bias of a Linear. */
function takeInput(
  store: Arrays,
  own: (leaf: string) => string,
  [g, heads, units]: [number, number, number],
  from: string,
): { weight: Tensor; bias: Tensor | undefined } {
  const rows = g * heads * units;
  const name = [own('W'), own('W.weight')].find((each) => store.has(each));
  if (name === undefined) {
    throw new MismatchError(
      `tensor ${show(own('W'))} is missing; ${from} is run on what a matrix W [${rows}, I] makes of the input. Save that ` +
        'matrix under this name, gate by gate and head by head.',
    );
  }
  const shape = store.shapeOf(name)!;
  const wanted = shape.length === 4 ? [g, heads, units, -1] : [rows, -1];
  const why = `${from} implies [${rows}, I] or [${g}, ${heads}, ${units}, I]`;
  const { data } = store.take(name, wanted, why);
  const weight = { shape: [rows, shape.at(-1)!], data };
  return { weight, bias: store.takeIfThere(own('W.bias'), [rows], `${show(name)} implies [${rows}]`) };
}
