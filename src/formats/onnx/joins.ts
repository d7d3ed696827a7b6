import { maxSize } from '../../model/given.js';
import { axisOf, features } from './axes.js';
import { isFeatures } from './inputs.js';
import { isCut, keyOf, sourceOf, sourcesOf, widthOf } from './links.js';
import type { Node } from './proto.js';
import { type Flow, type Link, type Part, type Source, unsupported } from './values.js';
import type { Walk } from './walk.js';

/** Flows side by side along their features. Alike recurrent nodes that read the same are the blocks of one layer. */
export function joinFlows(walk: Walk, node: Node, flows: readonly Flow[], axis: number): Flow {
  const [first] = flows as [Flow];
  const directions = joinDirections(walk, node, flows, axis);
  if (directions !== undefined) return directions;
  let width = 0;
  for (const flow of flows) {
    if (!isAlike(flow, first, axis) || flow.isIds || !isFeatures(walk, flow, axis))
      throw unsupported(
        node,
        `it joins along axis ${axis}, which is not the features of each, or axes differ`,
        'axis',
      );
    width += widthOf(node, flow);
  }
  if (width > maxSize)
    throw unsupported(node, `it gives ${width} features; ${maxSize} are the most`, 'input');
  const axes = first.axes.map((old, place) => (place === axis ? axisOf(features, width) : old));
  const parts = mend(walk, flows);
  const [only] = parts;
  if (parts.length === 1) return { ...only!, axes, width };
  const blocks = joinBlocks(walk, node, parts, width, 1);
  const sources = parts.flatMap((flow) => sourcesOf(sourceOf(walk, node, flow)));
  walk.spend(sources.length);
  const chain = blocks ?? walk.link(node, width, sources, { kind: 'concat' });
  return { kind: 'flow', axes, chain, width, from: 0, isIds: false };
}

/** Whether two flows have the same axes but for one. */
function isAlike(a: Flow, b: Flow, axis: number): boolean {
  return (
    a.axes.length === b.axes.length &&
    a.axes.every((group, place) => place === axis || keyOf(group) === keyOf(b.axes[place]!))
  );
}

/** Blocks of both directions, which still have an axis of their own: [T, 2, B, D] and so on → [T, 2, B, N·D]. */
function joinDirections(walk: Walk, node: Node, flows: readonly Flow[], axis: number): Flow | undefined {
  const [first] = flows as [Flow];
  const { chain } = first;
  if (chain?.kind !== 'recurrent' || chain.parts[0]!.directions.length === 1) return undefined;
  const { units } = chain.parts[0]!;
  const two = first.axes.findIndex((group) => keyOf(group) === `${features}:2:${units}`);
  const fits = flows.every(
    (flow) => isAlike(flow, first, axis) && keyOf(flow.axes[axis]!) === keyOf(axisOf(features, units)),
  );
  if (two < 0 || two === axis || !fits) return undefined;
  const size = flows.length * units;
  if (2 * size > maxSize) return undefined;
  const blocks = joinBlocks(walk, node, flows, 2 * size, 2);
  if (blocks === undefined) return undefined;
  const axes = [...first.axes];
  axes[two] = [{ axis: features, size: 2, stride: size }];
  axes[axis] = axisOf(features, size);
  return { kind: 'flow', axes, chain: blocks, width: 2 * size, from: 0, isIds: false };
}

/** Neighbours that are neighbours where they come from too, as one. */
function mend(walk: Walk, flows: readonly Flow[]): Flow[] {
  const mended: Flow[] = [];
  for (const flow of flows) {
    const last = mended.at(-1);
    if (
      last !== undefined &&
      last.chain === flow.chain &&
      isCut(walk, flow) &&
      last.from + last.width! === flow.from
    )
      mended[mended.length - 1] = { ...last, width: last.width! + flow.width! };
    else mended.push(flow);
  }
  return mended;
}

type Recurrent = Extract<Link, { kind: 'recurrent' }>;

function joinBlocks(
  walk: Walk,
  node: Node,
  flows: readonly Flow[],
  width: number,
  directions: number,
): Link | undefined {
  const links: Recurrent[] = [];
  for (const flow of flows) {
    const { chain } = flow;
    if (chain?.kind !== 'recurrent' || isCut(walk, flow) || chain.parts.length !== 1) return undefined;
    if (chain.parts[0]!.directions.length !== directions) return undefined;
    const [one = chain] = links;
    const isBlock =
      chain.parts[0]!.base === one.parts[0]!.base &&
      chain.time === one.time &&
      chain.batch === one.batch &&
      chain.hasLengths === one.hasLengths &&
      isSameCell(chain.parts[0]!, one.parts[0]!) &&
      !links.includes(chain);
    if (!isBlock) return undefined;
    links.push(chain);
  }
  const [{ time, batch, hasLengths, parts, sources }] = links as [Recurrent];
  const isOneInput = links.every(
    (link) => link.sources[0] === sources[0] && link.sources.length === sources.length,
  );
  const { base } = parts[0]!;
  const read: readonly Source[] = isOneInput ? sources : sourcesOf(base);
  const all = links.map((link) => (isOneInput ? { ...link.parts[0]!, from: 0 } : link.parts[0]!));
  const shared = { kind: 'recurrent', time, batch, hasLengths, apart: links } as const;
  return walk.link(node, width, read, { ...shared, parts: all });
}

function isSameCell(a: Part, b: Part): boolean {
  return (
    a.kind === b.kind &&
    a.units === b.units &&
    a.directions.join() === b.directions.join() &&
    JSON.stringify(a.fields) === JSON.stringify(b.fields)
  );
}
