/** What a program for Deno says, with a specifier of its own. */
import { loadModel } from 'npm:blockrnn';
import { digest } from './draw.mjs';

const threads = Number(Deno.args[0]);
const model = await loadModel('demo/shakespeare-block8.safetensors', { kernels: 'simd', threads });
const { y } = await model.run(Int32Array.of(1, 2, 3, 4, 5));
console.log(JSON.stringify({ threads: model.threads, digest: digest(y) }));
model.dispose();
