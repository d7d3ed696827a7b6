/** What a web worker that runs models runs. */
import { bindProgram } from '../engine/engine.js';
import { bindGraph } from '../engine/graph.js';
import type { Program } from '../pack/program.js';
import { instantiateNow } from '../wasm/instance-now.js';
import { takeWebPost } from './web-shift.js';

takeWebPost<Program>(({ module, memory, program, k, n }) =>
  bindProgram(instantiateNow(module, memory), memory, program, program.run, k, n, bindGraph),
);
