/** The front door for any runtime: nothing here touches a file system; its threads are web workers. */
import { openDoor } from './session/open.js';
import { type WebSource, webPlatform } from './web.js';

export * from './public.js';
export type Source = WebSource;

/**
 * Loads a model: a `.safetensors` file of this package, or a PyTorch state dict, in which block structure is found.
 * @param source a URL, bytes, a Blob or a Response
 * @throws FormatError, UnsupportedError, MismatchError, AbortError; TypeError and RangeError for wrong options
 */
export const loadModel = openDoor(webPlatform).loadModel;

/**
 * Makes a model from code.
 * @param spec layers as plain data
 * @param tensors by name, with the shapes that the spec implies
 * @throws TypeError, RangeError for a wrong spec; MismatchError when spec and tensors disagree
 */
export const createModel = openDoor(webPlatform).createModel;
