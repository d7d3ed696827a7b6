import { MismatchError } from '../../base/errors.js';
import { checkSpec } from '../../model/check.js';
import type { LayerSpec, ModelSpec } from '../../model/spec.js';
import { inputWidth, widthsOf } from '../../model/wiring.js';
import type { ModelConfig } from './config.js';

/** What a model of a task reads and says. */
export type Ends =
  | { reads: 'ids'; count: number; outputs: number; embedding?: number }
  | { reads: 'values'; features: number; outputs: number };

/**
 * The layers that a configuration describes: an embedding where ids are read, the recurrent layers, a linear one.
 * @param ends.embedding size of the embedding where the configuration does not say it; default: hidden, as when tied
 * @throws what checkSpec throws; MismatchError when a spec does not fit the data
 */
export function specOf(config: ModelConfig, ends: Ends): ModelSpec {
  if ('spec' in config) {
    const spec = checkSpec(config.spec);
    checkEnds(spec, ends);
    return spec;
  }
  const { cell, hidden, blocks, tie } = config;
  const layers: LayerSpec[] = [];
  let width =
    ends.reads === 'ids' ? (config.embedding ?? (tie ? hidden : (ends.embedding ?? hidden))) : ends.features;
  if (ends.reads === 'ids')
    layers.push({ kind: 'embedding', name: 'embedding', count: ends.count, size: width });
  for (let i = 0; i < config.layers; i++) {
    layers.push({
      kind: cell,
      name: `${cell}.${i}`,
      inputSize: width,
      hiddenSize: hidden,
      blocks: blocks === 'diagonal' ? hidden : blocks,
    });
    width = hidden;
  }
  layers.push({ kind: 'linear', name: 'decoder', inputSize: hidden, outputSize: ends.outputs });
  return checkSpec({ layers });
}

function checkEnds(spec: ModelSpec, ends: Ends): void {
  const first = spec.layers[0]!;
  if (ends.reads === 'ids') {
    if (first.kind !== 'embedding' || first.count !== ends.count) {
      throw new MismatchError(
        `model.spec must begin with an embedding of ${ends.count} rows, one for each id.`,
      );
    }
  } else if (inputWidth(spec) !== ends.features) {
    throw new MismatchError(
      `model.spec must begin with a layer whose inputSize is ${ends.features}, the features.`,
    );
  }
  const outputs = widthsOf(spec).at(-1)!;
  if (outputs !== ends.outputs) {
    const problem = `model.spec has ${outputs} outputs, the data ${ends.outputs} classes`;
    throw new MismatchError(`${problem}; the last layer must give one for each, before any softmax.`);
  }
}
