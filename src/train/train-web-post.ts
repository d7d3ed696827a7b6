/** What a web worker that trains runs; see schedule/web-post.ts, whose words it speaks. */
import { takeWebPost } from '../schedule/web-shift.js';
import { instantiateNow } from '../wasm/instance-now.js';
import type { TrainKernels } from '../wasm/train-registry.js';
import { bindTraining } from './passes/engine.js';
import type { TrainProgram } from './plan/program.js';

takeWebPost<TrainProgram>(({ module, memory, program, k, n }) =>
  bindTraining(instantiateNow(module, memory) as TrainKernels, program, memory, k, n),
);
