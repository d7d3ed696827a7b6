import type { LayerSpec } from '../../model/spec.js';
import type { Tensors } from '../../model/tensors.js';

/** A layer without its name and inputs; of every kind that a spec may have, also those that a release lacks. */
type Fields = { kind: string } & Record<string, unknown>;

/** Layers one after the other, with their tensors. */
export class GraphBuilder {
  readonly layers: LayerSpec[] = [];
  readonly tensors: Tensors = {};

  /**
   * Appends a layer.
   * @param inputs what it reads; [] for the layer before it
   * @param tensors by the ends of their names
   * @returns its name
   */
  add(name: string, fields: Fields, inputs: readonly string[], tensors: Tensors = {}): string {
    const { kind, ...own } = fields;
    const wired = inputs.length === 0 ? {} : { inputs: [...inputs] };
    this.layers.push({ kind, name, ...own, ...wired } as unknown as LayerSpec);
    for (const [end, tensor] of Object.entries(tensors)) this.tensors[`${name}.${end}`] = tensor;
    return name;
  }
}
