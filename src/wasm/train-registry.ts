import type { KernelName } from './registry.js';

/** What each kernel of training takes, in order; as in registry.ts. Its binaries have the kernels that run, too. */
export const trainRegistry = {} as const;

export type TrainKernelName = keyof typeof trainRegistry;

/** The exports of one instance, all taking numbers and returning nothing. */
export type TrainKernels = Readonly<Record<KernelName | TrainKernelName, (...args: number[]) => void>>;
