import { expect, test } from 'vitest';
import { parseGpus, parseGpuUsage } from './gpus.ts';
import { diskComplaint, MachineSampler } from './telemetry.ts';

test('what nvidia-smi says of the devices', () => {
  const csv = '0, GPU-8f1c, NVIDIA H200, 143771\n1, GPU-77aa, NVIDIA A100-SXM4-80GB, 81920\n';
  expect(parseGpus(csv)).toEqual([
    { index: 0, uuid: 'GPU-8f1c', model: 'NVIDIA H200', memoryBytes: 143_771 * 2 ** 20 },
    { index: 1, uuid: 'GPU-77aa', model: 'NVIDIA A100-SXM4-80GB', memoryBytes: 81_920 * 2 ** 20 },
  ]);
});

test('figures that a device does not know count as nothing, and words of a broken driver as no device', () => {
  expect(parseGpuUsage('GPU-8f1c, 37, 1024\nGPU-77aa, [N/A], [N/A]\n')).toEqual([
    { uuid: 'GPU-8f1c', busy: 0.37, memoryBytes: 2 ** 30 },
    { uuid: 'GPU-77aa', busy: 0, memoryBytes: 0 },
  ]);
  expect(parseGpus("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n")).toEqual([]);
  expect(parseGpus('')).toEqual([]);
});

test('the machine is measured in shares and bytes', async () => {
  const sampler = new MachineSampler({ diskPath: '/', hasGpus: false });
  const usage = await sampler.sample();
  expect(usage.cpu).toBeGreaterThanOrEqual(0);
  expect(usage.cpu).toBeLessThanOrEqual(1);
  expect(usage.memoryBytes).toBeGreaterThan(0);
  expect(usage.storageBytes).toBeGreaterThan(0);
  expect(usage.gpu).toBe(0);
});

test('a full disk is a complaint with advice', () => {
  const usage = { cpu: 0, memoryBytes: 0, storageBytes: 0, gpu: 0, networkRxBytes: 0, networkTxBytes: 0 };
  expect(diskComplaint({ ...usage, storageFreeBytes: 2 ** 30 }, '/x')).toBe(null);
  expect(diskComplaint({ ...usage, storageFreeBytes: 10 * 2 ** 20 }, '/x')).toContain(
    'the disk of /x is full (10 MiB left)',
  );
});
