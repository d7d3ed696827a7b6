/**
 * The door for threads that have next to nothing, audio worklets above all: it opens what `model.share()` gives, at
 * once, and none of its modules touches fetch, URL, TextDecoder, performance, timers or atob.
 */
export type { Input } from './session/input.js';
export type { Session, SessionOptions } from './session/session.js';
export { type ModelShare, openShare, type SharedModel } from './session/share.js';
export type { State } from './session/state.js';
