import type { Model, ModelShare } from 'blockrnn';
import type { Recognizer } from '../audio/recognizer.js';

/** @param heard gets records, one after the other, as audio/recognizer.ts describes them */
export function openListener(
  context: BaseAudioContext,
  url: string,
  heard: (records: Float32Array) => void,
): Promise<{ node: AudioWorkletNode; model: Model; share: ModelShare }>;

export function openRecognizer(share: ModelShare): Recognizer;
