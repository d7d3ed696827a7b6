import { type Arena, createArena } from '../memory/arena.js';
import type { LayerSpec, ModelSpec } from '../model/spec.js';
import type { TensorReader } from '../model/tensors.js';
import type { Kernels } from '../wasm/registry.js';
import type { Staging } from './panels.js';
import { type PlanLayers, planProgram } from './plan.js';
import type { Op, Program } from './program.js';
import { lanes } from './rows.js';
import { placeTable } from './table.js';

/**
 * Floats that are staged at a time, unless rows are longer: what stays in a near cache. A page that is touched for the
 * first time costs more than to pack what it holds.
 */
const stagingFloats = 2 ** 14;

/** A model's program, the memory in which its weights lie packed, and kernels over it. */
export interface PackedModel {
  program: Program;
  arena: Arena;
  kernels: Kernels;
}

/** A model whose weights are being packed. */
export interface Packing extends PackedModel {
  read: TensorReader;
  staging: Staging;
}

/** How models of one sort are packed: plain stacks, or graphs, which are all models. */
export interface Packer {
  planLayers: PlanLayers;
  /** Writes the weights of an operation. */
  placeOp(layer: LayerSpec, op: Op, packing: Packing): Promise<void>;
}

/**
 * Packs a checked model: plans its memory, makes it, writes the weights.
 * @param spec as checkSpec returns it
 * @param read gives exactly the tensors that the spec implies, piece by piece
 * @param open instantiates the kernels over a memory
 * @param packer for models of its sort
 */
export async function packModel(
  spec: ModelSpec,
  read: TensorReader,
  workers: number,
  shared: boolean,
  open: (memory: WebAssembly.Memory) => Kernels,
  { planLayers, placeOp }: Packer,
): Promise<PackedModel> {
  const program = planProgram(spec, workers, planLayers);
  const arena = createArena(program.bytes, shared);
  const packed = { program, arena, kernels: open(arena.memory) };
  placeTable(arena.f32, program.constants / 4);
  const staging = stagingOf(program);
  for (const op of program.ops) await placeOp(spec.layers[op.layer]!, op, { ...packed, read, staging });
  arena.f32.fill(0, staging.address / 4, staging.address / 4 + staging.floats);
  return packed;
}

/** The first activations of a run: the plan gives them room for eight of the longest rows at least. */
function stagingOf({ run }: Program): Staging {
  const room = run.activationFloats;
  const longest = room / run.rows;
  return { address: run.activations[0]!, floats: Math.min(room, Math.max(stagingFloats, longest * lanes)) };
}
