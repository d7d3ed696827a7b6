import { MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import type { LayerSpec } from '../../model/spec.js';
import type { Tensors } from '../../model/tensors.js';
import { findChains, type Link } from '../chain.js';
import type { Arrays } from './arrays.js';

/** A layer with its tensors, to be put in its place. */
export interface Part extends Link {
  /** what stands before the names of its tensors */
  path: string;
  layer: LayerSpec;
  tensors: Tensors;
}

/** Takes what is left of torch.nn.Linear and torch.nn.Embedding: `<name>.weight` and perhaps `<name>.bias`. */
export function takeModules(arrays: Arrays): Part[] {
  const parts: Part[] = [];
  for (const weightName of arrays.names) {
    const match = /^(?:(.*)\.)?weight$/.exec(weightName);
    if (match === null || arrays.shapeOf(weightName)?.length !== 2) continue;
    const path = match[1] ?? '';
    const biasName = path === '' ? 'bias' : `${path}.bias`;
    const weight = arrays.take(weightName, [-1, -1], 'a weight has two axes');
    const [rows, columns] = weight.shape as [number, number];
    const hasBias = arrays.has(biasName);
    if (!hasBias && /emb/i.test(path.slice(path.lastIndexOf('.') + 1))) {
      const name = path || 'embedding';
      parts.push({
        path,
        reads: undefined,
        gives: columns,
        layer: { kind: 'embedding', name, count: rows, size: columns },
        tensors: { [`${name}.weight`]: weight },
      });
      continue;
    }
    const name = path || 'linear';
    const tensors: Tensors = { [`${name}.weight`]: weight };
    if (hasBias)
      tensors[`${name}.bias`] = arrays.take(biasName, [rows], `${show(weightName)} implies [${rows}]`);
    parts.push({
      path,
      reads: columns,
      gives: rows,
      layer: { kind: 'linear', name, inputSize: columns, outputSize: rows, bias: hasBias },
      tensors,
    });
  }
  return parts;
}

/**
 * Puts parts in the one order that their widths allow; numbers in their names help.
 * @throws MismatchError when there is none, or more than one, or when two linear layers follow each other: what stands
 *   between them has no tensors
 */
export function orderParts(parts: readonly Part[]): Part[] {
  const numbers = parts.map(({ path }) => /^(.*?)(\d{1,9})(?:\.[^.]*)?$/.exec(path));
  const isBefore = (a: number, b: number) => {
    const [one, other] = [numbers[a], numbers[b]];
    return one != null && other != null && one[1] === other[1] && Number(one[2]) < Number(other[2]);
  };
  const { found, complete } =
    parts.length > 64
      ? { found: [], complete: false }
      : findChains(
          parts.map((part) => [part]),
          isBefore,
        );
  const [order] = found;
  const list = parts.slice(0, 10).map(({ layer, reads, gives }) => {
    return `${show(layer.name)} (${layer.kind}, ${reads ?? 'ids'} → ${gives})`;
  });
  if (order === undefined || found.length > 1 || !complete)
    throw new MismatchError(
      `the widths of the layers do not tell their order: ${list.join(', ')}. Save fewer of them, or number them.`,
    );
  const doubt = order.findIndex(
    ({ layer }, index) => layer.kind === 'linear' && order[index + 1]?.layer.kind === 'linear',
  );
  if (doubt >= 0)
    throw new MismatchError(
      `linear layers ${show(order[doubt]!.layer.name)} and ${show(order[doubt + 1]!.layer.name)} follow each other, and the ` +
        'file does not tell what stands between them. Save the model without the second one.',
    );
  return order;
}
