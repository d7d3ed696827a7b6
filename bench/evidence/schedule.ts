/** Part of a run in which the rate grows to its highest, and what is left of it at the end. */
const warmUp = 0.05;
const rest = 0.01;

/**
 * The learning rate at a step: it grows in a line over the first twentieth, and falls along half a cosine to a
 * hundredth (Loshchilov and Hutter 2017). So every run of the same number of steps has the same, and the last weights
 * are to be taken.
 * @param total steps of the run
 */
export function rateAt(step: number, total: number, highest: number): number {
  const done = Math.min(step / Math.max(1, total), 1);
  if (done < warmUp) return highest * Math.max(done / warmUp, 1 / Math.max(1, total * warmUp));
  const fall = (done - warmUp) / (1 - warmUp);
  return highest * (rest + (1 - rest) * 0.5 * (1 + Math.cos(Math.PI * fall)));
}
