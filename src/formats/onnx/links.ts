import { maxSize } from '../../model/given.js';
import { type Axis, joined } from './axes.js';
import type { Node } from './proto.js';
import { type Flow, type Link, type LinkKind, type Source, unsupported } from './values.js';
import type { Walk } from './walk.js';

/** What layers read: all that another gives, a part of it, or several side by side. */

export function isCut(walk: Walk, { chain, from, width }: Flow): boolean {
  return from !== 0 || width !== (chain === undefined ? walk.width : chain.width);
}

/** The layers whose features are side by side in what a link gives. */
export function sourcesOf(link: Source): readonly Source[] {
  return link?.kind === 'concat' ? link.sources : [link];
}

/** That which gives the features of a flow and no others; a layer that cuts them out where there was none. */
export function sourceOf(walk: Walk, node: Node, flow: Flow): Source {
  const { chain, from, cutBy = node } = flow;
  if (!isCut(walk, flow)) return chain;
  const width = widthOf(node, flow);
  if (chain?.kind === 'concat') {
    let start = 0;
    for (const inner of chain.sources) {
      const size = inner === undefined ? walk.width! : inner.width;
      if (from >= start && from + width <= start + size)
        return sourceOf(walk, node, { ...flow, chain: inner, from: from - start });
      start += size;
    }
  }
  const inputSize = chain === undefined ? walk.width! : chain.width;
  return walk.once(`${chain?.id ?? ''}:${from}:${width}`, () =>
    walk.link(cutBy, width, sourcesOf(chain), { kind: 'slice', inputSize, from, to: from + width }),
  );
}

/** The same where only one layer can be read: several side by side become one. */
export function singleOf(walk: Walk, node: Node, flow: Flow): Source {
  const source = sourceOf(walk, node, flow);
  return source?.kind === 'concat' ? asLayer(walk, source) : source;
}

/** Several layers side by side as a layer that gives what they give. */
export function asLayer(walk: Walk, { id, node, width, sources }: Link): Link {
  return walk.once(`${id}`, () =>
    walk.link(node, width, sources, { kind: 'activation', activation: 'identity' }),
  );
}

/** A flow that has gone through a layer which keeps its features apart. */
export function through(walk: Walk, node: Node, flow: Flow, kind: LinkKind): Flow {
  return after(walk, node, flow, sourcesOf(sourceOf(walk, node, flow)), kind);
}

/** The same with what the layer reads in place of the flow. */
export function after(walk: Walk, node: Node, flow: Flow, sources: readonly Source[], kind: LinkKind): Flow {
  const width = widthOf(node, flow);
  if (flow.isIds) throw unsupported(node, 'it computes with ids', 'input');
  const { axes, isIds } = flow;
  return { kind: 'flow', axes, chain: walk.link(node, width, sources, kind), width, from: 0, isIds };
}

/** Features of a flow. @throws UnsupportedError when the input does not say how many it has */
export function widthOf(node: Node, { width }: Flow): number {
  if (width === undefined)
    throw unsupported(node, 'the graph does not say how many features it has', 'input shape');
  if (width > maxSize) throw unsupported(node, `there are more than ${maxSize} features`, 'input shape');
  return width;
}

/** Whether one node was written as a part of the layer of another, as encodeOnnx names them. */
export function isPartOf(inner: Node, { name }: Node): boolean {
  return name !== '' && inner.name.startsWith(`${name}/`);
}

/** Tells axes apart. */
export function keyOf(axis: Axis): string {
  return joined(axis)
    .map(({ axis: name, size, stride }) => `${name}:${size}:${stride}`)
    .join();
}

/** The axes of two flows whose elements meet one by one; undefined where one would have to be repeated. */
export function commonAxes(a: readonly Axis[], b: readonly Axis[]): readonly Axis[] | undefined {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const offset = long.length - short.length;
  const fits = long.every((axis, place) => keyOf(axis) === keyOf(short[place - offset] ?? []));
  return fits ? long : undefined;
}
