import type { LayerSpec } from '../../model/spec.js';
import type { Tensors } from '../../model/tensors.js';

/** A layer without its name and inputs, of any kind; sums and products have more to read than one layer. */
type Fields = {
  [K in LayerSpec['kind']]: Omit<Extract<LayerSpec, { kind: K }>, 'name' | 'inputs'>;
}[LayerSpec['kind']];

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
    const wired = inputs.length === 0 ? {} : { inputs: [...inputs] };
    const layer: LayerSpec =
      fields.kind === 'combine' ? { ...fields, name, inputs: [...inputs] } : { ...fields, name, ...wired };
    this.layers.push(layer);
    for (const [end, tensor] of Object.entries(tensors)) this.tensors[`${name}.${end}`] = tensor;
    return name;
  }
}
