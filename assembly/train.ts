// What training takes beside the kernels that run; src/wasm/train-registry.ts describes each.
export * from './index';
