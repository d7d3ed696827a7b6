import { expectRnnoise } from '../formats/kind.js';
import { encodeModel } from '../formats/native.js';
import { type AnyModelFile, readModelFile } from '../formats/open.js';
import { decodeTensorflow } from '../formats/tensorflow.js';
import { blocksOf, isRecurrent, stripsOf } from '../model/spec.js';
import { checkPlaces, writeBeside } from './beside.js';
import { type Command, vocabOption } from './command.js';
import { about } from './failure.js';
import { readBytes, readJson } from './files.js';
import { count, plural, size } from './numbers.js';
import { Progress } from './progress.js';
import { describeStructure, keepStrips, readStripOptions, stripOptions } from './strips.js';
import { tabulate } from './table.js';
import {
  type Checkpoint,
  findManifest,
  hasTensorflowNames,
  readFolder,
  readVariables,
} from './tensorflow.js';
import { UsageError } from './usage-error.js';
import { readVocab } from './vocabulary.js';
import { countModel } from './weights.js';

/** `blockrnn convert`: another model file → a native one. */
export const convert: Command = {
  name: 'convert',
  summary: 'write a native model from a PyTorch state dict, an ONNX, TensorFlow, RNNoise or native model',
  operands: [{ name: 'IN' }, { name: 'OUT.safetensors' }],
  options: {
    from: {
      type: 'string',
      value: 'ORIGIN',
      help: 'auto (default): what the file tells; pytorch; tensorflow; rnnoise',
    },
    blocks: {
      type: 'string',
      value: 'N',
      help: 'blocks of every recurrent layer, or auto (default): what holds',
    },
    tolerance: {
      type: 'string',
      value: 'X',
      help: 'weights off the blocks up to X count as zero; default 0',
    },
    ...stripOptions,
    dtype: { type: 'string', value: 'TYPE', help: 'f32 (default) or f16' },
    vocab: vocabOption,
    spec: { type: 'string', value: 'FILE', help: 'JSON with the layers, where the tensors do not tell them' },
    'forget-bias': {
      type: 'string',
      value: 'X',
      help: 'what TensorFlow adds to the forget gates at run time; default 1',
    },
  },
  description:
    'IN is a PyTorch state dict (.safetensors), an ONNX file whose graph is a stack of layers, an RNNoise model\n' +
    '(text or blob), the folder of a TensorFlow model (a manifest.json and a file of raw f32 values for each\n' +
    'variable), or a native file.\n' +
    'Finds block structure in the recurrent weights and keeps the blocks alone; or, with --strips, keeps strips of\n' +
    'dense recurrent weights: all that are not zero, or those of the largest norm.',
  examples: [
    'convert state-dict.safetensors model.safetensors --vocab info.json --dtype f16',
    'convert model.onnx model.safetensors',
    'convert model.safetensors sparse.safetensors --strips 8x4 --density 0.2',
    'convert char-rnn model.safetensors --from tensorflow',
  ],
  async run(args, { terminal, signal, json }) {
    const [path, out] = args.operands as [string, string];
    const from = args.choice('from', ['auto', 'pytorch', 'tensorflow', 'rnnoise']) ?? 'auto';
    const blocks = args.integerOrAuto('blocks', 1, 2 ** 17) ?? 'auto';
    const tolerance = args.number('tolerance', 0) ?? 0;
    const strips = readStripOptions(args);
    const dtype = args.choice('dtype', ['f32', 'f16']) ?? 'f32';
    const specPath = args.text('spec');
    const vocabPath = args.text('vocab');
    const forgetBias = args.number('forget-bias', 0);
    await checkPlaces([out]);
    const spec = specPath === undefined ? undefined : await readJson(specPath, signal);
    const vocab = vocabPath === undefined ? undefined : await readVocab(vocabPath, signal);
    const progress = new Progress(terminal);
    const manifest = from === 'pytorch' || from === 'rnnoise' ? undefined : await findManifest(path);
    const bytes = manifest === undefined ? await readBytes(path, signal) : undefined;
    let checkpoint: Checkpoint | undefined;
    if (bytes === undefined) checkpoint = await readFolder(manifest!, vocab === undefined, signal);
    else if (from === 'tensorflow' || (from === 'auto' && hasTensorflowNames(bytes)))
      checkpoint = await about(path, () => readVariables(bytes));
    if (checkpoint !== undefined && spec !== undefined)
      throw new UsageError('--spec is for state dicts; the variables of a TensorFlow model tell its layers');
    if (checkpoint === undefined && forgetBias !== undefined)
      throw new UsageError('--forget-bias is for TensorFlow models');
    const bytesBefore = checkpoint?.size ?? bytes!.length;
    progress.show('finding blocks');
    const read: AnyModelFile = await about(path, async () => {
      if (from === 'rnnoise') expectRnnoise(bytes!);
      if (checkpoint === undefined) return readModelFile(bytes!, { blocks, tolerance, spec, vocab });
      const { arrays, vocab: found } = checkpoint;
      return decodeTensorflow(arrays, { blocks, tolerance, vocab: vocab ?? found, forgetBias });
    }).finally(() => progress.end());
    const file = keepStrips(read, strips);
    const encoded = await about(path, () =>
      encodeModel(file, { dtype, ...(file.metadata && { metadata: file.metadata }) }),
    );
    await writeBeside([{ path: out, bytes: encoded }], signal);

    const layers = file.spec.layers.filter(isRecurrent).map((layer) => ({
      name: layer.name,
      kind: layer.kind,
      hiddenSize: layer.hiddenSize,
      blocks: blocksOf(layer),
      ...(stripsOf(layer) && { strips: stripsOf(layer) }),
    }));
    const { total, recurrent, recurrentIfDense } = countModel(file.spec);
    if (json) {
      const result = {
        in: path,
        out,
        layers: file.spec.layers.length,
        recurrentLayers: layers,
        parameters: { total, recurrent, recurrentIfDense },
        bytesBefore,
        bytesAfter: encoded.length,
        dtype,
        vocabulary: file.vocab?.length ?? null,
      };
      await terminal.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const rows = file.spec.layers
      .filter(isRecurrent)
      .map((layer) => [layer.name, layer.kind, `${count(layer.hiddenSize)} units`, describeStructure(layer)]);
    const facts = [
      ['layers', count(file.spec.layers.length)],
      ['recurrent', `${count(recurrent)} weights; fully connected: ${count(recurrentIfDense)}`],
      ['size', `${size(bytesBefore)} → ${size(encoded.length)} (${dtype})`],
      ['vocabulary', file.vocab === undefined ? 'none' : plural(file.vocab.length, 'byte')],
    ];
    await terminal.write(`${path} → ${out}\n\n${tabulate(rows)}\n${tabulate(facts)}`);
  },
};
