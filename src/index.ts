/** The front door for any runtime: nothing here touches a file system; its threads are web workers. */
import type { ModelSpec } from './model/spec.js';
import type { Tensors } from './model/tensors.js';
import type { Model } from './session/model.js';
import { type LoadOptions, type ModelOptions, openDoor } from './session/open.js';
import { type WebSource, webPlatform } from './web.js';

export * from './public.js';
/** Where a model can come from; a string is a URL. */
export type Source = WebSource;

// Pure, so that who imports a reader of files alone does not get the runtime with it.
const door = /* @__PURE__ */ openDoor(/* @__PURE__ */ webPlatform());

/**
 * Loads a model: a `.safetensors` file of this package; or a PyTorch state dict or an ONNX file, in which block structure
 * is found.
 * @param source a URL, bytes, a Blob or a Response
 * @throws FormatError, UnsupportedError, MismatchError, AbortError; TypeError and RangeError for wrong options
 */
export function loadModel(source: Source, options?: LoadOptions): Promise<Model> {
  return door.loadModel(source, options);
}

/**
 * Makes a model from code.
 * @param spec layers as plain data
 * @param tensors by name, with the shapes that the spec implies
 * @throws TypeError, RangeError for a wrong spec; MismatchError when spec and tensors disagree
 */
export function createModel(spec: ModelSpec, tensors: Tensors, options?: ModelOptions): Promise<Model> {
  return door.createModel(spec, tensors, options);
}
