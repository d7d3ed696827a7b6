import { encodeModel } from '../formats/native.js';
import { blockSizesOf, blocksOf, isRecurrent, stripsOf } from '../model/spec.js';
import { checkPlaces, writeBeside } from './beside.js';
import { type Command, vocabOption } from './command.js';
import { about } from './failure.js';
import { readJson } from './files.js';
import { count, plural, size } from './numbers.js';
import { origins, readConfig, readOrigin } from './origins.js';
import { Progress } from './progress.js';
import { describeStructure, keepStrips, readStripOptions, stripOptions } from './strips.js';
import { tabulate } from './table.js';
import { UsageError } from './usage-error.js';
import { readVocab } from './vocabulary.js';
import { countModel } from './weights.js';

/** `blockrnn convert`: any model file that is read → a native one, or an ONNX file. */
export const convert: Command = {
  name: 'convert',
  summary: 'write a native or ONNX file from weights of PyTorch, TensorFlow, Keras and others, or from ONNX',
  operands: [{ name: 'IN' }, { name: 'OUT' }],
  options: {
    from: {
      type: 'string',
      value: 'ORIGIN',
      help: `auto (default); ${origins.slice(1).join(' ')}`,
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
    dtype: { type: 'string', value: 'TYPE', help: 'f32 (default) or f16; .onnx files have f32' },
    vocab: vocabOption,
    spec: { type: 'string', value: 'FILE', help: 'JSON with the layers, where the tensors do not tell them' },
    config: {
      type: 'string',
      value: 'FILE',
      help: "Keras's config.json or .keras file, for a file of weights alone",
    },
    activation: {
      type: 'string',
      value: 'LIST',
      help: 'Keras, without a config: relu, or dense=relu,out=softmax; xlstm: act_fn',
    },
    'recurrent-activation': {
      type: 'string',
      value: 'LIST',
      help: 'Keras, without a config: of the gates of LSTM and GRU; default sigmoid',
    },
    'reset-after': {
      type: 'string',
      value: 'BOOL',
      help: 'Keras, without a config: of a GRU without biases',
    },
    cell: {
      type: 'string',
      value: 'NAME',
      help: 'FlashRNN: lstm or slstm, of 4 gates each; xlstm: slstm (default), lstm',
    },
    order: {
      type: 'string',
      value: 'AXES',
      help: 'FlashRNN: axes of R and b; default GHDP,GHD; cuda has HPGD,HGD',
    },
    'forget-bias': {
      type: 'string',
      value: 'X',
      help: 'what TensorFlow adds to the forget gates at run time; default 1',
    },
  },
  description:
    'IN is a file of weights (.safetensors, .npz, .keras, .h5) of PyTorch, TensorFlow, Keras, FlashRNN, xLSTM or\n' +
    'DreamerV3, an ONNX file, an RNNoise model (text or blob), the folder of a TensorFlow model (a manifest.json\n' +
    'and a file of raw f32 values for each variable), or a native file. Finds block structure in the recurrent\n' +
    'weights and keeps the blocks alone; or, with --strips, keeps strips of dense recurrent weights: all that are\n' +
    'not zero, or those of the largest norm. OUT is a native file or, where its name ends in .onnx, an ONNX file\n' +
    'of opset 17 or 20, with its states as inputs and outputs.',
  examples: [
    'convert state-dict.safetensors model.safetensors --vocab info.json --dtype f16',
    'convert model.onnx model.safetensors',
    'convert model.safetensors model.onnx',
    'convert model.safetensors sparse.safetensors --strips 8x4 --density 0.2',
    'convert char-rnn model.safetensors --from tensorflow',
    'convert model.keras model.safetensors',
  ],
  async run(args, { terminal, signal, json }) {
    const [path, out] = args.operands as [string, string];
    const from = args.choice('from', origins) ?? 'auto';
    const blocks = args.integerOrAuto('blocks', 1, 2 ** 17) ?? 'auto';
    const tolerance = args.number('tolerance', 0) ?? 0;
    const strips = readStripOptions(args);
    const dtype = args.choice('dtype', ['f32', 'f16']) ?? 'f32';
    const isOnnx = out.toLowerCase().endsWith('.onnx');
    if (isOnnx && dtype !== 'f32')
      throw new UsageError('--dtype f16 is for .safetensors files; an ONNX file is written as f32');
    const specPath = args.text('spec');
    const vocabPath = args.text('vocab');
    const configPath = args.text('config');
    const resetAfter = args.choice('reset-after', ['true', 'false']);
    const given = {
      forgetBias: args.number('forget-bias', 0),
      activation: args.text('activation'),
      recurrentActivation: args.text('recurrent-activation'),
      cell: args.choice('cell', ['lstm', 'slstm', 'gru', 'elman']),
      order: args.text('order'),
      resetAfter: resetAfter === undefined ? undefined : resetAfter === 'true',
    };
    await checkPlaces([out]);
    const spec = specPath === undefined ? undefined : await readJson(specPath, signal);
    const vocab = vocabPath === undefined ? undefined : await readVocab(vocabPath, signal);
    const config = configPath === undefined ? undefined : await readConfig(configPath, signal);
    const progress = new Progress(terminal);
    progress.show('finding blocks');
    const options = { ...given, blocks, tolerance, spec, vocab, config };
    const {
      file: read,
      origin,
      size: bytesBefore,
    } = await readOrigin(path, from, options, signal).finally(() => progress.end());
    const file = keepStrips(read, strips);
    const encoded = await about(path, async () => {
      if (!isOnnx) return encodeModel(file, { dtype, ...(file.metadata && { metadata: file.metadata }) });
      const { encodeOnnx } = await import('../formats/onnx/write.js');
      return encodeOnnx(file);
    });
    await writeBeside([{ path: out, bytes: encoded }], signal);

    const layers = file.spec.layers.filter(isRecurrent).map((layer) => ({
      name: layer.name,
      kind: layer.kind,
      hiddenSize: layer.hiddenSize,
      blocks: blocksOf(layer),
      ...(blockSizesOf(layer) && { blockSizes: blockSizesOf(layer) }),
      ...(stripsOf(layer) && { strips: stripsOf(layer) }),
    }));
    const { total, recurrent, recurrentIfDense } = countModel(file.spec);
    if (json) {
      const result = {
        in: path,
        out,
        origin,
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
      ...(origin === null ? [] : [['from', origin]]),
      ['layers', count(file.spec.layers.length)],
      ['recurrent', `${count(recurrent)} weights; fully connected: ${count(recurrentIfDense)}`],
      ['size', `${size(bytesBefore)} → ${size(encoded.length)} (${dtype})`],
      ['vocabulary', file.vocab === undefined ? 'none' : plural(file.vocab.length, 'byte')],
    ];
    await terminal.write(`${path} → ${out}\n\n${tabulate(rows)}\n${tabulate(facts)}`);
  },
};
