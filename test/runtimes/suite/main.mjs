/** Runs the suite in a runtime with a command line and prints what came of it as one line of JSON. */
import process from 'node:process';
import { runSuite } from './suite.mjs';

const [source, threads] = process.argv.slice(2);
const wasm = new URL(import.meta.resolve('blockrnn/wasm/simd.wasm'));
const report = await runSuite({ source, wasm, threads: threads === 'threads' });
console.log(`report ${JSON.stringify(report)}`);
