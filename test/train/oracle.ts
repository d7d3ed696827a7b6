import { kindOf } from '#dist/model/kinds.js';
import { isRecurrent, type LayerSpec, type ModelSpec, type RecurrentLayerSpec } from '#dist/model/spec.js';
import { layerTensors } from '#dist/model/tensors.js';
import { sourcesOf } from '#dist/model/wiring.js';
import { type Keeps, stateWidths, stepCell } from './cells.js';
import { stepLayer } from './layers.js';
import { crossEntropy, ctc } from './losses.js';
import type { CellNodes } from './parts.js';
import { exactly, type Node, type Round, Tape } from './tape.js';

/**
 * Training in f64, one stream and one step at a time: the loss of a batch and its gradient with respect to every
 * weight. Clarity first; nothing is shared with the programs under test but the names and shapes of tensors.
 */

/** Weights by name, in the shapes of layerTensors. f64, so that finite differences can be taken. */
export type Weights = Record<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array }
>;

export type OracleLoss = { kind: 'steps' } | { kind: 'sequence'; pool: 'last' | 'mean' } | { kind: 'ctc' };

type GivenState = { h: ArrayLike<number> } & Partial<Record<keyof CellNodes, ArrayLike<number>>>;

export interface OracleBatch {
  /** ids [T, B], or values [T, B, I] */
  x: ArrayLike<number>;
  steps: number;
  batch: number;
  loss: OracleLoss;
  /** 'steps': [T, B], −1 is not counted; 'sequence': [B]; 'ctc': of each stream its labels */
  targets: ArrayLike<number> | readonly ArrayLike<number>[];
  /** [B]; what lies past a stream's length counts for nothing */
  lengths?: ArrayLike<number> | undefined;
  /** one record per layer that has a state; zeros when left out. No gradient goes into it. */
  state?: readonly GivenState[] | undefined;
  /** whether the last linear layer's weight is the embedding's; its own is then not read */
  tie?: boolean | undefined;
  /** dropout: what element `column` of row t · B + b of layer `layer`'s output is multiplied by */
  mask?: ((layer: number, row: number, column: number) => number) | undefined;
  /** zoneout: which unit of layer `layer` keeps its state in row t · B + b; without it there is the mean */
  keeps?: ((layer: number, row: number, ...which: Parameters<Keeps>) => boolean) | undefined;
}

export interface OracleGradients {
  /** the mean, in nats: per counted step, or per stream */
  loss: number;
  /** how many steps or streams it is the mean of */
  count: number;
  /** how many of them have their target as the first largest logit; 0 for 'ctc' */
  hits: number;
  /** [T, B, O]; zeros past a stream's length */
  logits: Float64Array;
  /** of the mean loss, of all that is trained; when tied, the sum stands under both names */
  gradients: Record<string, { shape: number[]; data: Float64Array }>;
  /** after each stream's last step, one record per layer that has a state */
  state: ({ h: Float64Array } & Partial<Record<keyof CellNodes, Float64Array>>)[];
}

/**
 * @param round what a program of less precision makes of each result; default f64 as it is. See bounds.ts.
 * @returns loss and gradients; `spec` ends in logits, so it has no softmax
 */
