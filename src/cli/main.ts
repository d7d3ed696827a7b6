#!/usr/bin/env node
import { runCli } from './cli.js';
import { openTerminal } from './terminal.js';

const controller = new AbortController();
// Once only: a second Ctrl-C ends a process that does not listen.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(name));

process.exitCode = await runCli(process.argv.slice(2), openTerminal(), controller.signal);
