import { loadModel } from 'blockrnn';
import { openShare } from 'blockrnn/worklet';
import { Recognizer } from '../audio/recognizer.js';

/** In the page: a node of an audio graph that hears what is connected to it, and tells `heard`. */
export async function openListener(context, url, heard) {
  const model = await loadModel(url);
  const share = await model.share(); // for the audio thread: its own memory, its own state
  await context.audioWorklet.addModule('./audio/listen.worklet.js');
  const options = { channelCount: 1, channelCountMode: 'explicit', processorOptions: { share } };
  const node = new AudioWorkletNode(context, 'listen', options);
  node.port.onmessage = ({ data }) => heard(data);
  return { node, model, share };
}

/** In the worklet: sound becomes log-mel frames, 100 in a second, and each of them a `session.step`. */
export function openRecognizer(share) {
  return new Recognizer(openShare(share).session());
}
