// What graphs and the wider family of cells take beside the kernels that run plain stacks; src/wasm/family-registry.ts
// describes each.
export * from './index';

export { function_f32 } from './math/functions';
