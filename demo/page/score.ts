import type { Writer } from './snippets/write.js';

/** ms after which the page may draw. */
const slice = 12;

/** Bits per character of a text that a model reads from its beginning; the first it does not have to guess. */
export async function scoreText({ model, ids }: Writer, text: string): Promise<number> {
  const session = model.session();
  const known = [...new TextEncoder().encode(text)].flatMap((byte) => ids.get(byte) ?? []);
  let nats = 0;
  let start = performance.now();
  for (let t = 0; t + 1 < known.length; t++) {
    const logits = session.step(Int32Array.of(known[t]!));
    nats -= logProbability(logits, known[t + 1]!);
    if (performance.now() - start < slice) continue;
    await new Promise((resolve) => setTimeout(resolve));
    start = performance.now();
  }
  return nats / Math.LN2 / (known.length - 1);
}

function logProbability(logits: Float32Array, id: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of logits) most = Math.max(most, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return (logits[id] ?? Number.NaN) - most - Math.log(sum);
}
