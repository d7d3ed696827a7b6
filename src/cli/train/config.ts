import type { Json } from '../../formats/json.js';
import { maxSize } from '../../model/given.js';
import { defaultSplit, type Parts, type Split, splitEnds } from '../../train/data/split.js';
import type { InitOptions } from '../../train/init.js';
import type { Optimizer } from '../../train/types.js';
import { Fields } from './fields.js';

/** One file, cut by `split`, or a file for each part. */
export type Files = { all: string; split: Split } | Parts<string>;

export type TaskConfig =
  | { kind: 'bytes'; text: Files }
  | { kind: 'words'; text: Parts<string> }
  | { kind: 'sequences'; file: Files; features: number; labels: string[] | undefined };

export type ModelConfig =
  | { spec: Json; tie: boolean }
  | {
      cell: 'lstm' | 'gru' | 'elman';
      hidden: number;
      layers: number;
      blocks: number | 'diagonal';
      embedding: number | undefined;
      tie: boolean;
    };

/** A rate for all steps, or what scheduleOf makes a schedule of. */
export type RateConfig = { learningRate: number } | { schedule: Json };

export interface TrainConfig {
  epochs: number;
  batch: number;
  /** T of truncated backpropagation; not for sequences, which are taken whole */
  steps: number;
  rate: RateConfig;
  optimizer: Optimizer;
  clip: number | undefined;
  dropout: number;
  seed: number;
  init: InitOptions;
  threads: number | 'auto' | undefined;
  kernels: 'auto' | 'simd' | 'relaxed';
  pool: 'last' | 'mean';
  normalize: boolean;
}

export interface Config {
  task: TaskConfig;
  model: ModelConfig;
  train: TrainConfig;
  out: string | undefined;
}

/**
 * Reads a configuration; defaults are filled in, paths stay as they are.
 * @throws FormatError naming the field
 */
export function parseConfig(json: Json): Config {
  const fields = new Fields(json, '');
  const task = parseTask(fields.fields('task'));
  const config: Config = {
    task,
    model: parseModel(fields.fields('model'), task.kind),
    train: parseTrain(fields.has('train') ? fields.fields('train') : new Fields({}, 'train'), task.kind),
    out: fields.text('out'),
  };
  fields.end();
  return config;
}

function parseTask(fields: Fields): TaskConfig {
  const kinds = ['bytes', 'words', 'sequences'] as const;
  const kind = fields.choice('kind', kinds);
  if (kind === undefined) throw fields.missing('kind', `one of ${kinds.join(', ')}`);
  const task = parseTaskOf(kind, fields);
  fields.end();
  return task;
}

function parseTaskOf(kind: TaskConfig['kind'], fields: Fields): TaskConfig {
  if (kind === 'bytes') return { kind, text: parseFiles(fields, 'text') };
  if (kind === 'words') return { kind, text: parseParts(fields) };
  return {
    kind,
    file: parseFiles(fields, 'file'),
    features: fields.integer('features', 1, maxSize) ?? 1,
    labels: parseLabels(fields),
  };
}

function parseFiles(fields: Fields, key: string): Files {
  const value = fields.value(key);
  const wanted = 'a path, or { "train": …, "valid": …, "test": … }';
  if (value === undefined) throw fields.missing(key, wanted);
  if (typeof value === 'object') {
    const inner = fields.fields(key);
    const parts = parseParts(inner);
    inner.end();
    if (fields.has('split')) throw fields.wrong('split', `left out where ${fields.path(key)} has the parts`);
    return parts;
  }
  const split = fields.list('split', 'an array of 1..3 numbers', (share): share is number => {
    return typeof share === 'number';
  });
  if (split !== undefined) splitEnds(0, split);
  const all = typeof value === 'string' ? fields.text(key) : undefined;
  if (all === undefined) throw fields.wrong(key, wanted);
  return { all, split: split ?? defaultSplit };
}

function parseParts(fields: Fields): Parts<string> {
  const [train, valid, test] = [fields.text('train'), fields.text('valid'), fields.text('test')];
  if (train === undefined) throw fields.missing('train', 'a path');
  return { train, ...(valid === undefined ? {} : { valid }), ...(test === undefined ? {} : { test }) };
}

function parseLabels(fields: Fields): string[] | undefined {
  const wanted = 'an array of two or more labels, strings or integers that differ';
  const labels = fields.list('labels', wanted, (label): label is string | number => {
    return typeof label === 'string' || Number.isSafeInteger(label);
  });
  const names = labels?.map(String);
  if (names !== undefined && (names.length < 2 || new Set(names).size < names.length)) {
    throw fields.wrong('labels', wanted);
  }
  return names;
}

