import { Worker } from 'node:worker_threads';
import type { CrewWorker } from '#dist/schedule/web-workers.js';

const post = new URL('../../dist/schedule/web-post.js', import.meta.url).href;

/**
 * A thread of Node with the face of a web worker, inside and out, that runs the crew's script.
 * @param before code that it runs first
 */
export function startWebWorker(before = ''): CrewWorker & { thread: Worker } {
  const thread = new Worker(
    `const { parentPort } = require('node:worker_threads');
     globalThis.postMessage = (data) => parentPort.postMessage(data);
     globalThis.addEventListener = (type, listen) => parentPort.on(type, (data) => listen({ data }));
     ${before}
     import(${JSON.stringify(post)});`,
    { eval: true },
  );
  return {
    thread,
    postMessage: (data) => thread.postMessage(data),
    terminate: () => thread.terminate(),
    addEventListener(type, listener) {
      if (type === 'message') thread.on('message', (data) => listener({ data }));
      if (type === 'error') thread.on('error', (error) => listener({ error }));
    },
  };
}
