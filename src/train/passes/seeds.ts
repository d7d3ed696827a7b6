/** What is drawn of a layer in a step. */
const uses = { dropout: 0, zoneout: 1, zoneoutCell: 2 } as const;

/**
 * The seed of one use in one layer, out of a step's own. They are 2^30 layers apart.
 * @param step the order's seed
 */
export function seedOf(step: number, layer: number, use: keyof typeof uses): number {
  return (step + Math.imul(layer + 1 + uses[use] * 2 ** 30, 0x9e3779b9)) >>> 0;
}
