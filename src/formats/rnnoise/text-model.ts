import { FormatError } from '../../base/errors.js';
import { checkSpec } from '../../model/check.js';
import type { LayerSpec } from '../../model/spec.js';
import type { ModelFile, Tensors } from '../../model/tensors.js';
import { transpose } from './linear.js';
import { readText, type TextLayer, type TextLayerName } from './text.js';

/** What a layer reads, in the order in which rnn.c of RNNoise 0.1 puts it side by side; 'input' are the features. */
const sources: Record<TextLayerName, readonly (TextLayerName | 'input')[]> = {
  input_dense: ['input'],
  vad_gru: ['input_dense'],
  noise_gru: ['input_dense', 'vad_gru', 'input'],
  denoise_gru: ['vad_gru', 'noise_gru', 'input'],
  denoise_output: ['denoise_gru'],
  vad_output: ['vad_gru'],
};

/**
 * A model of RNNoise 0.1 as a graph: features in, gains and then the probability of a voice out.
 *
 *   dense: y = f((W x + b) / 256)
 *   GRU: z, r = σ((W x + U h + b) / 256), n = f((W x + U (r h) + b) / 256), h' = z h + (1 − z) n
 *
 * so a GRU that resets before the product. rnn.c takes its σ and tanh from a table of 201 values and what lies between,
 * which is not done here: of five published models and 20 frames, outputs differ by 4e-6 at most from the C program's.
 * @throws FormatError with the byte and the layer
 */
export function decodeText(bytes: Uint8Array): ModelFile {
  const found = readText(bytes);
  checkWidths(found);
  const layers: LayerSpec[] = [];
  const tensors: Tensors = {};
  /** of each layer, which one others read to have what it gives */
  const names: Record<string, string> = { input: 'input' };
  for (const name of Object.keys(sources) as TextLayerName[]) {
    const layer = found[name];
    const inputs = sources[name].map((source) => names[source]!);
    if (name.endsWith('_gru')) {
      layers.push(gruOf(name, layer, inputs));
      Object.assign(tensors, gruTensors(name, layer));
      names[name] = name;
      continue;
    }
    names[name] = `${name}.activation`;
    const { inputs: inputSize, neurons: outputSize, activation } = layer;
    layers.push(
      { kind: 'linear', name, inputs, inputSize, outputSize },
      { kind: 'activation', name: names[name]!, activation },
    );
    tensors[`${name}.weight`] = {
      shape: [outputSize, inputSize],
      data: transpose(layer.weights, inputSize, outputSize).map(inUnits),
    };
    tensors[`${name}.bias`] = { shape: [outputSize], data: Float32Array.from(layer.bias, inUnits) };
  }
  const outputs = ['denoise_output', 'vad_output'] as const;
  const size = outputs.reduce((sum, name) => sum + found[name].neurons, 0);
  const joined = outputs.map((name) => names[name]!);
  layers.push({ kind: 'slice', name: 'output', inputs: joined, inputSize: size, from: 0, to: size });
  return { spec: checkSpec({ layers }), tensors };
}

/** A layer must read as much as what it reads gives, which rnn.c trusts. */
function checkWidths(found: Record<TextLayerName, TextLayer>): void {
  const features = found.input_dense.inputs;
  for (const [name, reads] of Object.entries(sources)) {
    const { inputs, offset } = found[name as TextLayerName];
    const width = reads.reduce((sum, from) => sum + (from === 'input' ? features : found[from].neurons), 0);
    if (inputs === width) continue;
    const problem = `${name} has ${inputs} inputs, but ${reads.join(', ')} give ${width}`;
    throw new FormatError(`the RNNoise text file is broken at byte ${offset}: ${problem}.`, {
      offset,
      tensor: name,
    });
  }
}

function gruOf(
  name: string,
  { inputs: inputSize, neurons, activation }: TextLayer,
  inputs: string[],
): LayerSpec {
  return {
    ...{ kind: 'gru', name, inputs, inputSize, hiddenSize: neurons, resetAfter: false },
    activations: ['sigmoid', activation],
  };
}

/** Gates z r h → r z n. */
const gateOrder = [1, 0, 2];

function gruTensors(name: string, { inputs, neurons, weights, recurrent, bias }: TextLayer): Tensors {
  const rows = 3 * neurons;
  const ordered = (values: ArrayLike<number>, width: number) => {
    const turned = transpose(values, width, rows).map(inUnits);
    const size = neurons * width;
    const data = new Float32Array(turned.length);
    for (const [to, from] of gateOrder.entries())
      data.set(turned.subarray(from * size, (from + 1) * size), to * size);
    return data;
  };
  return {
    [`${name}.weight_ih`]: { shape: [rows, inputs], data: ordered(weights, inputs) },
    [`${name}.weight_hh`]: { shape: [rows, neurons], data: ordered(recurrent, neurons) },
    [`${name}.bias_ih`]: { shape: [rows], data: ordered(bias, 1) },
    [`${name}.bias_hh`]: { shape: [rows], data: new Float32Array(rows) },
  };
}

/** WEIGHTS_SCALE */
function inUnits(value: number): number {
  return value / 256;
}
