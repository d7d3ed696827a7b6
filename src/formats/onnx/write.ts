import { ArgumentRangeError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { checkSpec } from '../../model/check.js';
import { fullFunc } from '../../model/functions.js';
import type { ActivationSpec, CommonLayerSpec, LayerSpec, LinearSpec, NormSpec } from '../../model/spec.js';
import {
  checkTensors,
  layerTensors,
  type ModelFile,
  type Tensor,
  type Tensors,
} from '../../model/tensors.js';
import { inputWidth, sourcesOf, widthsOf } from '../../model/wiring.js';
import { checkVocab } from '../vocab.js';
import { transposeArray } from './arrays.js';
import { type Attributes, GraphWriter } from './graph-writer.js';
import { cellFunctions, vocabKey } from './names.js';
import { widen } from './widen.js';
import { declareStates, type StateNames, writeRecurrent } from './write-recurrent.js';

/** Protocol buffers hold no more. */
const maxBytes = 2 ** 31 - 1;

/**
 * Writes a model as an ONNX file of opset 17, or 20 where it has a GELU.
 *
 *   inputs   x [T, B, I] float32, or ids [T, B] int32; h0.k, and c0.k of an LSTM, [directions, B, H], of the k-th
 *            recurrent layer
 *   outputs  y [T, B, O]; hn.k and cn.k, which the next call takes as h0.k and c0.k
 *
 * T and B are free. Nodes are named after their layers; what a layer of several nodes has beside the main one is named
 * `layer/…`.
 * @throws TypeError, RangeError, MismatchError as encodeModel does; UnsupportedError for what ONNX cannot say and for
 *   more than 2 GiB
 */
export function encodeOnnx(file: ModelFile): Uint8Array {
  const spec = checkSpec(file.spec);
  const tensors = checkTensors(spec, file.tensors);
  const bytes = spec.layers.reduce((sum, layer) => sum + floatsOf(layer) * 4, 0);
  if (bytes > maxBytes)
    throw new UnsupportedError('an ONNX file holds 2 GiB at most; this model has more.', 'onnx size');
  const metadata: Record<string, string> = {};
  if (file.vocab !== undefined) metadata[vocabKey] = checkVocab(file.vocab, spec).join();
  for (const { name } of spec.layers) {
    if (!name.isWellFormed())
      throw new ArgumentRangeError(`layer ${show(name)} has half a surrogate pair in its name.`);
  }

  const graph = new GraphWriter(
    spec.layers.map(({ name }) => name),
    spec.layers.some(isGelu) ? 20 : 17,
  );
  const width = inputWidth(spec);
  const x =
    width === 0 ? graph.input('x', 'int32', ['T', 'B']) : graph.input('x', 'float32', ['T', 'B', width]);
  const widths = widthsOf(spec);
  const y = graph.output('y', ['T', 'B', widths.at(-1)!]);
  const states = spec.layers.filter(isCommon).map((layer, k) => declareStates(graph, layer, k));
  const writer = new LayerWriter(graph, tensors, states);
  const sources = sourcesOf(spec);
  const ahead = sources.findIndex((read, index) => read.some((source) => source >= index));
  if (ahead >= 0)
    throw new UnsupportedError(
      `layer ${show(spec.layers[ahead]!.name)} reads a layer behind it, which an ONNX graph cannot.`,
      'onnx feedback',
    );
  const values: string[] = [];
  for (const [index, layer] of spec.layers.entries()) {
    const inputs = sources[index]!.map((source) => (source < 0 ? x : values[source]!));
    values.push(writer.write(layer, inputs));
  }
  graph.node('Identity', spec.layers.at(-1)!.name, 'y', [values.at(-1)!], [y]);
  return graph.build(metadata);
}

function isGelu(layer: LayerSpec): boolean {
  return layer.kind === 'activation' && (layer.activation === 'gelu' || layer.activation === 'geluTanh');
}

/** How many values a layer's constants hold: blocks of inputs are written as the wider matrices that they are. */
function floatsOf(layer: LayerSpec): number {
  const wider =
    layer.kind === 'linear'
      ? { weight: layer.blocks }
      : isCommon(layer)
        ? { weight_ih: layer.inputBlocks }
        : {};
  return Object.entries(layerTensors(layer)).reduce((sum, [name, shape]) => {
    const field = name.slice(layer.name.length + 1).replace('_reverse', '');
    const times = (wider as Record<string, number | undefined>)[field] ?? 1;
    return sum + shape.reduce((product, size) => product * size, times);
  }, 0);
}

/** Whether a layer is one of ONNX's recurrent operators. */
function isCommon(layer: LayerSpec): layer is CommonLayerSpec {
  return layer.kind === 'lstm' || layer.kind === 'gru' || layer.kind === 'elman';
}

class LayerWriter {
  #recurrent = 0;

  constructor(
    readonly graph: GraphWriter,
    readonly tensors: Tensors,
    readonly states: readonly StateNames[],
  ) {}

  /** @returns the name of what the layer gives, [T, B, …] */
  write(layer: LayerSpec, inputs: readonly string[]): string {
    const { name } = layer;
    if (layer.kind === 'combine') return this.#combine(name, combineOps[layer.combine], inputs);
    const x = inputs.length === 1 ? inputs[0]! : this.#node('Concat', name, 'inputs', inputs, axis(-1));
    switch (layer.kind) {
      case 'lstm':
      case 'gru':
      case 'elman':
        return writeRecurrent(this.graph, layer, this.tensors, x, this.states[this.#recurrent++]!);
      case 'embedding':
        return this.#node('Gather', name, 'out', [this.#weight(name, 'weight'), x]);
      case 'linear':
        return this.#linear(layer, x);
      case 'activation':
        return this.#activation(layer, x);
      case 'scale': {
        const product = this.#node('Mul', name, 'product', [x, this.#weight(name, 'weight')]);
        return this.#node('Add', name, 'out', [product, this.#weight(name, 'bias')]);
      }
      case 'norm':
        return this.#norm(layer, x);
      case 'shuffle': {
        const order = this.graph.integers([...this.tensors[`${name}.order`]!.data]);
        return this.#node('Gather', name, 'out', [x, order], axis(-1));
      }
      case 'slice': {
        const bounds = [layer.from, layer.to, -1].map((value) => this.graph.integers([value]));
        return this.#node('Slice', name, 'out', [x, ...bounds]);
      }
      default:
        throw new UnsupportedError(
          `layer ${show(name)}: ONNX has no operator for ${layer.kind}.`,
          `onnx kind ${layer.kind}`,
        );
    }
  }

  /** Adds a node of one output. That which gives the layer's output, `out`, has the layer's name. */
  #node(op: string, layer: string, part: string, inputs: readonly string[], attributes?: Attributes): string {
    const outputs = [this.graph.value(`${layer}/${part}`)];
    return this.graph.node(op, layer, part === 'out' ? '' : part, inputs, outputs, attributes);
  }

  #weight(layer: string, field: string): string {
    const { shape, data } = this.tensors[`${layer}.${field}`]!;
    return this.graph.constant(`${layer}.${field}`, shape, data);
  }

  #number(layer: string, field: string, value: number): string {
    return this.graph.constant(`${layer}.${field}`, [], Float32Array.of(value));
  }

  #combine(layer: string, op: string, inputs: readonly string[]): string {
    return inputs.reduce((left, right, i) =>
      this.#node(op, layer, i === inputs.length - 1 ? 'out' : `${i}`, [left, right]),
    );
  }

  #linear({ name, inputSize, outputSize, bias, blocks = 1 }: LinearSpec, x: string): string {
    const own = this.tensors[`${name}.weight`]!.data;
    const wide = widen(own, inputSize / blocks, blocks, (row) => Math.floor((row * blocks) / outputSize));
    const { shape, data } = turn({ shape: [outputSize, inputSize], data: wide });
    const factors = [x, this.graph.constant(`${name}.weight`, shape, data)];
    if (bias === false) return this.#node('MatMul', name, 'out', factors);
    const product = this.#node('MatMul', name, 'product', factors);
    return this.#node('Add', name, 'out', [product, this.#weight(name, 'bias')]);
  }

  #activation({ name, activation, ...taken }: ActivationSpec, x: string): string {
    if (activation === 'softmax' || activation === 'logSoftmax') {
      return this.#node(activation === 'softmax' ? 'Softmax' : 'LogSoftmax', name, 'out', [x], axis(-1));
    }
    const { alpha, beta } = fullFunc({ function: activation, ...taken });
    const times = (value: string, field: string, factor: number, part: string) =>
      this.#node('Mul', name, part, [value, this.#number(name, field, factor)]);
    switch (activation) {
      case 'identity':
        return this.#node('Identity', name, 'out', [x]);
      case 'silu':
        return this.#node('Mul', name, 'out', [x, this.#node('Sigmoid', name, 'sigmoid', [x])]);
      case 'gelu':
      case 'geluTanh':
        return this.#node('Gelu', name, 'out', [x], {
          approximate: { text: activation === 'gelu' ? 'none' : 'tanh' },
        });
      case 'affine': {
        const product = times(x, 'alpha', alpha, 'product');
        return this.#node('Add', name, 'out', [product, this.#number(name, 'beta', beta)]);
      }
      case 'scaledTanh': {
        const inner = times(x, 'beta', beta, 'product');
        return times(this.#node('Tanh', name, 'tanh', [inner]), 'alpha', alpha, 'out');
      }
      case 'hardSigmoid':
        return this.#node('HardSigmoid', name, 'out', [x], {
          alpha: { float: alpha },
          beta: { float: beta },
        });
      case 'leakyRelu':
      case 'thresholdedRelu':
      case 'elu':
        return this.#node(cellFunctions[activation]!, name, 'out', [x], { alpha: { float: alpha } });
      default:
        return this.#node(cellFunctions[activation]!, name, 'out', [x]);
    }
  }

  /** Of the features. Since opset 18 axes are an input. */
  #mean(name: string, x: string): string {
    if (this.graph.opset === 17)
      return this.#node('ReduceMean', name, 'mean', [x], { axes: { integers: [-1] } });
    return this.#node('ReduceMean', name, 'mean', [x, this.graph.integers([-1])]);
  }

  #norm({ name, size, norm, groups = 1, epsilon = 1e-5 }: NormSpec, x: string): string {
    const isWhole = groups === 1;
    const part = isWhole
      ? x
      : this.#node('Reshape', name, 'groups', [x, this.graph.integers([0, 0, groups, size / groups])]);
    if (norm !== 'rms' && isWhole) {
      const inputs = [part, this.#weight(name, 'weight'), this.#weight(name, 'bias')];
      return this.#node('LayerNormalization', name, 'out', inputs, { ...axis(-1), ...floats({ epsilon }) });
    }
    let y: string;
    if (norm === 'rms') {
      const square = this.#node('Mul', name, 'square', [part, part]);
      const mean = this.#mean(name, square);
      const sum = this.#node('Add', name, 'sum', [mean, this.#number(name, 'epsilon', epsilon)]);
      y = this.#node('Div', name, 'quotient', [part, this.#node('Sqrt', name, 'root', [sum])]);
    } else {
      const ones = this.graph.constant(
        `${name}.ones`,
        [size / groups],
        new Float32Array(size / groups).fill(1),
      );
      y = this.#node('LayerNormalization', name, 'normed', [part, ones], {
        ...axis(-1),
        ...floats({ epsilon }),
      });
    }
    if (!isWhole) y = this.#node('Reshape', name, 'joined', [y, this.graph.integers([0, 0, size])]);
    const factors = [y, this.#weight(name, 'weight')];
    if (norm === 'rms') return this.#node('Mul', name, 'out', factors);
    const product = this.#node('Mul', name, 'product', factors);
    return this.#node('Add', name, 'out', [product, this.#weight(name, 'bias')]);
  }
}

const combineOps = { add: 'Add', subtract: 'Sub', multiply: 'Mul', divide: 'Div' } as const;

function axis(integer: number): Attributes {
  return { axis: { integer } };
}

function floats(values: Readonly<Record<string, number>>): Attributes {
  return Object.fromEntries(Object.entries(values).map(([key, float]) => [key, { float }]));
}

function turn({ shape, data }: Tensor): Tensor {
  const turned = transposeArray(data, shape, [1, 0]) as Float32Array;
  return { shape: [shape[1]!, shape[0]!], data: turned };
}
