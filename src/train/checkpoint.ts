import { FormatError, MismatchError } from '../base/errors.js';
import { isObject, type Json, parseJson } from '../formats/json.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { StateName } from '../model/cells.js';
import type { ModelSpec } from '../model/spec.js';
import { checkTensors, type Tensors } from '../model/tensors.js';
import type { CarriedState, EpochReport, TrainerState } from './types.js';

/**
 * Where a training stands, as a safetensors file: the weights under their own names, the optimiser's moments, the state
 * that is carried on, the best weights so far; and as JSON under the metadata key `blockrnn.training` the rest.
 */
export interface Checkpoint {
  spec: ModelSpec;
  state: TrainerState;
  position: Position;
  /** weights of the best epoch; undefined before the first validation */
  best: Tensors | undefined;
}

export interface Position {
  /** the epoch under way, and its steps done */
  epoch: number;
  epochStep: number;
  /** of the epoch under way: nats so far and how many targets they are of, and the seconds it took */
  nats: number;
  count: number;
  seconds: number;
  /** of the epochs done */
  epochs: EpochReport[];
}

const key = 'blockrnn.training';
const version = 1;
const bestPrefix = 'best.';
const carriedPrefix = 'carried.';
const stateNames: readonly StateName[] = ['h', 'c', 'n', 'm'];

/** Where training stands as bytes; of two trainings that are the same they differ in nothing but the seconds. */
export function encodeCheckpoint({ spec, state, position, best }: Checkpoint): Uint8Array {
  const tensors: Tensors = Object.create(null);
  const put = (prefix: string, from: Tensors) => {
    for (const [name, tensor] of Object.entries(from)) tensors[`${prefix}${name}`] = tensor;
  };
  put('state.', state.tensors);
  if (best !== undefined) put(bestPrefix, best);
  const { batch, layers } = state.carried;
  for (const [index, layer] of layers.entries()) {
    for (const [name, data] of Object.entries(layer) as [string, Float32Array][])
      tensors[`${carriedPrefix}${index}.${name}`] = { shape: [batch, data.length / batch], data };
  }
  const facts = { version, spec, steps: state.steps, carried: batch, layers: layers.length, position };
  return writeSafetensors(tensors, { metadata: { [key]: JSON.stringify(facts) } });
}

/**
 * Reads a checkpoint.
 * @param spec what is trained; the checkpoint must be of the same
 * @throws FormatError for what is none; MismatchError for one of another model
 */
export function decodeCheckpoint(bytes: Uint8Array, spec: ModelSpec): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[key];
  if (text === undefined) throw new FormatError('this file is no checkpoint of a training.');
  const facts = parseJson(
    text,
    (problem, at) => new FormatError(`metadata "${key}" is broken at character ${at}: ${problem}.`),
  );
  if (!isObject(facts) || facts.version !== version) {
    throw new FormatError(`metadata "${key}" is not of version ${version}, which is read.`);
  }
  if (JSON.stringify(facts.spec) !== JSON.stringify(spec))
    throw new MismatchError('the checkpoint is of another model than the one to be trained.');
  const take = (prefix: string): Tensors => {
    const found: Tensors = Object.create(null);
    for (const [name, { shape, data }] of Object.entries(tensors))
      if (name.startsWith(prefix)) found[name.slice(prefix.length)] = { shape, data };
    return found;
  };
  const best = take(bestPrefix);
  const [steps, batch, count] = [facts.steps, facts.carried, facts.layers].map(checkCount) as [
    number,
    number,
    number,
  ];
  const layers: TrainerState['carried']['layers'] = [];
  for (let index = 0; batch > 0 && index < count; index++) {
    const found = stateNames.flatMap((name) => {
      const tensor = tensors[`${carriedPrefix}${index}.${name}`];
      return tensor === undefined ? [] : [[name, tensor.data] as const];
    });
    if (found[0]?.[0] !== 'h') throw new FormatError(`the checkpoint has no ${carriedPrefix}${index}.h.`);
    layers.push(Object.fromEntries(found) as unknown as CarriedState);
  }
  return {
    spec,
    state: { steps, tensors: take('state.'), carried: { batch, layers } },
    position: checkPosition(facts.position),
    best: Object.keys(best).length === 0 ? undefined : checkTensors(spec, best),
  };
}

function checkCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FormatError(`metadata "${key}" has ${JSON.stringify(value)} where a count belongs.`);
}

function checkNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new FormatError(`metadata "${key}" has ${JSON.stringify(value)} where a number belongs.`);
}

function checkPosition(value: Json | undefined): Position {
  if (!isObject(value) || !Array.isArray(value.epochs))
    throw new FormatError(`metadata "${key}" has no position.`);
  const epoch = checkCount(value.epoch);
  if (value.epochs.length !== epoch) {
    throw new FormatError(
      `metadata "${key}" has ${value.epochs.length} reports of ${epoch} epochs, where each has one.`,
    );
  }
  return {
    epoch,
    epochStep: checkCount(value.epochStep),
    nats: checkNumber(value.nats),
    count: checkCount(value.count),
    seconds: checkNumber(value.seconds),
    epochs: value.epochs.map(checkEpoch),
  };
}

function checkEpoch(value: Json): EpochReport {
  if (!isObject(value)) throw new FormatError(`metadata "${key}" has no report where one belongs.`);
  const { validation } = value;
  return {
    epoch: checkCount(value.epoch),
    loss: checkNumber(value.loss),
    ...(isObject(validation)
      ? {
          validation: {
            // JSON has null for what is no number, such as the loss of weights that have grown too large.
            loss: validation.loss === null ? Number.NaN : checkNumber(validation.loss),
            count: checkCount(validation.count),
            hits: checkCount(validation.hits),
          },
        }
      : {}),
    seconds: checkNumber(value.seconds),
    isBest: value.isBest === true,
  };
}
