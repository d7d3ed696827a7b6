// Every cell of the family and every structure of one, at H = 512: what bench/cells.ts measures, a row each. More are more
// entries here.
import { decodeDreamer } from '#dist/formats/layouts/dreamerv3.js';
import { sparsify } from '#dist/formats/strips.js';
import type { LayerSpec, ModelSpec, RecurrentLayerSpec, StripShape } from '#dist/model/spec.js';
import type { ModelFile } from '#dist/model/tensors.js';
import { drawCore } from '../test/formats/layouts/dreamer-core.js';
import { type Random, randomModel } from '../test/oracle/random.js';

export const hidden = 512;

/** A cell and its structure. */
export interface Named {
  cell: string;
  structure: string;
}

export interface Member extends Named {
  /** what a spec says of it beside names and sizes, or where it comes from */
  says: string;
  draw(random: Random): ModelFile;
  /** blocks of layer `a` that skip every step, of how many */
  skipped?: { count: number; of: number };
}

const own = { name: 'a', inputSize: hidden, hiddenSize: hidden };
const wide = { name: 'a', size: hidden };

function member(cell: string, structure: string, ...layers: LayerSpec[]): Member {
  const spec: ModelSpec = { layers };
  const says = layers.map(sayLayer).join(', ');
  return { cell, structure, says, draw: (random) => ({ spec, tensors: randomModel(random, spec) }) };
}

/** A fifth of the recurrent weights is kept, in strips, and the diagonal. */
function strips(shape: StripShape): Member {
  const dense = member('GRU', `strips of ${shape.replace('x', '×')}, a fifth`, { kind: 'gru', ...own });
  const says = `\`gru\` \`strips: { shape: '${shape}', … }\``;
  return { ...dense, says, draw: (random) => sparsify(dense.draw(random), { shape, density: 0.2 }) };
}

function skipping(count: number): Member {
  const one = member('LSTM', `8 blocks, ${count} of them skip`, { kind: 'lstm', ...own, blocks: 8 });
  return { ...one, says: `${one.says}, \`updates\``, skipped: { count, of: 8 } };
}

const core: Member = {
  cell: 'DreamerV3',
  structure: 'its core, 8 blocks',
  says: '`convert --from dreamerv3`',
  draw: (random) =>
    decodeDreamer(
      drawCore(random, { blocks: 8, deter: hidden, hidden: 128, stoch: 128, action: 4, layers: 1 }),
    ),
};

/** The fields of a layer that make it what it is. */
function sayLayer({ kind, ...fields }: LayerSpec): string {
  const given = Object.entries(fields).filter(
    ([field]) => !/^(name|inputs|(input|hidden|output)Size|size)$/.test(field),
  );
  const said = given.map(([field, value]) => `${field}: ${sayValue(value)}`).join(', ');
  return said === '' ? `\`${kind}\`` : `\`${kind}\` \`${said}\``;
}

function sayValue(value: unknown): string {
  return JSON.stringify(value).replaceAll('"', "'").replaceAll(',', ', ');
}

