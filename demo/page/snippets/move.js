import { loadModel } from 'blockrnn';
import { points } from '../motion/path.js';

export const gestures = ['stop', 'clockwise', 'counter-clockwise', 'move'];

/** Opens a network that gives each gesture's probability for the last 16 positions of a fingertip. */
export async function openNamer(url) {
  const model = await loadModel(url);
  return async (path) => {
    const { y } = await model.run(path.read(), { steps: points });
    const powers = Array.from(y.slice(-gestures.length), Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };
}
