import { readModelFile } from '../formats/open.js';
import {
  blockSizesOf,
  blocksOf,
  isRecurrent,
  type LayerSpec,
  type LinearSpec,
  type RecurrentLayerSpec,
  stripsOf,
} from '../model/spec.js';
import { availableKernels } from '../wasm/features.js';
import type { Command } from './command.js';
import { about } from './failure.js';
import { besideOf, readBytes } from './files.js';
import { count, size } from './numbers.js';
import { Progress } from './progress.js';
import { describeStructure } from './strips.js';
import { tabulate } from './table.js';
import { countLayer, countModel } from './weights.js';

/** `blockrnn info`: what is in a model file. */
export const info: Command = {
  name: 'info',
  summary: 'what is in a model file: layers, blocks, parameters, sizes',
  operands: [{ name: 'MODEL' }],
  options: {},
  description:
    'MODEL is a native file, or a PyTorch state dict (.safetensors) or an ONNX file, in which block structure is\n' +
    'found. Parameters are recurrent (weight_hh), input (weight_ih) or other: embeddings, linear layers and biases.',
  examples: ['info model.safetensors', 'info model.safetensors --json'],
  async run(args, { terminal, signal, json }) {
    const path = args.operands[0]!;
    const progress = new Progress(terminal);
    const bytes = await readBytes(path, signal);
    progress.show('finding blocks');
    const { spec, vocab } = await about(path, () => readModelFile(bytes, {}, besideOf(path, signal))).finally(
      () => progress.end(),
    );
    const counted = countModel(spec);
    const kernels = availableKernels();
    const weightBytes = counted.total * 4;
    if (json) {
      const { total, recurrent, input, other, recurrentIfDense } = counted;
      const result = {
        file: path,
        fileBytes: bytes.length,
        weightBytes,
        layers: spec.layers.map((layer) => ({ ...layer, parameters: countLayer(layer).total })),
        parameters: { total, recurrent, input, other, recurrentIfDense },
        vocabulary: vocab?.length ?? null,
        kernels,
      };
      await terminal.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const { total, recurrent, input, other, recurrentIfDense } = counted;
    const times = recurrent === 0 ? 1 : recurrentIfDense / recurrent;
    const facts = [
      ['parameters', count(total)],
      [
        '  recurrent',
        `${count(recurrent)}${times > 1 ? `; fully connected: ${count(recurrentIfDense)}` : ''}`,
      ],
      ['  input', count(input)],
      ['  other', `${count(other)} (embeddings, linear layers, biases)`],
      ['file', `${count(bytes.length)} bytes (${size(bytes.length)})`],
      ['weights', `${count(weightBytes)} bytes as f32 (${size(weightBytes)})`],
      ['vocabulary', vocab === undefined ? 'none' : `${vocab.length} bytes`],
      ['kernels', kernels.length === 0 ? 'none: this engine has no WebAssembly SIMD' : kernels.join(', ')],
    ];
    const heads = ['layer', 'kind', 'size', 'blocks', 'parameters'];
    const rows = [heads, ...spec.layers.map(describeLayer)];
    // Who reads whom, where it is not each the one before.
    if (spec.layers.some(({ inputs }) => inputs !== undefined))
      for (const [index, row] of rows.entries())
        row.push(index === 0 ? 'reads' : describeInputs(spec.layers, index - 1));
    const table = tabulate(rows);
    await terminal.write(`${path}\n\n${table}\n${tabulate(facts)}`);
  },
};

function describeLayer(layer: LayerSpec): string[] {
  const total = count(countLayer(layer).total);
  const kind = layer.kind === 'activation' ? layer.activation : layer.kind;
  switch (layer.kind) {
    case 'embedding':
      return [layer.name, kind, `${layer.count} → ${layer.size}`, '', total];
    case 'linear':
      return [layer.name, kind, `${layer.inputSize} → ${layer.outputSize}`, describeLinear(layer), total];
    case 'activation':
    case 'combine':
      return [layer.name, kind, '', '', ''];
    case 'scale':
    case 'norm':
    case 'conv':
    case 'delay':
      return [layer.name, kind, `${layer.size}`, '', total];
    case 'shuffle':
      return [layer.name, kind, `${layer.size}`, '', ''];
    case 'slice':
      return [layer.name, kind, `${layer.inputSize} → ${layer.to - layer.from}`, '', ''];
    default: {
      const { inputSize, hiddenSize, direction = 'forward' } = layer;
      const ways = direction === 'bidirectional' ? '2 · ' : '';
      const what = direction === 'forward' ? kind : `${kind}, ${direction}`;
      const blocks = `${describeBlocks(layer)}${describeInputBlocks(layer)}`;
      return [layer.name, what, `${inputSize} → ${ways}${hiddenSize}`, blocks, total];
    }
  }
}

function describeInputBlocks({ inputSize, inputBlocks = 1 }: RecurrentLayerSpec): string {
  return inputBlocks === 1 ? '' : `; inputs: ${inputBlocks} of ${inputSize / inputBlocks}`;
}

function describeLinear({ inputSize, outputSize, blocks = 1 }: LinearSpec): string {
  if (blocks === 1) return '';
  return `${blocks} of ${inputSize / blocks} → ${outputSize / blocks}`;
}

function describeInputs(layers: readonly LayerSpec[], index: number): string {
  return layers[index]!.inputs?.join(', ') ?? layers[index - 1]?.name ?? 'input';
}

/** Blocks that differ in size: how many, and the least and the most units of one. */
function describeSizes(layer: RecurrentLayerSpec): string {
  const sizes = blockSizesOf(layer)!;
  return `${sizes.length} of ${Math.min(...sizes)} to ${Math.max(...sizes)}`;
}

function describeBlocks(layer: LayerSpec): string {
  if (!isRecurrent(layer)) return '';
  if (stripsOf(layer) !== undefined) return describeStructure(layer);
  const blocks = blocksOf(layer);
  if (blockSizesOf(layer) !== undefined) return describeSizes(layer);
  if (blocks === 1) return '1 (dense)';
  return blocks === layer.hiddenSize ? `${blocks} (diagonal)` : `${blocks} of ${layer.hiddenSize / blocks}`;
}
