/** What every front door has beside its own loadModel and createModel. */
export {
  AbortError,
  type ErrorCode,
  FormatError,
  MismatchError,
  UnsupportedError,
  WorkerError,
} from './base/errors.js';
export { encodeModel } from './formats/native.js';
export { type NpyArray, readNpy, writeNpy } from './formats/npy.js';
export { type ReadModelOptions, readModel } from './formats/read.js';
export {
  type ReadTensor,
  readSafetensors,
  type Safetensors,
  type SafetensorsOptions,
  writeSafetensors,
} from './formats/safetensors.js';
export { type SparsifyOptions, sparsify } from './formats/strips.js';
export type { Func, FunctionName } from './model/functions.js';
export type {
  ActivationSpec,
  CombineSpec,
  CommonLayerSpec,
  ConvSpec,
  DelaySpec,
  Direction,
  ElmanSpec,
  EmbeddingSpec,
  GruSpec,
  LayerSpec,
  LinearSpec,
  LnGruSpec,
  LnLstmSpec,
  LstmSpec,
  ModelSpec,
  NormSpec,
  QrnnSpec,
  RecurrentLayerSpec,
  ScaleSpec,
  SliceSpec,
  SlstmSpec,
  SruSpec,
  StripShape,
  StripsSpec,
} from './model/spec.js';
export type { ModelFile, Tensor, Tensors } from './model/tensors.js';
export type { CrewWorker } from './schedule/web-workers.js';
export type { Input, RunOptions } from './session/input.js';
export type { Model } from './session/model.js';
export type { LoadOptions, LoadProgress, ModelOptions } from './session/open.js';
export type { RunResult } from './session/run.js';
export type { Session, SessionOptions } from './session/session.js';
export type { ModelShare } from './session/share.js';
export type { LayerState, State } from './session/state.js';
export type { Frames, StreamOptions } from './session/stream.js';
export { availableKernels, type BinaryName, type KernelSet } from './wasm/features.js';
