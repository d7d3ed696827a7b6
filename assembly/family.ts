// What graphs and the wider family of cells take beside the kernels that run plain stacks; src/wasm/family-registry.ts
// describes each.
export * from './index';

export { combine_f32, copy_f32, scale_f32 } from './math/combine';
export { norm_f32 } from './math/norm';
export { function_f32 } from './math/functions';
