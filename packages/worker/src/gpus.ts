/** NVIDIA devices, as `nvidia-smi` tells them; a machine without the program has none. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const QUERY_MS = 10_000;
const MEBIBYTE = 2 ** 20;

export interface GpuDevice {
  readonly index: number;
  readonly uuid: string;
  readonly model: string;
  readonly memoryBytes: number;
}

export interface GpuUsage {
  readonly uuid: string;
  /** 0..1. */
  readonly busy: number;
  readonly memoryBytes: number;
}

export async function readGpus(): Promise<GpuDevice[]> {
  return parseGpus(await query('index,uuid,name,memory.total'));
}

export async function readGpuUsage(): Promise<GpuUsage[]> {
  return parseGpuUsage(await query('uuid,utilization.gpu,memory.used'));
}

export function parseGpus(csv: string): GpuDevice[] {
  return rows(csv, 4).map(([index, uuid, model, mebibytes]) => ({
    index: Number(index),
    uuid: uuid!,
    model: model!,
    memoryBytes: number(mebibytes!) * MEBIBYTE,
  }));
}

export function parseGpuUsage(csv: string): GpuUsage[] {
  return rows(csv, 3).map(([uuid, percent, mebibytes]) => ({
    uuid: uuid!,
    busy: Math.min(1, number(percent!) / 100),
    memoryBytes: number(mebibytes!) * MEBIBYTE,
  }));
}

async function query(fields: string): Promise<string> {
  try {
    const args = [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'];
    const { stdout } = await run('nvidia-smi', args, { timeout: QUERY_MS });
    return stdout;
  } catch {
    return ''; // No such program, or a driver that does not work: either way tasks can not use a device.
  }
}

function rows(csv: string, columns: number): string[][] {
  return csv
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === columns);
}

/** Fields that a device does not know read `[N/A]`. */
function number(text: string): number {
  const value = Number(text);
  return Number.isFinite(value) ? value : 0;
}