export const members: readonly Member[] = [
  member('LSTM', 'dense', { kind: 'lstm', ...own }),
  member('LSTM', '4 blocks', { kind: 'lstm', ...own, blocks: 4 }),
  member('LSTM', '8 blocks', { kind: 'lstm', ...own, blocks: 8 }),
  member('LSTM', '16 blocks', { kind: 'lstm', ...own, blocks: 16 }),
  member('LSTM', 'diagonal', { kind: 'lstm', ...own, blocks: hidden }),
  member('LSTM', 'blocks of four sizes', { kind: 'lstm', ...own, blockSizes: [256, 128, 64, 64] }),
  member('LSTM', '8 blocks, of inputs too', { kind: 'lstm', ...own, blocks: 8, inputBlocks: 8 }),
  member(
    'LSTM',
    '8 blocks, inputs shuffled',
    { kind: 'shuffle', name: 'mix', size: hidden },
    { kind: 'lstm', ...own, blocks: 8 },
  ),
  skipping(4),
  skipping(8),
  member('LSTM', '8 blocks, both directions', {
    kind: 'lstm',
    ...own,
    blocks: 8,
    direction: 'bidirectional',
  }),
  member('LSTM', 'projected to H/4', { kind: 'lstm', ...own, projectionSize: hidden / 4 }),
  member('LSTM', '8 blocks, peepholes', { kind: 'lstm', ...own, blocks: 8, peepholes: true }),
  member('LSTM', '8 blocks, coupled gates', { kind: 'lstm', ...own, blocks: 8, coupled: true }),
  member('LSTM', '8 blocks, zoneout', { kind: 'lstm', ...own, blocks: 8, zoneout: 0.1, zoneoutCell: 0.1 }),
  member('GRU', 'dense', { kind: 'gru', ...own }),
  member('GRU', '8 blocks', { kind: 'gru', ...own, blocks: 8 }),
  member('GRU', '8 blocks, reset before', { kind: 'gru', ...own, blocks: 8, resetAfter: false }),
  member('GRU', '8 blocks, other functions', {
    ...{ kind: 'gru', ...own, blocks: 8, activations: ['hardSigmoid', 'softsign'], clip: 3 },
  } as LayerSpec),
  strips('8x4'),
  strips('16x1'),
  strips('4x4'),
  member('Elman', 'dense', { kind: 'elman', ...own }),
  member('Elman', '8 blocks', { kind: 'elman', ...own, blocks: 8 }),
  member('IndRNN', 'diagonal', { kind: 'elman', ...own, blocks: hidden, activation: 'relu' }),
  member('sLSTM', '8 heads', { kind: 'slstm', ...own, blocks: 8 }),
  member('LSTM, normalised', 'dense', { kind: 'lnlstm', ...own }),
  member('LSTM, normalised', '8 blocks', { kind: 'lnlstm', ...own, blocks: 8 }),
  member('GRU, normalised', 'dense', { kind: 'lngru', ...own }),
  member('GRU, normalised', '8 blocks', { kind: 'lngru', ...own, blocks: 8 }),
  member('SRU', 'unit by unit', { kind: 'sru', ...own }),
  member('QRNN', 'unit by unit', { kind: 'qrnn', ...own }),
  core,
  member('linear', 'dense', { kind: 'linear', name: 'a', inputSize: hidden, outputSize: hidden }),
  member('linear', '8 blocks', {
    kind: 'linear',
    name: 'a',
    inputSize: hidden,
    outputSize: hidden,
    blocks: 8,
  }),
  member('conv', '4 steps', { kind: 'conv', ...wide, width: 4 }),
  member('delay', 'one step', { kind: 'delay', ...wide }),
  member('norm', 'layer', { kind: 'norm', ...wide }),
  member('norm', 'RMS', { kind: 'norm', ...wide, norm: 'rms' }),
];

const one = { name: 'a', inputSize: 1, hiddenSize: hidden };

/** Units that recur alone, whose input is one value, so that there is little beside the recurrence. */
export const lonely: readonly (Named & { layer: RecurrentLayerSpec })[] = [
  { cell: 'LSTM', structure: 'diagonal', layer: { kind: 'lstm', ...one, blocks: hidden } },
  { cell: 'GRU', structure: 'diagonal', layer: { kind: 'gru', ...one, blocks: hidden } },
  { cell: 'Elman', structure: 'diagonal', layer: { kind: 'elman', ...one, blocks: hidden } },
  {
    cell: 'IndRNN',
    structure: 'diagonal',
    layer: { kind: 'elman', ...one, blocks: hidden, activation: 'relu' },
  },
  { cell: 'SRU', structure: 'unit by unit', layer: { kind: 'sru', ...one } },
  { cell: 'QRNN', structure: 'unit by unit', layer: { kind: 'qrnn', ...one } },
];
