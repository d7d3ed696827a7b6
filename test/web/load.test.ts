import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as web from '#dist/index.js';
import { encodeModel, type ModelSpec } from '#dist/index.js';
import * as node from '#dist/node.js';
import { draw, errorFrom, layerOf, sceneOf } from '../session/draw.js';

const spec: ModelSpec = { layers: [layerOf('lstm', 'a', 64, 128, 2)] };
const file = encodeModel({ spec, tensors: draw(spec, sceneOf()).tensors });
let server: Server;
let origin: string;
let closed: Promise<void>;

beforeAll(async () => {
  server = createServer((request, response) => {
    switch (request.url) {
      case '/model':
        response.writeHead(200, { 'content-length': file.length }).end(file);
        break;
      case '/unknown-length':
        response.write(file.subarray(0, 1000));
        response.end(file.subarray(1000));
        break;
      case '/gzip': {
        const body = gzipSync(file);
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
        break;
      }
      case '/page':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><p>Sign in');
        break;
      case '/stuck':
        response.writeHead(200, { 'content-length': file.length });
        response.write(file.subarray(0, 1000));
        closed = new Promise((resolve) => response.on('close', () => resolve()));
        break;
      default:
        response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe.each([
  ['index', web.loadModel],
  ['node', node.loadModel],
])('loadModel of %s', (_, loadModel) => {
  test.each([
    ['/model', true],
    ['/unknown-length', false],
    ['/gzip', false],
  ])('tells of its progress: %s', async (path, isKnown) => {
    for (const source of [`${origin}${path}`, new URL(path, origin), await fetch(origin + path)]) {
      const calls: [number, number | undefined][] = [];
      using model = await loadModel(source, { onProgress: (...call) => void calls.push(call) });
      expect(model.spec).toEqual(spec);
      expect(calls.at(-1)).toEqual([file.length, file.length]);
      for (const [index, [loaded, total]] of calls.slice(0, -1).entries()) {
        expect(loaded).toBeLessThanOrEqual(calls[index + 1]![0]);
        expect(total).toBe(isKnown ? file.length : undefined);
      }
    }
  });

  test('bytes arrive at once', async () => {
    for (const source of [file, new Blob([Uint8Array.from(file)])]) {
      const calls: unknown[] = [];
      using _model = await loadModel(source, { onProgress: (...call) => void calls.push(call) });
      expect(calls).toEqual([[file.length, file.length]]);
    }
  });

  test('names the address that is no model', async () => {
    for (const source of [`${origin}/page`, new URL('/page', origin), await fetch(`${origin}/page`)]) {
      const error = await errorFrom(loadModel(source));
      expect(error).toMatchObject({ code: 'ERR_FORMAT', offset: 0 });
      expect(error.message).toContain(`${origin}/page: this is a web page`);
    }
    const missing = await errorFrom(loadModel(`${origin}/none`));
    expect(missing).toMatchObject({ code: 'ERR_FORMAT' });
    expect(missing.message).toBe(`${origin}/none answered 404 Not Found.`);
    const gone = await errorFrom(loadModel('http://127.0.0.1:9/model'));
    expect(gone).toBeInstanceOf(TypeError);
    expect(gone.message).toContain('http://127.0.0.1:9/model');
  });

  test('an abort ends the wait and the download', async () => {
    for (const given of ['address', 'response'] as const) {
      const url = `${origin}/stuck`;
      const controller = new AbortController();
      const source = given === 'address' ? url : await fetch(url);
      const loading = errorFrom(loadModel(source, { signal: controller.signal }));
      setTimeout(() => controller.abort('enough'), 50);
      expect(await loading).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
      await closed;
    }
  });

  test('onProgress must be a function', async () => {
    expect(await errorFrom(loadModel(file, { onProgress: 3 as never }))).toMatchObject({
      code: 'ERR_ARGUMENT_TYPE',
    });
  });
});
