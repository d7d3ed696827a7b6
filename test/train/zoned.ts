import { type LayerSpec, type ModelSpec, outputsOf, type RecurrentLayerSpec } from '#dist/model/spec.js';
import { trainLayer } from './cells.js';
import { lotOf, lotSeed } from './lots.js';
import type { OracleBatch } from './oracle.js';

/** Layers that keep states by lot: each cell that may, with what it says. */
const kinds = {
  'lstm, of h': ['lstm', { zoneout: 0.4 }],
  'lstm, of c': ['lstm', { zoneoutCell: 0.4 }],
  'lstm, of both': ['lstm', { zoneout: 0.2, zoneoutCell: 0.6 }],
  'peepholes, of h': ['peepholes', { zoneout: 0.3 }],
  'peepholes, of c': ['peepholes', { zoneoutCell: 0.5 }],
  'peepholes, of both': ['peepholes', { zoneout: 0.3, zoneoutCell: 0.5 }],
  'coupled, of both': ['coupled', { zoneout: 0.5, zoneoutCell: 0.3 }],
  'functions, of both': ['lstmFunctions', { zoneout: 0.3, zoneoutCell: 0.3 }],
  'projected, of h': ['projected', { zoneout: 0.5 }],
  'projected, of c': ['projectedMore', { zoneoutCell: 0.5 }],
  'projected, of both': ['projectedMore', { zoneout: 0.3, zoneoutCell: 0.2 }],
  'gru that resets after': ['gruAfter', { zoneout: 0.4 }],
  'gru that resets after, functions': ['gruAfterFunctions', { zoneout: 0.5 }],
  'gru that resets before': ['gruBefore', { zoneout: 0.4 }],
  'gru that resets before, functions': ['gruBeforeFunctions', { zoneout: 0.5 }],
  'elman, tanh': ['elmanTanh', { zoneout: 0.3 }],
  'elman, relu': ['elmanRelu', { zoneout: 0.6 }],
} as const;

export type ZoneKind = keyof typeof kinds;
export const zoneKinds = Object.keys(kinds) as ZoneKind[];

/** Whether a layer of a kind may have blocks. */
export function hasBlocks(kind: ZoneKind): boolean {
  return !kind.startsWith('projected');
}

export interface ZoneSizes {
  hiddenSize: number;
  blocks?: number;
  inputSize?: number;
}

export function zoneLayer(kind: ZoneKind, name: string, sizes: ZoneSizes): RecurrentLayerSpec {
  const [cell, rates] = kinds[kind];
  const { hiddenSize, inputSize = 3, blocks } = sizes;
  return { ...trainLayer(cell, name, inputSize, hiddenSize, blocks), ...rates } as RecurrentLayerSpec;
}

/** Two of them one behind the other, so that gradients come to a layer that keeps states from one that does. */
export function pairOf(kind: ZoneKind, sizes: ZoneSizes): ModelSpec {
  const first = zoneLayer(kind, 'a', sizes);
  const second = zoneLayer(kind, 'b', { ...sizes, inputSize: outputsOf(first) });
  const out: LayerSpec = { kind: 'linear', name: 'out', inputSize: outputsOf(second), outputSize: 3 };
  return { layers: [first, second, out] };
}

/** All of them that may have such blocks, one after the other, behind an embedding. */
export function zoneTower(hiddenSize: number, blocks: number, classes: number): ModelSpec {
  const layers: LayerSpec[] = [{ kind: 'embedding', name: 'e', count: classes, size: 4 }];
  let inputSize = 4;
  for (const kind of zoneKinds) {
    if (blocks > 1 && !hasBlocks(kind)) continue;
    const layer = zoneLayer(kind, kind.replaceAll(/\W+/g, '-'), { hiddenSize, blocks, inputSize });
    layers.push(layer);
    inputSize = outputsOf(layer);
  }
  return { layers: [...layers, { kind: 'linear', name: 'out', inputSize, outputSize: classes }] };
}

/** What is kept in a step of a trainer. */
export function keepsOf(
  { layers }: ModelSpec,
  seed: number,
  step: number,
): NonNullable<OracleBatch['keeps']> {
  return (layer, row, state, unit) => {
    const use = state === 'h' ? 'zoneout' : 'zoneoutCell';
    const rate = (layers[layer] as Partial<Record<typeof use, number>>)[use] ?? 0;
    return lotOf(lotSeed(seed, step, layer, use), row, unit) < Math.ceil(rate * 2 ** 32);
  };
}