export function trainOracle(
  spec: ModelSpec,
  weights: Weights,
  given: OracleBatch,
  round: Round = exactly,
): OracleGradients {
  const { steps, batch } = given;
  // A weight's gradient is a sum over rows, a vector's one over the rows of a matrix.
  const tallest = Math.max(...shapesOf(spec).map(([, shape]) => shape[0]!));
  const tape = new Tape(round, steps * batch + tallest);
  const parameters = leaves(tape, spec, weights, given.tie === true);
  const state: OracleGradients['state'] = spec.layers.flatMap((layer) => {
    const widths = kindOf(layer).states?.(layer);
    if (widths === undefined) return [];
    const parts = Object.entries(widths).map(([part, width]) => [part, new Float64Array(batch * width)]);
    return [Object.fromEntries(parts) as OracleGradients['state'][number]];
  });
  // [b][t]
  const input = Array.from({ length: batch }, (_, b) =>
    Array.from({ length: given.lengths?.[b] ?? steps }, (_, t) => {
      const width = given.x.length / (steps * batch);
      const first = (t * batch + b) * width;
      return tape.leaf(Array.from({ length: width }, (_, i) => given.x[first + i]!));
    }),
  );
  const sources = sourcesOf(spec);
  const stated = spec.layers.filter((layer) => kindOf(layer).states !== undefined);
  const streams = input.map((stream, b) => {
    const layers = spec.layers.map((layer) => {
      const parameter = (name: string) => parameters[`${layer.name}.${name}`]!;
      return begin(tape, layer, parameter, given.state?.[stated.indexOf(layer)], b);
    });
    const logits = stream.map((x, t) => {
      // A delay gives what it had before, so that it may stand before what it reads.
      const outputs: Node[] = [];
      const readOf = (index: number) => sources[index]!.map((source) => (source < 0 ? x : outputs[source]!));
      const row = t * batch + b;
      for (const [index, layer] of layers.entries()) {
        const { mask, keeps } = given;
        const own: Keeps | undefined = keeps && ((...which) => keeps(index, row, ...which));
        const y = 'take' in layer ? layer.give() : layer.next(readOf(index), own);
        const factors = mask && y.value.map((_, column) => mask(index, row, column));
        outputs.push(factors === undefined ? y : tape.multiply(y, tape.leaf(factors)));
      }
      for (const [index, layer] of layers.entries()) if ('take' in layer) layer.take(readOf(index));
      return outputs.at(-1)!;
    });
    for (const [index, layer] of layers.entries()) {
      const own = state[stated.indexOf(spec.layers[index]!)];
      for (const [part, { value }] of Object.entries(layer.state?.() ?? {}) as [keyof CellNodes, Node][])
        own![part]!.set(value, b * value.length);
    }
    return logits;
  });
  const result = judge(tape, streams, given);
  tape.backward();
  const gradients: OracleGradients['gradients'] = {};
  for (const [name, shape] of trainedShapesOf(spec))
    gradients[name] = { shape, data: parameters[name]!.gradient };
  return { ...result, logits: gather(streams, steps), gradients, state };
}

/**
 * One stream through one layer: what a step makes of what it reads, and what is kept after the last one. A delay gives
 * first and takes what it reads when every layer has had its turn.
 */
type Stream = { state?(): CellNodes } & (
  | { next(read: readonly Node[], keeps?: Keeps): Node }
  | { give(): Node; take(read: readonly Node[]): void }
);

function begin(
  tape: Tape,
  layer: LayerSpec,
  parameter: (name: string) => Node,
  before: GivenState | undefined,
  b: number,
): Stream {
  if (isRecurrent(layer)) {
    let cell = readState(tape, layer, before, b);
    return {
      next(read, keeps) {
        cell = stepCell(tape, layer, parameter, tape.join(...read), cell, keeps);
        return cell.h;
      },
      state: () => cell,
    };
  }
  if (layer.kind === 'conv' || layer.kind === 'delay') {
    const { size } = layer;
    const kept = kindOf(layer).states!(layer).h! / size;
    let past = Array.from({ length: kept }, (_, k) =>
      tape.leaf(Array.from({ length: size }, (_, i) => before?.h[(b * kept + k) * size + i] ?? 0)),
    );
    const take = (read: readonly Node[]) => {
      const seen = [...past, tape.join(...read)];
      past = seen.slice(1);
      return seen;
    };
    const state = () => ({ h: tape.join(...past) });
    if (layer.kind === 'delay') return { give: () => past[0]!, take, state };
    return {
      next(read) {
        const seen = take(read);
        const y = tape.convolve(parameter('weight'), seen);
        return layer.bias === false ? y : tape.add(y, parameter('bias'));
      },
      state,
    };
  }
  return { next: (read) => stepLayer(tape, layer, parameter, read) };
}

