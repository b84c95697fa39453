import { expect, test } from 'vitest';
import { runSpec } from '../../testing/assignment.ts';
import { type ContainerCreate, containerCreate, containerName, type GpuRef } from './host-config.ts';

const owner = { clusterId: '0123456789abcdef', workerId: 'worker-1' };
const key = { taskId: 'abcdefghijklmnop', attempt: 2 };
const image = { imageId: 'sha256:1', digest: 'busybox@sha256:2' };
const gpus: readonly GpuRef[] = [
  { index: 0, uuid: 'GPU-a' },
  { index: 1, uuid: 'GPU-b' },
];

function create(spec = {}): ContainerCreate {
  return containerCreate(owner, key, runSpec(spec), image, '/data/outputs/x', { gpus, cpus: 8 });
}

test('the name says whose attempt it is', () => {
  expect(containerName(owner, key)).toBe('cai-01234567-abcdefghijklmnop-2');
});

test('golden: the whole of what Docker is asked for, standard profile', () => {
  const spec = runSpec({
    command: { kind: 'shell', line: 'echo $HOME' },
    env: { A: '1', CLOUDAI_FENCE: 'forged' },
    workingDir: '/work',
    user: '1000',
    stopSignal: 'SIGINT',
    network: 'bridge',
    gpus: [{ index: 1, millis: 500 }],
    logLimitBytes: 64 * 2 ** 20,
  });
  const labelledSpec = JSON.stringify(spec);
  expect(containerCreate(owner, key, spec, image, '/data/outputs/x', { gpus, cpus: 8 })).toEqual({
    Image: 'sha256:1',
    Entrypoint: [],
    Cmd: ['/bin/sh', '-c', 'echo $HOME'],
    Env: ['A=1', 'CLOUDAI_FENCE=2', 'CLOUDAI_TASK_ID=abcdefghijklmnop', 'CLOUDAI_ATTEMPT=2'],
    WorkingDir: '/work',
    User: '1000',
    StopSignal: 'SIGINT',
    Labels: {
      'ai.cloudai.cluster': '0123456789abcdef',
      'ai.cloudai.worker': 'worker-1',
      'ai.cloudai.task': 'abcdefghijklmnop',
      'ai.cloudai.attempt': '2',
      'ai.cloudai.spec': labelledSpec,
      'ai.cloudai.image-digest': 'busybox@sha256:2',
    },
    Tty: false,
    OpenStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: {
      NanoCpus: 500_000_000,
      Memory: 67_108_864,
      MemorySwap: 67_108_864,
      PidsLimit: 512,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Init: true,
      IpcMode: 'private',
      OomScoreAdj: 500,
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'local', Config: { 'max-size': '134217728', 'max-file': '4', compress: 'false' } },
      NetworkMode: 'cloudai',
      Mounts: [
        {
          Type: 'bind',
          Source: '/data/outputs/x',
          Target: '/output',
          ReadOnly: false,
          BindOptions: { Propagation: 'rprivate' },
        },
      ],
      DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: ['GPU-b'], Capabilities: [['gpu']] }],
    },
  });
});

test('golden: what the restricted profile changes', () => {
  const standard = create({ network: 'bridge', user: 'root' });
  const restricted = create({ network: 'bridge', user: 'root', profile: 'restricted' });
  expect(restricted.User).toBe('65534:65534');
  expect(restricted.HostConfig).toEqual({
    ...standard.HostConfig,
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': 'rw,noexec,nosuid,nodev,size=64m' },
  });
});

test.each([
  ['image default', { command: { kind: 'image' } }, undefined, undefined],
  [
    'exec keeps the entrypoint of the image',
    { command: { kind: 'exec', args: ['a', 'b c'] } },
    undefined,
    ['a', 'b c'],
  ],
  ['exec with an entrypoint of its own', { command: { kind: 'exec', args: ['a'] }, entrypoint: ['/e'] }, ['/e'], ['a']],
  ['an entrypoint that is cleared', { command: { kind: 'exec', args: ['a'] }, entrypoint: [] }, [], ['a']],
  ['a shell line clears the entrypoint', { command: { kind: 'shell', line: 'x' } }, [], ['/bin/sh', '-c', 'x']],
])('command: %s', (_what, spec, entrypoint, cmd) => {
  const { Entrypoint, Cmd } = create(spec);
  expect(Entrypoint).toEqual(entrypoint);
  expect(Cmd).toEqual(cmd);
});

test('without GPUs none are asked for, and a worker without uuids names the index', () => {
  expect(create().HostConfig.DeviceRequests).toBe(undefined);
  const spec = runSpec({ gpus: [{ index: 3, millis: 1000 }] });
  const { HostConfig } = containerCreate(owner, key, spec, image, '/x', { gpus: [], cpus: 8 });
  expect(HostConfig.DeviceRequests?.[0]?.DeviceIDs).toEqual(['3']);
});

test('the log files are never smaller than twice the limit', () => {
  expect(create({ logLimitBytes: 10 }).HostConfig.LogConfig.Config['max-size']).toBe('4194304');
  expect(create({ logLimitBytes: 2 ** 30 }).HostConfig.LogConfig.Config['max-size']).toBe(String(2 ** 31));
});

test.each([
  [2_500, { NanoCpus: 2_500_000_000 }],
  [1, { NanoCpus: 10_000_000 }],
  [64_000, { NanoCpus: 8_000_000_000 }],
  [0, { NanoCpus: 0, CpuShares: 2 }],
])('%i millicores', (cpuMillis, expected) => {
  const { NanoCpus, CpuShares } = create({ cpuMillis }).HostConfig;
  expect({ NanoCpus, ...(CpuShares === undefined ? {} : { CpuShares }) }).toEqual(expected);
});
