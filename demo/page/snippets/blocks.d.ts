import type { Model, ModelOptions, Tensor } from 'blockrnn';

export function openLayer(
  hidden: number,
  blocks: number,
  draw: (shape: number[]) => Tensor,
  options?: ModelOptions,
): Promise<Model>;

export function time(model: Model, x: Float32Array, steps: number): Promise<number>;