/** The loss and its slope with respect to the logits of each stream and step. */
function judge(
  tape: Tape,
  streams: readonly (readonly Node[])[],
  { loss, targets, batch }: OracleBatch,
): { loss: number; count: number; hits: number } {
  let sum = 0;
  let hits = 0;
  const isHit = (x: Node, target: number) => x.value.indexOf(Math.max(...x.value)) === target;
  if (loss.kind === 'ctc') {
    for (const [b, stream] of streams.entries())
      sum += ctc(stream, (targets as readonly ArrayLike<number>[])[b]!, 1 / batch, tape.round);
    return { loss: sum / batch, count: batch, hits };
  }
  const classes = targets as ArrayLike<number>;
  const judged: { x: Node; target: number }[] = [];
  for (const [b, stream] of streams.entries()) {
    if (loss.kind === 'sequence') {
      if (stream.length === 0) throw new Error('a stream of no steps has no last one and no mean.');
      const x = loss.pool === 'last' ? stream.at(-1)! : mean(tape, stream);
      judged.push({ x, target: classes[b]! });
    } else {
      for (const [t, x] of stream.entries()) judged.push({ x, target: classes[t * batch + b]! });
    }
  }
  const counted = judged.filter(({ target }) => target >= 0);
  for (const { x, target } of counted) {
    if (isHit(x, target)) hits++;
    sum += crossEntropy(x, target, 1 / counted.length, tape.round);
  }
  return { loss: counted.length === 0 ? 0 : sum / counted.length, count: counted.length, hits };
}

function mean(tape: Tape, vectors: readonly Node[]): Node {
  return tape.map(
    tape.add(...vectors),
    (v) => v / vectors.length,
    () => 1 / vectors.length,
  );
}

function leaves(tape: Tape, spec: ModelSpec, weights: Weights, tie: boolean): Record<string, Node> {
  const parameters: Record<string, Node> = {};
  for (const [name] of shapesOf(spec)) parameters[name] = tape.leaf(weights[name]!.data);
  if (tie) {
    const decoder = spec.layers.findLast((layer) => layer.kind === 'linear')!;
    parameters[`${decoder.name}.weight`] = parameters[`${spec.layers[0]!.name}.weight`]!;
  }
  return parameters;
}

function shapesOf(spec: ModelSpec): [name: string, shape: number[]][] {
  return spec.layers.flatMap((layer) => Object.entries(layerTensors(layer)));
}

/** Those of which there are gradients. */
function trainedShapesOf(spec: ModelSpec): [name: string, shape: number[]][] {
  return shapesOf(spec).filter(([name]) => !isFixed(spec, name));
}

/** Orders, and where strips lie, are not trained. */
export function isFixed({ layers }: ModelSpec, tensor: string): boolean {
  return layers.some(({ kind, name }) => {
    if (kind === 'shuffle') return tensor === `${name}.order`;
    return tensor === `${name}.strips`;
  });
}

function readState(
  tape: Tape,
  layer: RecurrentLayerSpec,
  given: GivenState | undefined,
  b: number,
): CellNodes {
  const parts = stateWidths(layer).map(([name, width]) => {
    const values = Array.from({ length: width }, (_, i) => given?.[name]?.[b * width + i] ?? 0);
    return [name, tape.leaf(values)];
  });
  return Object.fromEntries(parts) as CellNodes;
}

function gather(streams: readonly (readonly Node[])[], steps: number): Float64Array {
  const width = streams.flat()[0]?.value.length ?? 0;
  const logits = new Float64Array(steps * streams.length * width);
  for (const [b, stream] of streams.entries()) {
    for (const [t, x] of stream.entries()) logits.set(x.value, (t * streams.length + b) * width);
  }
  return logits;
}
