import { untilAborted } from './base/abort.js';
import { ArgumentTypeError, FormatError } from './base/errors.js';
import { show } from './base/guards.js';
import { haveWebWorkers, hireWebWorkers } from './schedule/web-workers.js';
import type { LoadProgress, Platform, ReadOptions } from './session/open.js';

/** Where a model can come from in any runtime; a string is a URL. */
export type WebSource = string | URL | ArrayBuffer | Uint8Array | Blob | Response;

/** Sources that need no file system; threads where there are web workers. */
export function webPlatform(): Platform<WebSource> {
  return {
    read: readWeb,
    addressOf,
    hire: haveWebWorkers() ? hireWebWorkers() : undefined,
    cores: () => globalThis.navigator?.hardwareConcurrency ?? 1,
  };
}

/**
 * All bytes of a source.
 * @throws FormatError when a server does not answer with success; TypeError for what is no source, and when no server
 *   answers
 */
export async function readWeb(source: WebSource, options: ReadOptions = {}): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return new Uint8Array(await source.arrayBuffer());
  if (typeof Response !== 'undefined' && source instanceof Response) return readResponse(source, options);
  if (typeof source === 'string' || source instanceof URL) {
    const { signal } = options;
    const response = await fetch(source, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
      // Its own message names no address.
      throw new TypeError(`${source} could not be fetched: ${(cause as Error)?.message}`, { cause });
    });
    return readResponse(response, options, String(source));
  }
  throw new ArgumentTypeError(
    `a model comes from a path, a URL, a Uint8Array, an ArrayBuffer, a Blob or a Response; got ${show(source)}.`,
  );
}

/** The address of a source that comes from a server. */
export function addressOf(source: WebSource): string | undefined {
  if (typeof source === 'string' || source instanceof URL) return String(source);
  // Asked before Response, which Node loads, for 20 ms, when it is named for the first time.
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return undefined;
  if (typeof Response !== 'undefined' && source instanceof Response) return source.url || undefined;
  return undefined;
}

async function readResponse(
  response: Response,
  { signal, onProgress }: ReadOptions,
  address = response.url || 'the server',
): Promise<Uint8Array> {
  if (!response.ok) {
    throw new FormatError(`${address} answered ${`${response.status} ${response.statusText}`.trim()}.`);
  }
  if (response.body === null || (onProgress === undefined && signal === undefined)) {
    return new Uint8Array(await response.arrayBuffer());
  }
  const reader = response.body.getReader();
  try {
    return await readChunks(reader, totalOf(response), signal, onProgress);
  } catch (error) {
    // Nobody waits for a server that may never answer.
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  expected: number | undefined,
  signal: AbortSignal | undefined,
  onProgress: LoadProgress | undefined,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await untilAborted(reader.read(), signal);
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    onProgress?.(loaded, expected !== undefined && loaded <= expected ? expected : undefined);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** What the server says of the length; of a compressed body it says another length than arrives. */
function totalOf({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}