function parseModel(fields: Fields, kind: TaskConfig['kind']): ModelConfig {
  const isText = kind !== 'sequences';
  const tie = (isText && fields.flag('tie')) || false;
  if (fields.has('spec')) {
    const spec = fields.value('spec')!;
    fields.end();
    return { spec, tie };
  }
  const cell = fields.choice('cell', ['lstm', 'gru', 'elman']) ?? 'lstm';
  const hidden = fields.integer('hidden', 1, maxSize);
  const layers = fields.integer('layers', 1, 100) ?? 1;
  const blocks = fields.value('blocks') === 'diagonal' ? 'diagonal' : fields.integer('blocks', 1, maxSize);
  const embedding = isText ? fields.integer('embedding', 1, maxSize) : undefined;
  fields.end();
  if (hidden === undefined) throw fields.missing('hidden', 'the number of units of a layer');
  if (typeof blocks === 'number' && hidden % blocks !== 0) {
    throw fields.wrong('blocks', `a divisor of hidden, ${hidden}, or "diagonal"`);
  }
  if (tie && embedding !== undefined && embedding !== hidden) {
    throw fields.wrong('embedding', `as large as hidden, ${hidden}, where tie is true`);
  }
  return { cell, hidden, layers, blocks: blocks ?? 1, embedding, tie };
}

function parseTrain(fields: Fields, kind: TaskConfig['kind']): TrainConfig {
  const isText = kind !== 'sequences';
  const config: TrainConfig = {
    epochs: fields.integer('epochs', 1, 2 ** 31) ?? 10,
    batch: fields.integer('batch', 1, 2 ** 20) ?? 32,
    steps: (isText ? fields.integer('steps', 1, 2 ** 24) : undefined) ?? 64,
    rate: parseRate(fields),
    optimizer: parseOptimizer(fields),
    clip: fields.number('clip', 'a number above 0', (value) => value > 0),
    dropout: fields.number('dropout', 'a number from 0 to below 1', (value) => value >= 0 && value < 1) ?? 0,
    seed: fields.integer('seed', Number.MIN_SAFE_INTEGER) ?? 1,
    init: parseInit(fields),
    threads: fields.value('threads') === 'auto' ? 'auto' : fields.integer('threads', 1, 64),
    kernels: fields.choice('kernels', ['auto', 'simd', 'relaxed']) ?? 'auto',
    pool: (isText ? undefined : fields.choice('pool', ['last', 'mean'])) ?? 'last',
    normalize: isText ? false : (fields.flag('normalize') ?? true),
  };
  fields.end();
  return config;
}

function parseRate(fields: Fields): RateConfig {
  const learningRate = fields.number('learningRate', 'a number above 0', (value) => value > 0);
  const schedule = fields.value('schedule');
  if (schedule === undefined) return { learningRate: learningRate ?? 2e-3 };
  if (learningRate !== undefined) throw fields.wrong('learningRate', 'left out where there is a schedule');
  return { schedule };
}

function parseInit(fields: Fields): InitOptions {
  if (!fields.has('init')) return {};
  const inner = fields.fields('init');
  const init = {
    forgetBias: inner.number('forgetBias', 'a number', () => true),
    embeddingRange: inner.number('embeddingRange', 'a number of at least 0', (value) => value >= 0),
  };
  inner.end();
  return stated(init) as InitOptions;
}

function parseOptimizer(fields: Fields): Optimizer {
  if (!fields.has('optimizer')) return { kind: 'adam' };
  const inner = fields.fields('optimizer');
  const kind = inner.choice('kind', ['sgd', 'adam', 'adamw']);
  if (kind === undefined) throw inner.missing('kind', 'one of sgd, adam, adamw');
  const share = (key: string) =>
    inner.number(key, 'a number from 0 to below 1', (value) => value >= 0 && value < 1);
  const decay = () => inner.number('weightDecay', 'a number of at least 0', (value) => value >= 0);
  const optimizer =
    kind === 'sgd'
      ? {
          kind,
          momentum: share('momentum'),
          dampening: share('dampening'),
          nesterov: inner.flag('nesterov'),
          weightDecay: decay(),
        }
      : {
          kind,
          beta1: share('beta1'),
          beta2: share('beta2'),
          epsilon: inner.number('epsilon', 'a number above 0', (value) => value > 0),
          weightDecay: decay(),
        };
  inner.end();
  return stated(optimizer) as Optimizer;
}

/** What is not stated has a default further down, which an undefined would hide. */
function stated(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
