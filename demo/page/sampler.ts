/** Draws an id from logits, every probability to the power 1/temperature; the likeliest at temperature 0. */
export function sample(logits: Float32Array, temperature: number): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  if (temperature === 0) return best;
  const weight = (i: number) => Math.exp((logits[i] - logits[best]) / temperature);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += weight(i);
  let rest = Math.random() * sum;
  for (let i = 0; i < logits.length; i++) if ((rest -= weight(i)) < 0) return i;
  return best;
}
