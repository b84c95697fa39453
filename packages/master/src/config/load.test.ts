import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, loadMasterConfig, loadWorkerConfig, masterOptions } from './index.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'cloudai-config-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const env = () => ({ HOME: directory });

async function file(text: string): Promise<string> {
  const place = path.join(directory, 'cloudai.yaml');
  await writeFile(place, text);
  return place;
}

async function problems(promise: Promise<unknown>): Promise<readonly string[]> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).problems;
}

describe('precedence', () => {
  test('without anything the defaults hold', async () => {
    const { values, sources } = await loadMasterConfig({ env: env() });
    expect(values['rest.port']).toBe(8080);
    expect(values['liveness.suspect']).toBe(12_000);
    expect(values.data).toBe(path.join(directory, '.local/state/cloudai'));
    expect(values['workers.endpoint']).toBeNull();
    expect(sources['rest.port']).toBe('default');
  });

  test('flags go before the environment, that before the file', async () => {
    const place = await file('rest: { port: 1, host: 127.0.0.2 }\nliveness:\n  suspect: 20s\n');
    const { values, sources } = await loadMasterConfig({
      file: place,
      env: { ...env(), CLOUDAI_REST_PORT: '2', CLOUDAI_LIVENESS_SUSPECT: '15s' },
      flags: { 'rest.port': 3, 'rest.hosts': undefined },
    });
    expect(values).toMatchObject({ 'rest.port': 3, 'rest.host': '127.0.0.2', 'liveness.suspect': 15_000 });
    expect(sources).toMatchObject({
      'rest.port': 'flag',
      'liveness.suspect': 'env CLOUDAI_LIVENESS_SUSPECT',
      'rest.host': `file ${place}`,
    });
  });

  test('the file of the data directory is read, and may be shared by master and worker', async () => {
    const data = path.join(directory, 'data');
    await mkdir(data);
    await writeFile(
      path.join(data, 'config.yaml'),
      'rest:\n  port: 9000\nworker:\n  memory: 2Gi\n  labels: { zone: a, size: 3 }\n',
    );
    const master = await loadMasterConfig({ env: env(), flags: { data } });
    expect(master.values['rest.port']).toBe(9000);
    const worker = await loadWorkerConfig({ env: env(), file: path.join(data, 'config.yaml') });
    expect(worker.values).toMatchObject({ 'worker.memory': 2 * 2 ** 30, 'worker.labels': { zone: 'a', size: '3' } });
  });
});

describe('values', () => {
  test('are read with their units', async () => {
    const { values } = await loadWorkerConfig({
      env: {
        ...env(),
        CLOUDAI_WORKER_CPU: '1.5',
        CLOUDAI_WORKER_MEMORY: '512Mi',
        CLOUDAI_WORKER_CUSTOM: 'licence=2, fpga=1',
      },
    });
    expect(values).toMatchObject({
      'worker.cpu': 1500,
      'worker.memory': 512 * 2 ** 20,
      'worker.custom': { licence: 2, fpga: 1 },
    });
  });

  test('paths in the file are relative to the file, others to the working directory', async () => {
    const place = await file('worker:\n  docker: unix:///run/d.sock\n');
    const { values } = await loadWorkerConfig({ file: place, env: env(), flags: { 'worker.data': 'w' }, directory });
    expect(values['worker.data']).toBe(path.join(directory, 'w'));
  });

  test('`never` is a time where it makes sense', async () => {
    const { values } = await loadMasterConfig({ env: env(), flags: { 'retention.events': 'never' } });
    expect(masterOptions(values).retention).toEqual({ endedTasksMs: 30 * 86_400_000, eventsMs: null });
    expect(await problems(loadMasterConfig({ env: env(), flags: { 'liveness.lost': 'never' } }))).toHaveLength(1);
  });

  test('that contradict each other are refused', async () => {
    const { values } = await loadMasterConfig({ env: env(), flags: { 'liveness.lost': '5s' } });
    expect(() => masterOptions(values)).toThrow('liveness.suspect has to be shorter than liveness.lost');
  });
});

