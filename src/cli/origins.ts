import { expectRnnoise } from '../formats/kind.js';
import type { DecodeOptions } from '../formats/layouts/decode.js';
import { type AnyModelFile, readModelFile } from '../formats/open.js';
import { about } from './failure.js';
import { besideOf, readBytes } from './files.js';
import { findManifest, readFolder } from './tensorflow.js';
import { UsageError } from './usage-error.js';

/** What `--from` takes. */
export const origins = [
  'auto',
  'pytorch',
  'tensorflow',
  'keras',
  'flashrnn',
  'xlstm',
  'dreamerv3',
  'rnnoise',
] as const;

/** A model as it was read. */
export interface Converted {
  file: AnyModelFile;
  /** whose layout the file has; null where it says itself what model it is */
  origin: string | null;
  /** bytes of the file */
  size: number;
}

/** Which flag is for which files. */
const flags: Readonly<Record<string, string>> = {
  spec: '--spec is for state dicts; other files tell their layers',
  forgetBias: '--forget-bias is for TensorFlow models',
  config: '--config is for Keras models',
  activation: '--activation is for Keras models, xlstm and DreamerV3',
  recurrentActivation: '--recurrent-activation is for Keras models',
  resetAfter: '--reset-after is for Keras models',
  cell: '--cell is for weights of FlashRNN and xlstm',
  order: '--order is for weights of FlashRNN',
};

/**
 * Reads a model of any origin. Readers that few need are loaded when such a file is there.
 * @param from an origin, or 'auto' for what the file tells
 * @throws UsageError for an option that the origin does not have; FileError for what is wrong with the file
 */
export async function readOrigin(
  path: string,
  from: (typeof origins)[number],
  options: DecodeOptions,
  signal: AbortSignal,
): Promise<Converted> {
  const manifest = from === 'auto' || from === 'tensorflow' ? await findManifest(path) : undefined;
  const layouts = await import('../formats/layouts/decode.js');
  if (manifest !== undefined) {
    checkFlags(layouts.strayOptions('tensorflow', options));
    const { arrays, size, vocab } = await readFolder(manifest, options.vocab === undefined, signal);
    const all = { ...options, vocab: options.vocab ?? vocab };
    return {
      file: await about(path, () => layouts.decodeArrays(arrays, 'tensorflow', all)),
      origin: 'tensorflow',
      size,
    };
  }
  const bytes = await readBytes(path, signal);
  const size = bytes.length;
  if (from === 'rnnoise') {
    checkFlags(layouts.strayOptions('pytorch', options));
    await about(path, () => expectRnnoise(bytes));
    const file = await about(path, () => readModelFile(bytes, layouts.stateDictOptions(options)));
    return { file, origin: from, size };
  }
  const container = await about(path, () => layouts.openContainer(bytes));
  const found =
    container === undefined
      ? undefined
      : await about(path, () => (from === 'auto' ? layouts.originOf(container) : from));
  if (container === undefined || (found === 'pytorch' && container.isSafetensors)) {
    checkFlags(layouts.strayOptions('pytorch', options));
    const file = await about(path, () =>
      readModelFile(bytes, layouts.stateDictOptions(options), besideOf(path, signal)),
    );
    return { file, origin: found ?? null, size };
  }
  checkFlags(layouts.strayOptions(found!, options));
  const all = { ...options, config: options.config ?? container.config };
  const file = await about(path, () => layouts.decodeArrays(container.arrays(), found!, all));
  return { file, origin: found!, size };
}

/** A model's config: JSON, or the archive that has it. */
export async function readConfig(path: string, signal: AbortSignal): Promise<unknown> {
  const bytes = await readBytes(path, signal);
  const { readKerasConfig } = await import('../formats/layouts/decode.js');
  return about(path, () => readKerasConfig(bytes));
}

function checkFlags(stray: readonly string[]): void {
  const [first] = stray;
  if (first !== undefined) throw new UsageError(flags[first] ?? first);
}
