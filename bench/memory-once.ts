// memory-once.js LARGE HIDDEN SMALL HIDDEN: loads and steps both; prints peak and growth as JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import { loadModel } from 'blockrnn';

const [large, largeSize, small, smallSize] = process.argv.slice(2);

/** bytes of a line of /proc/self/status */
function status(name: string): number {
  const line = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]) * 1024;
}

async function open(file: string, size: number) {
  const model = await loadModel(file);
  const session = model.session();
  const x = new Float32Array(size).fill(0.1);
  const y = new Float32Array(size);
  session.step(x, y);
  return () => session.step(x, y);
}

// Everything that is loaded once, whatever the model.
const step = await open(small!, Number(smallSize));
globalThis.gc!();
writeFileSync('/proc/self/clear_refs', '5');
const before = status('VmRSS');
await open(large!, Number(largeSize));
const peak = status('VmHWM') - before;

const steps = 1_000_000;
for (let i = 0; i < 10_000; i++) step();
// What the load has left behind is given back in its own time.
for (let i = 0; i < 5; i++) {
  globalThis.gc!();
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const settled = status('VmRSS');
for (let i = 0; i < steps; i++) step();
globalThis.gc!();
const grown = status('VmRSS') - settled;
process.stdout.write(JSON.stringify({ peak, grown, steps }), () => process.exit(0));
