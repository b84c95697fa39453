/**
 * How measurements are written down. Little-endian; single precision; NaN for what was not measured.
 *
 *   minute   one after the other: name length u16 | name | weight u16 | width u8 | means f32 × width | highest f32 × width
 *   hour     deflated: width u8 | weights u8 × 60 | means f32 × 60 of the first column, its highest × 60, and so on
 *   attempt  deflated: length of the head u32 | head as JSON | steps f32
 *
 * Of numbers that follow each other the first bytes are alike and the last are not: in hours and attempts all first bytes
 * stand together, then all second ones, which halves what is left after deflating.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Minute } from './archive.ts';
import type { StoredSeries } from './attempt-series.ts';

export const MINUTES = 60;
const MAX_WEIGHT = 0xffff;

export function encodeMinutes(minutes: readonly Minute[]): Uint8Array<ArrayBuffer> {
  const names = minutes.map(({ source }) => Buffer.from(source));
  const size = minutes.reduce((sum, { mean }, index) => sum + 5 + names[index]!.length + 8 * mean.length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [index, { weight, mean, max }] of minutes.entries()) {
    const name = names[index]!;
    view.setUint16(at, name.length, true);
    bytes.set(name, at + 2);
    at += 2 + name.length;
    view.setUint16(at, Math.min(MAX_WEIGHT, weight), true);
    view.setUint8(at + 2, mean.length);
    at += 3;
    for (const values of [mean, max])
      for (const value of values) {
        view.setFloat32(at, value, true);
        at += 4;
      }
  }
  return bytes;
}

/** Calls back with each minute of the block, or with those of one source only. */
export function decodeMinutes(bytes: Uint8Array, only: string | null, each: (minute: Minute) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wanted = only === null ? null : Buffer.from(only);
  for (let at = 0; at < bytes.byteLength; ) {
    const length = view.getUint16(at, true);
    const name = bytes.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    const [weight, width] = [view.getUint16(at, true), view.getUint8(at + 2)];
    at += 3;
    const end = at + 8 * width;
    if (wanted === null || wanted.equals(name)) {
      const read = (from: number) =>
        Float32Array.from({ length: width }, (_, i) => view.getFloat32(from + 4 * i, true));
      each({ source: Buffer.from(name).toString(), weight, mean: read(at), max: read(at + 4 * width) });
    }
    at = end;
  }
}

/** Sixty minutes of one source. */
export class Hour {
  readonly width: number;
  readonly weights: Uint8Array;
  /** Means of a column's minutes, then its highest values; column after column. */
  readonly values: Float32Array;

  constructor(width: number) {
    this.width = width;
    this.weights = new Uint8Array(MINUTES);
    this.values = new Float32Array(2 * MINUTES * width).fill(Number.NaN);
  }

  static decode(block: Uint8Array): Hour {
    const bytes = inflateRawSync(block);
    const hour = new Hour(bytes[0]!);
    hour.weights.set(bytes.subarray(1, 1 + MINUTES));
    hour.values.set(gather(bytes.subarray(1 + MINUTES)));
    return hour;
  }

  encode(): Uint8Array {
    return deflateRawSync(Buffer.concat([Uint8Array.of(this.width), this.weights, scatter(this.values)]));
  }

  /** A minute that is there already, from before a restart, becomes one with what is added. */
  add(minute: number, { weight, mean, max }: Minute, isCount: (column: number) => boolean): void {
    const had = this.weights[minute]!;
    this.weights[minute] = Math.min(0xff, had + weight);
    for (let column = 0; column < this.width; column += 1) {
      const at = 2 * MINUTES * column + minute;
      const [value, highest] = [mean[column] ?? Number.NaN, max[column] ?? Number.NaN];
      const before = this.values[at]!;
      if (Number.isNaN(value)) continue;
      if (Number.isNaN(before)) this.values[at] = value;
      else this.values[at] = isCount(column) ? before + value : (before * had + value * weight) / (had + weight);
      if (!(this.values[at + MINUTES]! >= highest)) this.values[at + MINUTES] = highest;
    }
  }

  /** As a row of `width` columns: what was added to them later is NaN. */
  minute(minute: number, width: number): Omit<Minute, 'source'> {
    const column = (index: number) => 2 * MINUTES * index + minute;
    const read = (offset: number) =>
      Float32Array.from({ length: width }, (_, i) => (i < this.width ? this.values[column(i) + offset]! : Number.NaN));
    return { weight: this.weights[minute]!, mean: read(0), max: read(MINUTES) };
  }
}

export function encodeAttempt({ steps, ...head }: StoredSeries): Uint8Array {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const values = new Float32Array(steps.slice().buffer);
  return deflateRawSync(Buffer.concat([length, text, scatter(values)]));
}

export function decodeAttempt(block: Uint8Array): StoredSeries {
  const bytes = inflateRawSync(block);
  const from = 4 + bytes.readUInt32LE(0);
  const head = JSON.parse(bytes.toString('utf8', 4, from)) as Omit<StoredSeries, 'steps'>;
  return { ...head, steps: new Uint8Array(gather(bytes.subarray(from)).buffer) };
}

function scatter(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new Uint8Array(bytes.length);
  const count = values.length;
  for (let index = 0; index < count; index += 1)
    for (let plane = 0; plane < 4; plane += 1) out[plane * count + index] = bytes[4 * index + plane]!;
  return out;
}

function gather(planes: Uint8Array): Float32Array<ArrayBuffer> {
  const count = Math.floor(planes.length / 4);
  const bytes = new Uint8Array(4 * count);
  for (let index = 0; index < count; index += 1)
    for (let plane = 0; plane < 4; plane += 1) bytes[4 * index + plane] = planes[plane * count + index]!;
  return new Float32Array(bytes.buffer);
}