describe('mistakes', () => {
  test('are told all at once, with the place and the value', async () => {
    const place = await file('rest:\n  port: 70000\nliveness: { suspect: soon }\n');
    expect(await problems(loadMasterConfig({ file: place, env: { ...env(), CLOUDAI_LOG_LEVEL: 'loud' } }))).toEqual([
      `rest.port (file ${place}): expected a port from 0 to 65535, found 70000`,
      `liveness.suspect (file ${place}): Invalid duration format: soon: write a time such as 500ms, 90s, 10m or 1h30m, or a bare number of seconds`,
      'log.level (env CLOUDAI_LOG_LEVEL): expected one of trace, debug, info, warn, error, silent, found "loud"',
    ]);
  });

  test('an unknown name is answered with the nearest known one', async () => {
    const place = await file('rest:\n  prot: 1\nwrokers:\n  port: 1\n');
    expect(await problems(loadMasterConfig({ file: place, env: env(), flags: { 'rest.hots': 'x' } }))).toEqual([
      'flag rest.hots: there is no such setting; did you mean rest.hosts?',
      `file ${place}: rest.prot: there is no such setting; did you mean rest.port?`,
      `file ${place}: wrokers: there is no such setting; did you mean workers?`,
    ]);
  });

  test('a misspelt variable is told, one of somebody else is left alone', async () => {
    const others = {
      CLOUDAI_SERVICE_HOST: '10.0.0.1',
      CLOUDAI_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      CLOUDAI_TOKEN: 'x',
    };
    expect((await loadMasterConfig({ env: { ...env(), ...others } })).values['rest.port']).toBe(8080);
    expect(await problems(loadMasterConfig({ env: { ...env(), CLOUDAI_REST_PROT: '1' } }))).toEqual([
      'env CLOUDAI_REST_PROT: there is no such setting; did you mean CLOUDAI_REST_PORT?',
    ]);
  });

  test('CLOUDAI_CONFIG names the file, the flag wins over it', async () => {
    const place = await file('rest: { port: 81 }\n');
    expect((await loadMasterConfig({ env: { ...env(), CLOUDAI_CONFIG: place } })).values['rest.port']).toBe(81);
    const both = { file: place, env: { ...env(), CLOUDAI_CONFIG: '/nonexistent.yaml' } };
    expect((await loadMasterConfig(both)).values['rest.port']).toBe(81);
    const missing = { env: { ...env(), CLOUDAI_CONFIG: '/nonexistent.yaml' } };
    expect((await problems(loadMasterConfig(missing)))[0]).toContain('can not be read');
  });

  test('a named file that is missing, broken or of the wrong shape is refused', async () => {
    const missing = path.join(directory, 'missing.yaml');
    expect((await problems(loadMasterConfig({ file: missing, env: env() })))[0]).toContain('can not be read');
    for (const text of ['rest: [1', '- 1', 'rest: 5', 'rest: { port: 1 }\nrest: { port: 2 }', 'data: /x'])
      expect(await problems(loadMasterConfig({ file: await file(text), env: env() })), text).toHaveLength(1);
  });

  test('an empty file is none', async () => {
    expect((await loadMasterConfig({ file: await file('# nothing yet\n'), env: env() })).values['rest.port']).toBe(
      8080,
    );
  });
});

test('an origin is written as browsers send it', async () => {
  const read = async (origins: string) => {
    const { values } = await loadMasterConfig({ env: { ...env(), CLOUDAI_REST_ALLOWED_ORIGINS: origins } });
    return masterOptions(values).rest?.allowedOrigins;
  };
  expect(await read('https://tools.example,http://localhost:5173')).toEqual([
    'https://tools.example',
    'http://localhost:5173',
  ]);
  for (const wrong of [
    'tools.example',
    'https://tools.example/',
    'https://tools.example/app',
    '*',
    'https://Tools.example',
  ])
    expect(await problems(read(wrong)), wrong).toEqual([expect.stringContaining(`${wrong} is no origin`)]);
});
