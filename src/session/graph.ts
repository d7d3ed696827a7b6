/**
 * What graphs need beside what plain stacks do: planning, packing and binding of any model. It is a chunk of its own, which
 * comes with the first model that is no plain stack.
 */
export { bindGraph as bindStage } from '../engine/graph.js';
export { graph as packer } from '../pack/graph.js';
