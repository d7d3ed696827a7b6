import { MismatchError, UnsupportedError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { checkSpec } from '../model/check.js';
import { isRecurrent, type ModelSpec } from '../model/spec.js';
import { checkTensors, layerTensors, type ModelFile, type Tensor, type Tensors } from '../model/tensors.js';
import type { SafetensorsHeader } from './header.js';
import { type PlannedLayer, planHint, planPieces, suggestHint } from './hint.js';
import { findModules } from './modules.js';
import { readTensor } from './safetensors.js';
import { orderModules } from './stack.js';
import { canDivide, compactTensors, keepWhole } from './structure.js';
import { checkVocab } from './vocab.js';

/** How to read a state dict. */
export interface StateDictOptions {
  /**
   * What names and shapes do not tell: `{ layers: [{ kind, name, … }] }` in the order in which they run, with the names of
   * the PyTorch modules and without sizes; or a full ModelSpec.
   */
  spec?: unknown;
  /** N for every recurrent layer, or 'auto' (default) for the largest that holds in each */
  blocks?: 'auto' | number;
  /** largest magnitude off the blocks that counts as zero; default 0 */
  tolerance?: number;
  /** id → byte, of a byte-level model */
  vocab?: unknown;
}

/**
 * Reads a PyTorch state dict as it is: nn.LSTM with or without proj_size, nn.GRU, nn.RNN, nn.Embedding and nn.Linear by the names and
 * shapes of their tensors, in an order told by their widths. PyTorch's gate order is this package's; its GRU is
 * `resetAfter: true`. Modules without biases get biases of zero.
 * @throws MismatchError when the tensors contradict each other or the spec, when some belong to no layer, or
 *   when a spec is needed: its message then has one to start from; UnsupportedError for dtypes other
 *   than F32, F16 and BF16
 */
export function decodeStateDict(
  bytes: Uint8Array,
  header: SafetensorsHeader,
  options: StateDictOptions = {},
): ModelFile {
  const modules = findModules(header.tensors);
  if (modules.length === 0) {
    checkLeftovers(header, new Set());
    throw new MismatchError('the file has no tensors; save a state dict with an LSTM, GRU or RNN in it.');
  }
  let planned: PlannedLayer[];
  let dense: ModelSpec;
  if (options.spec !== undefined) {
    planned = planHint(options.spec, modules);
    dense = checkSpec({ layers: planned.map(({ layer }) => layer) });
  } else {
    const { pieces, open } = orderModules(modules);
    if (open !== undefined) {
      checkLeftovers(header, new Set(planPieces(pieces).flatMap(sourceNames)));
      throw new MismatchError(
        `the names and shapes of this state dict do not tell ${open}. Give the option spec, with the layers in the ` +
          `order in which the model runs them; correct this guess: ${suggestHint(pieces)}`,
      );
    }
    planned = planPieces(pieces);
    dense = checkInferred(planned);
  }
  checkLeftovers(header, new Set(planned.flatMap(sourceNames)));

  const tensors: Tensors = {};
  const layers = dense.layers.map((layer, index) => {
    const { sources, blocks } = planned[index]!;
    const shapes = layerTensors(layer);
    for (const [name, source] of sources) tensors[name] = readSource(bytes, header, source, shapes[name]!);
    if (!isRecurrent(layer)) return layer;
    const wanted = blocks ?? options.blocks ?? 'auto';
    if (!canDivide(layer)) return keepWhole(layer, wanted);
    return compactTensors(layer, tensors, wanted, options.tolerance);
  });
  const spec = checkSpec({ layers });
  const file: ModelFile = { spec, tensors: checkTensors(spec, tensors) };
  if (options.vocab !== undefined) file.vocab = checkVocab(options.vocab, spec);
  return file;
}

function sourceNames({ sources }: PlannedLayer): string[] {
  return sources.flatMap(([, source]) => (source === undefined ? [] : [source]));
}

function readSource(
  bytes: Uint8Array,
  header: SafetensorsHeader,
  source: string | undefined,
  shape: readonly number[],
): Tensor {
  if (source !== undefined) return readTensor(bytes, source, header.tensors.get(source)!);
  return { shape: [...shape], data: new Float32Array(shape.reduce((product, size) => product * size, 1)) };
}

/** Nobody has written this spec, so what checkSpec finds is not a caller's mistake but the file's limits. */
function checkInferred(planned: readonly PlannedLayer[]): ModelSpec {
  try {
    return checkSpec({ layers: planned.map(({ layer }) => layer) });
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(`this state dict makes no model that can be run: ${problem}`, 'model shape');
  }
}

function checkLeftovers(header: SafetensorsHeader, used: ReadonlySet<string>): void {
  const left = [...header.tensors].filter(([name]) => !used.has(name));
  if (left.length === 0) return;
  const list = left.slice(0, 10).map(([name, { dtype, shape }]) => `${show(name)} ${dtype} ${show(shape)}`);
  const more = left.length > 10 ? ` and ${left.length - 10} more` : '';
  throw new MismatchError(
    `no layer uses these tensors: ${list.join(', ')}${more}. LSTM, GRU, RNN, Embedding and Linear are known by the ` +
      `names of their tensors. Name the layers in the option spec where it leaves some out; where the model can do ` +
      `without the tensors, save it without them; otherwise it needs a layer that is not supported.`,
  );
}
