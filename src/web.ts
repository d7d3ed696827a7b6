import { ArgumentTypeError, FormatError } from './base/errors.js';
import { show } from './base/guards.js';
import type { Platform } from './session/open.js';

/** Where a model can come from in any runtime; a string is a URL. */
export type WebSource = string | URL | ArrayBuffer | Uint8Array | Blob | Response;

/** Sources that need no file system; no threads. */
export const webPlatform: Platform<WebSource> = { read: readWeb, hire: undefined, cores: () => 1 };

/**
 * All bytes of a source.
 * @throws FormatError when a server does not answer with success; TypeError for what is no source
 */
export async function readWeb(source: WebSource, signal?: AbortSignal): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof Blob !== 'undefined' && source instanceof Blob)
    return new Uint8Array(await source.arrayBuffer());
  if (typeof Response !== 'undefined' && source instanceof Response) return readResponse(source);
  if (typeof source === 'string' || source instanceof URL) {
    return readResponse(await fetch(source, signal === undefined ? {} : { signal }));
  }
  throw new ArgumentTypeError(
    `a model comes from a path, a URL, a Uint8Array, an ArrayBuffer, a Blob or a Response; got ${show(source)}.`,
  );
}

async function readResponse(response: Response): Promise<Uint8Array> {
  if (!response.ok) {
    throw new FormatError(
      `${response.url || 'the server'} answered ${response.status} ${response.statusText}.`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}
