import { MismatchError, UnsupportedError } from '../base/errors.js';
import { isRecurrent } from '../model/spec.js';
import { inputWidth, widthsOf } from '../model/wiring.js';
import { loadModel } from '../node.js';
import type { Input } from '../session/input.js';
import type { Model } from '../session/model.js';
import type { ModelOptions } from '../session/open.js';
import { about } from './failure.js';
import { readBytes } from './files.js';
import type { OutputKind } from './probability.js';
import { invertVocab, readVocab } from './vocabulary.js';

/** A model that reads bytes and predicts the next one. */
export interface ByteModel {
  model: Model;
  /** id → byte */
  vocab: readonly number[];
  /** byte → id, or -1 */
  idOf: Int16Array;
  /** O, as many as vocab has bytes */
  width: number;
  /** what y says of the ids */
  output: OutputKind;
  /** What the model reads for ids: the ids themselves, or a one in a row of zeros for each. */
  inputOf(ids: Int32Array): Input;
}

/**
 * Opens a byte-level model.
 * @param vocabPath a vocabulary in place of the file's own
 * @throws FileError when it has no vocabulary, or does not predict ids of it
 */
export async function openByteModel(
  path: string,
  vocabPath: string | undefined,
  options: ModelOptions & { signal: AbortSignal },
): Promise<ByteModel> {
  const bytes = await readBytes(path, options.signal);
  const vocab = vocabPath === undefined ? undefined : await readVocab(vocabPath, options.signal);
  return about(path, async () => {
    const model = await loadModel(bytes, vocab === undefined ? options : { ...options, vocab });
    try {
      return describe(model);
    } catch (error) {
      model.dispose();
      throw error;
    }
  });
}

function describe(model: Model): ByteModel {
  const { vocab } = model;
  if (vocab === undefined) {
    throw new MismatchError(
      'the model does not say which byte each id is: give --vocab info.json here, or write it into the model with ' +
        'blockrnn convert IN OUT --vocab info.json.',
    );
  }
  const { spec } = model;
  const width = widthsOf(spec).at(-1)!;
  if (width !== vocab.length) {
    throw new MismatchError(
      `the model has ${width} outputs and its vocabulary ${vocab.length} bytes; a byte-level model has one for each.`,
    );
  }
  const output = outputKind(model);
  const parts = { model, vocab, idOf: invertVocab(vocab), width, output };
  if (spec.layers[0]!.kind === 'embedding') return { ...parts, inputOf: (ids) => ids };
  if (inputWidth(spec) !== width) {
    throw new MismatchError(`the model reads neither ids nor one input for each of ${width} bytes.`);
  }
  return {
    ...parts,
    inputOf(ids) {
      const rows = new Float32Array(ids.length * width);
      for (const [i, id] of ids.entries()) rows[i * width + id] = 1;
      return rows;
    },
  };
}

function outputKind({ spec }: Model): OutputKind {
  const last = spec.layers.at(-1)!;
  if (last.kind === 'linear' || isRecurrent(last)) return 'logits';
  if (last.kind === 'activation') {
    if (last.activation === 'softmax') return 'probabilities';
    if (last.activation === 'logSoftmax') return 'logProbabilities';
  }
  const end = last.kind === 'activation' ? last.activation : last.kind;
  throw new UnsupportedError(
    `the model ends in ${end}, which gives no probabilities; it must end in logits, softmax or logSoftmax.`,
    'output kind',
  );
}
