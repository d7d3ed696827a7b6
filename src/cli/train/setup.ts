import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { FormatError, MismatchError } from '../../base/errors.js';
import type { Json } from '../../formats/json.js';
import type { Schedule } from '../../train/schedules.js';
import type { FitOptions } from '../../train/types.js';
import { about } from '../failure.js';
import { readJson } from '../files.js';
import { UsageError } from '../usage-error.js';
import { type Config, parseConfig, type TrainConfig } from './config.js';
import type { Event } from './log.js';
import type { Task } from './task.js';
import type { Training } from './training.js';

/** Where what a training makes goes. */
export interface Places {
  folder: string;
  model: string;
  checkpoint: string;
  log: string;
  report: string;
}

export interface Setup {
  configPath: string;
  config: Config;
  /** as it stands in the file */
  json: Json;
  /** which the paths of the configuration are relative to */
  folder: string;
  places: Places;
}

/**
 * Reads a configuration, and says where its results go: to `out` of the command line, else to the configuration's own,
 * else to runs/NAME beside it.
 * @throws FileError for a wrong configuration
 */
export async function readSetup(
  configPath: string,
  out: string | undefined,
  signal: AbortSignal,
): Promise<Setup> {
  const json = await readJson(configPath, signal);
  const config = await about(configPath, () => parseConfig(json));
  const folder = dirname(resolve(configPath));
  const name = basename(configPath).replace(/\.json$/i, '');
  const own = config.out ?? join('runs', name);
  // Beside the configuration as it was typed, so that messages name it so.
  const chosen = out ?? (isAbsolute(own) ? own : join(dirname(configPath), own));
  return { configPath, config, json, folder, places: placesIn(chosen) };
}

function placesIn(folder: string): Places {
  return {
    folder,
    model: join(folder, 'model.safetensors'),
    checkpoint: join(folder, 'checkpoint.safetensors'),
    log: join(folder, 'log.jsonl'),
    report: join(folder, 'report.html'),
  };
}

/**
 * The checkpoint to go on with, if that is wanted. A training never writes over the checkpoint of another one.
 * @throws UsageError, FileError
 */
export async function readCheckpoint(
  { checkpoint, folder }: Places,
  resume: boolean,
): Promise<Uint8Array | undefined> {
  if (resume) return about(checkpoint, () => readFile(checkpoint));
  if (!existsSync(checkpoint)) return undefined;
  throw new UsageError(
    `${folder} has a checkpoint; go on with --resume, give another folder with --out, or remove it`,
  );
}

/** What a training that goes on must have in common with the one before: all but how long and how fast it learns. */
export function fixedPart({ task, model, train }: Config): Record<string, Json> {
  const { batch, steps, seed, init, pool, normalize, optimizer } = train;
  return JSON.parse(
    JSON.stringify({ task, model, train: { batch, steps, seed, init, pool, normalize, optimizer } }),
  );
}

/** @throws MismatchError naming the part of the configuration that is another one than in the log */
export function checkFixed(config: Config, events: readonly Event[]): void {
  const start = events.find((event) => event.event === 'start') as
    | { fixed?: Record<string, Json> }
    | undefined;
  if (start?.fixed === undefined) return;
  for (const [key, value] of Object.entries(fixedPart(config))) {
    if (JSON.stringify(start.fixed[key]) === JSON.stringify(value)) continue;
    const may = 'epochs, learningRate, schedule, clip, dropout, threads and kernels';
    throw new MismatchError(
      `"${key}" has changed since the checkpoint was made. Of "train" only ${may} may; else begin anew with --out.`,
    );
  }
}

/** The options of fit that the configuration gives. */
export function fitOptionsOf(
  { model, train }: Config,
  { spec, loss, parts }: Task,
  rate: number | Schedule,
  threads: number | 'auto',
): FitOptions {
  const { train: training, valid, test } = parts;
  const all = [training, ...(valid === undefined ? [] : [valid]), ...(test === undefined ? [] : [test])];
  return {
    spec,
    loss,
    optimizer: train.optimizer,
    clip: train.clip,
    dropout: train.dropout,
    tie: model.tie,
    seed: train.seed,
    init: train.init,
    threads,
    kernels: train.kernels,
    capacity: {
      steps: Math.max(...all.map(({ steps }) => steps)),
      batch: Math.max(...all.map(({ batch }) => batch)),
    },
    epochs: train.epochs,
    epochSteps: training.count,
    learningRate: rate,
    batches: (epoch) => training.of(epoch),
    validate: valid === undefined ? undefined : () => valid.of(0),
  };
}

/**
 * What fit asks for the learning rate.
 * @throws FormatError for a schedule that is none
 */
export function rateOf({ rate }: TrainConfig, { scheduleOf }: Training): number | Schedule {
  if ('learningRate' in rate) return rate.learningRate;
  try {
    return scheduleOf(rate.schedule);
  } catch (cause) {
    throw new FormatError(`train.schedule: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
