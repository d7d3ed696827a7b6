import { resolve } from 'node:path';
import { encodeModel } from '../../formats/native.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Tensors } from '../../model/tensors.js';
import { encodeCorpus } from '../../train/data/bytes.js';
import { parseRows } from '../../train/data/csv.js';
import type { Feed } from '../../train/data/feed.js';
import { foldMoments, momentsOf, normalize } from '../../train/data/normalize.js';
import { classesOf, labelRows, sequenceBatches, splitRows } from '../../train/data/sequences.js';
import { cut, mapParts, type Parts } from '../../train/data/split.js';
import { streamBatches } from '../../train/data/streams.js';
import { encodeWords } from '../../train/data/words.js';
import type { Loss } from '../../train/types.js';
import { about } from '../failure.js';
import { readBytes } from '../files.js';
import type { Config, TaskConfig } from './config.js';
import { decodeText, readParts, readText } from './data.js';
import { accuracy, bitsPerByte, type Metric, perplexity } from './metric.js';
import { specOf } from './stack.js';

/** A configuration with its data: all that a training needs. */
export interface Task {
  spec: ModelSpec;
  loss: Loss;
  metric: Metric;
  /** what is predicted, in the plural */
  unit: string;
  parts: Parts<Feed>;
  /** what the data are, in a few words */
  data: string;
  /** The model file of what was trained. */
  encode(tensors: Tensors): Uint8Array;
}

/**
 * Reads the data of a configuration.
 * @param folder which its paths are relative to
 * @throws FileError naming the file; MismatchError when model and data do not fit
 */
export function openTask(config: Config, folder: string, signal: AbortSignal): Promise<Task> {
  const { task } = config;
  if (task.kind === 'bytes') return openBytes(config, task, folder, signal);
  if (task.kind === 'words') return openWords(config, task, folder, signal);
  return openSequences(config, task, folder, signal);
}

type Chosen<K> = Extract<TaskConfig, { kind: K }>;

async function openBytes(
  { model, train }: Config,
  { text }: Chosen<'bytes'>,
  folder: string,
  signal: AbortSignal,
): Promise<Task> {
  const parts =
    'all' in text
      ? cut(await readText(resolve(folder, text.all), signal), text.split)
      : await readParts(text, folder, signal, (path) => readText(path, signal));
  const { vocab, ids } = encodeCorpus(parts);
  const spec = specOf(model, { reads: 'ids', count: vocab.length, outputs: vocab.length, embedding: 64 });
  return {
    spec,
    loss: { kind: 'steps' },
    metric: bitsPerByte,
    unit: 'bytes',
    parts: mapParts(ids, (part) => streamBatches(part, train.batch, train.steps)),
    data: `${describe(ids)} bytes, ${vocab.length} distinct`,
    encode: (tensors) => encodeModel({ spec, tensors, vocab }),
  };
}

async function openWords(
  { model, train }: Config,
  { text }: Chosen<'words'>,
  folder: string,
  signal: AbortSignal,
): Promise<Task> {
  const parts = await readParts(text, folder, signal, async (path) =>
    decodeText(path, await readText(path, signal)),
  );
  const { words, ids } = encodeWords(parts);
  const spec = specOf(model, { reads: 'ids', count: words.length, outputs: words.length });
  const metadata = { words: JSON.stringify(words) };
  return {
    spec,
    loss: { kind: 'steps' },
    metric: perplexity,
    unit: 'words',
    parts: mapParts(ids, (part) => streamBatches(part, train.batch, train.steps)),
    data: `${describe(ids)} words, ${words.length} distinct`,
    encode: (tensors) => encodeModel({ spec, tensors }, { metadata }),
  };
}

async function openSequences(
  { model, train }: Config,
  { file, features, labels }: Chosen<'sequences'>,
  folder: string,
  signal: AbortSignal,
): Promise<Task> {
  const read = async (path: string) => {
    const text = await decodeText(path, await readBytes(path, signal));
    return about(path, () => parseRows(text, features));
  };
  const { seed, batch } = train;
  const rows =
    'all' in file
      ? splitRows(await read(resolve(folder, file.all)), file.split, seed)
      : await readParts(file, folder, signal, read);
  const classes = labels ?? classesOf(rows.train);
  const paths = mapParts(rows, (_, name) => resolve(folder, 'all' in file ? file.all : file[name]!));
  const raw = await about(paths.train, () => mapParts(rows, (part) => labelRows(part, classes)));
  const moments = train.normalize ? momentsOf(raw.train, features) : undefined;
  const sequences = moments === undefined ? raw : mapParts(raw, (part) => normalize(part, moments));
  const spec = specOf(model, { reads: 'values', features, outputs: classes.length });
  const metadata = { classes: JSON.stringify(classes) };
  const encode = (tensors: Tensors) => {
    const whole = moments === undefined ? tensors : foldMoments(spec, tensors, moments);
    return encodeModel({ spec, tensors: whole }, { metadata });
  };
  return {
    spec,
    loss: { kind: 'sequence', pool: train.pool },
    metric: accuracy,
    unit: 'sequences',
    parts: mapParts(sequences, (part, name) =>
      sequenceBatches(part, { features, batch, ...(name === 'train' ? { seed } : {}) }),
    ),
    data: `${describe(raw)} sequences, ${classes.length} classes`,
    encode,
  };
}

/** How much each part has: '900 + 50 + 50'. */
function describe(parts: Parts<{ length: number }>): string {
  const lengths: string[] = [];
  mapParts(parts, ({ length }) => lengths.push(length.toLocaleString('en-US')));
  return lengths.join(' + ');
}
