import { writeFile } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';

/**
 * Saves the upper part of a page as a PNG of at most 256 colours, a third as large as the browser's own.
 * @param height in pixels of the page
 */
export async function savePicture(page: Page, path: string, height: number): Promise<void> {
  const { width } = page.viewportSize()!;
  const clip = { x: 0, y: 0, width, height };
  const shot = (await page.screenshot({ fullPage: true, clip, scale: 'css' })).toString('base64');
  const { colours, indices } = await page.evaluate(reduceColours, `data:image/png;base64,${shot}`);
  await writeFile(path, encodePng(Buffer.from(indices, 'base64'), width, colours));
}

/** Runs in the page, which can read a PNG. Colours that nearly are the same become one; the rarest the nearest of others. */
async function reduceColours(url: string): Promise<{ colours: number[]; indices: string }> {
  const image = await createImageBitmap(await (await fetch(url)).blob());
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d', {
    willReadFrequently: true,
  })!;
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const keyOf = (i: number) => ((data[i]! >> 3) << 10) | ((data[i + 1]! >> 3) << 5) | (data[i + 2]! >> 3);
  const sums = new Map<number, { r: number; g: number; b: number; count: number }>();
  for (let i = 0; i < data.length; i += 4) {
    const sum = sums.get(keyOf(i)) ?? { r: 0, g: 0, b: 0, count: 0 };
    sum.r += data[i]!;
    sum.g += data[i + 1]!;
    sum.b += data[i + 2]!;
    sum.count++;
    sums.set(keyOf(i), sum);
  }
  const means = Array.from(sums, ([key, { r, g, b, count }]) => ({
    key,
    count,
    colour: [r / count, g / count, b / count].map(Math.round),
  })).sort((a, b) => b.count - a.count);
  const kept = means.slice(0, 256).map(({ colour }) => colour);
  const distance = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
  const indexOf = new Map(
    means.map(({ key, colour }) => {
      let best = 0;
      for (let k = 1; k < kept.length; k++)
        if (distance(colour, kept[k]!) < distance(colour, kept[best]!)) best = k;
      return [key, best];
    }),
  );
  const bytes = new Uint8Array(data.length / 4).map((_, p) => indexOf.get(keyOf(4 * p))!);
  const reader = new FileReader();
  reader.readAsDataURL(new Blob([bytes]));
  await new Promise((resolve) => {
    reader.onload = resolve;
  });
  return { colours: kept.flat(), indices: String(reader.result).split(',')[1]! };
}

/** @param colours red, green and blue of each index */
function encodePng(indices: Buffer, width: number, colours: readonly number[]): Buffer {
  const height = indices.length / width;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits, of a palette
  header.set([8, 3], 8);
  // Each row says first that it is not filtered.
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++) indices.copy(rows, y * (width + 1) + 1, y * width, (y + 1) * width);
  const chunk = (type: string, body: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(type), body]);
    const frame = Buffer.alloc(8 + named.length);
    frame.writeUInt32BE(body.length, 0);
    frame.set(named, 4);
    frame.writeUInt32BE(crc32(named), 4 + named.length);
    return frame;
  };
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Uint8Array.from(colours)),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', new Uint8Array()),
  ]);
}
