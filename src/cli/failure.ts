import { UsageError } from './usage-error.js';

/** What went wrong with one file: the cause's message behind the file's path. */
export class FileError extends Error {
  override readonly name = 'FileError';
  constructor(
    readonly path: string,
    override readonly cause: unknown,
  ) {
    super(`${path}: ${explain(cause)}`);
  }
}

/** Does something with a file; what is thrown then names it. */
export async function about<T>(path: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof UsageError || cause instanceof FileError) throw cause;
    throw new FileError(path, cause);
  }
}

/** An error as a program reads it: { error: { code, message, … } }. */
export function errorObject(error: unknown): { error: Record<string, unknown> } {
  const source = error instanceof FileError ? error.cause : error;
  const fields = source !== null && typeof source === 'object' ? (source as Record<string, unknown>) : {};
  const found: Record<string, unknown> = {
    code: typeof fields.code === 'string' ? fields.code : 'ERR_INTERNAL',
    message: messageOf(error),
  };
  if (error instanceof FileError) found.file = error.path;
  for (const key of ['tensor', 'offset', 'feature']) if (fields[key] !== undefined) found[key] = fields[key];
  return { error: found };
}

/** An error as one line for people, with the cure of a wrong command line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof UsageError)) return explain(error);
  const help = error.command === undefined ? 'blockrnn --help' : `blockrnn ${error.command} --help`;
  return `${error.message}. See: ${help}`;
}

const systemMessages: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'this is a folder, not a file',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
};

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, tensor, offset } = error as Error & { code?: string; tensor?: string; offset?: number };
  if (error instanceof FileError) return error.message;
  const known = code === undefined ? undefined : systemMessages[code];
  if (known !== undefined) return `${known}.`;
  const message = error.message.replace(/\s*\n\s*/g, ' ');
  const where: string[] = [];
  if (tensor !== undefined && !message.includes(tensor)) where.push(`tensor ${JSON.stringify(tensor)}`);
  if (offset !== undefined && !new RegExp(`\\bbyte ${offset}\\b`).test(message)) where.push(`byte ${offset}`);
  return where.length === 0 ? message : `${message} (${where.join(', ')})`;
}
