import { aTask, aWorker } from '@cloudai/sdk/testing';
import { describe, expect, test } from 'vitest';
import { runHere } from '../testing/run.ts';
import { withMaster } from '../testing/with-master.ts';

const ID = 'aaaabbbbccccdddd';

const cluster = withMaster();

describe('completion', () => {
  async function complete(...words: string[]): Promise<string[]> {
    const { stdout } = await cluster.run(['complete', '--', ...words]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0] ?? '');
  }

  test('commands, subcommands, options and their words', async () => {
    expect(await complete('wo')).toEqual(['workers', 'worker']);
    expect(await complete('task', 'e')).toEqual(['explain', 'events', 'efficiency']);
    expect(await complete('tasks', '--or')).toEqual(['--order']);
    expect(await complete('tasks', '--order', '')).toEqual(['newest', 'oldest', 'priority']);
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('ids that the master knows', async () => {
    cluster.master.addTask({ task: aTask({ id: ID }) });
    cluster.master.workers.set('worker-1', aWorker());
    expect(await complete('logs', '-f', 'aa')).toEqual([ID]);
    expect(await complete('task', 'show', '')).toEqual([ID]);
    expect(await complete('cancel', ID, '')).toEqual([ID]);
    expect(await complete('stats', '')).toEqual(['worker-1']);
    expect(await complete('worker', 'drain', 'w')).toEqual(['worker-1']);
  });

  test('a master that does not answer completes nothing and says nothing', async () => {
    const { stdout, stderr } = await runHere(['complete', '--', 'logs', ''], {
      env: { CLOUDAI_URL: 'http://127.0.0.1:1' },
    });
    expect([stdout, stderr]).toEqual(['', '']);
  });

  test('a script for each shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await cluster.run(['completion', shell])).stdout).toContain('cloudai complete --');
    expect((await cluster.run('completion tcsh')).code).toBe(2);
  });
});
