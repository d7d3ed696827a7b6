// What graphs and the wider family of cells take beside the kernels that run plain stacks; src/wasm/family-registry.ts
// describes each.
export * from './index';

export { combine_f32, copy_f32, scale_f32 } from './math/combine';
export { norm_f32 } from './math/norm';
export { function_f32 } from './math/functions';
export { recurrent_strips_step_f32 } from './strips/step';
export { strips_f32 } from './strips/strips';
export { strips_f32_16x1, strips_f32_4x4, strips_f32_8x4 } from './strips/tile';
