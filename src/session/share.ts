import { ArgumentTypeError, UnsupportedError } from '../base/errors.js';
import { object, show } from '../base/guards.js';
import { bindProgram } from '../engine/engine.js';
import { bindGraph } from '../engine/graph.js';
import { type Arena, createArena, openArena } from '../memory/arena.js';
import type { ModelSpec } from '../model/spec.js';
import type { Program } from '../pack/program.js';
import { openControl, takeMemory } from '../schedule/control.js';
import type { KernelSet } from '../wasm/features.js';
import { instantiateNow } from '../wasm/instance-now.js';
import { Session, type SessionOptions } from './session.js';
import { Stepper } from './stepper.js';

/**
 * A packed model as plain data for another thread: postMessage and processorOptions take it. What is in it is for
 * `openShare` alone.
 *
 * It has a memory of its own, not the model's: kernels step in a frame at fixed addresses, and two threads in one
 * frame would spoil each other's states. It is small: weights and one step frame, without what `run` needs. Where
 * memory can be shared it is shared, so that it travels and opens without a copy of the weights, which an audio thread
 * has no time for; then only one thread can open it. Elsewhere the weights travel as bytes, and every thread makes a
 * memory for them.
 */
export interface ModelShare {
  /** the model's */
  readonly spec: ModelSpec;
  /** the model's */
  readonly vocab: readonly number[] | undefined;
  /** the model's */
  readonly kernels: KernelSet;
  /** the compiled kernels */
  readonly module: WebAssembly.Module;
  /** where everything lies in the memory */
  readonly program: Program;
  /** all of the memory, shared; or bytes [program.constants, program.constants + weights.byteLength) of it */
  readonly memory: WebAssembly.Memory | undefined;
  /** those bytes, where memory is not shared */
  readonly weights: ArrayBuffer | undefined;
}

/** What can be done with a model in another thread. Made by `openShare`. */
export interface SharedModel {
  /** the model's, with the blocks that were found */
  readonly spec: ModelSpec;
  /** id → byte, of a byte-level model whose file has its vocabulary */
  readonly vocab: readonly number[] | undefined;
  /** which binary runs */
  readonly kernels: KernelSet;
  /** Opens B streams that are stepped frame by frame, as `model.session` does; its `run` is not supported. */
  session(options?: SessionOptions): Session;
}

/**
 * Opens a share in the calling thread: at once, in any kind of worklet or worker.
 * @param share what `model.share()` gave, after its way through postMessage or processorOptions
 * @throws TypeError for what is no share, or when another thread has opened it
 */
export function openShare(share: ModelShare): SharedModel {
  object(share, 'share');
  const { spec, vocab, kernels, module, program, weights } = share;
  if (!(module instanceof WebAssembly.Module) || program === null || typeof program !== 'object') {
    throw new ArgumentTypeError(`share must be what model.share() gives, got ${show(share)}.`);
  }
  const arena = openMemory(share);
  if (!takeMemory(openControl(arena.i32, program.control))) {
    throw new ArgumentTypeError(
      'another thread has opened this share; call model.share() once for each.',
      'ERR_BUSY',
    );
  }
  if (weights !== undefined)
    new Uint8Array(arena.memory.buffer).set(new Uint8Array(weights), program.constants);
  const own = instantiateNow(module, arena.memory);
  // Where a share is opened nothing can be imported later, so what graphs need is here.
  const runner = bindProgram(own, arena.memory, program, program.step, 0, 1, bindGraph);
  const host = {
    program,
    stepper: new Stepper(arena, program, runner),
    checkAlive: () => {},
    run: () =>
      Promise.reject(
        new UnsupportedError('a shared model has no run: step its sessions, or run the model itself.', 'run'),
      ),
  };
  return { spec, vocab, kernels, session: (options = {}) => new Session(host, options) };
}

function openMemory({ memory, weights, program }: ModelShare): Arena {
  if (memory === undefined) {
    if (!(weights instanceof ArrayBuffer) || program.constants + weights.byteLength > program.bytes) {
      throw new ArgumentTypeError('this share has not arrived whole: its weights are missing.');
    }
    return createArena(program.bytes, false);
  }
  if (!(memory instanceof WebAssembly.Memory) || memory.buffer.byteLength < program.bytes) {
    throw new ArgumentTypeError('this share has not arrived whole: its memory is missing.');
  }
  return openArena(memory, true);
}
