import { describe, expect, test } from 'vitest';
import { parseOlder, previewLines, toOlderSubmission } from './older-task.ts';
import { splitWords } from './prompt/words.ts';

const isWorker = (word: string) => word === 'worker-1';

function parse(line: string, workerFirst = false) {
  return parseOlder(splitWords(line), isWorker, workerFirst);
}

describe('the older spelling of a submit', () => {
  test('worker, image and every flag', () => {
    const request = parse(
      'worker-1 python:3.9 -cpu_cores 2.0 -mem 4.0 -storage 2 -gpu_cores 1.0 -name job -cmd "sleep 1; date"',
    );
    expect(toOlderSubmission(request)).toEqual({
      worker: 'worker-1',
      image: 'python:3.9',
      name: 'job',
      command: 'sleep 1; date',
      resources: { cpu: '2.0', memory: '4.0', storage: '2', gpu: '1.0' },
    });
  });

  test('an image alone goes to the scheduler, with the older defaults', () => {
    expect(toOlderSubmission(parse('python:3.9'))).toEqual({
      image: 'python:3.9',
      resources: { cpu: '1.0', memory: '0.5', storage: '1.0', gpu: '0.0' },
    });
  });

  test('a first word that is no worker is the image, unless a worker has to come first', () => {
    expect(parse('python:3.9 -mem 1')).toMatchObject({ worker: null, image: 'python:3.9' });
    expect(parse('nobody python:3.9', true)).toMatchObject({ worker: 'nobody', image: 'python:3.9' });
    expect(() => parse('nobody python:3.9')).toThrow('nobody is no known worker');
  });

  test('a command needs no quotes and ends at the next flag', () => {
    expect(parse('worker-1 busybox -cmd echo -n hello -mem 2')).toMatchObject({
      command: 'echo -n hello',
      memory: '2',
    });
  });

  test.each([
    ['worker-1', 'the image is missing'],
    ['', 'the image is missing'],
    ['busybox -mem', '-mem needs a value'],
    ['busybox -cpus 2', '-cpus is not an option of task'],
    ['worker-1 busybox extra', 'extra: what is that?'],
  ])('%j is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  test('the preview has id, worker, image, command and requirements', () => {
    expect(previewLines(parse('worker-1 busybox -mem 4.0 -storage 2Gi -cmd date'))).toEqual([
      'Task ID:       made by the master',
      'Target Worker: worker-1',
      'Docker Image:  busybox',
      'Command:       date',
      'Resource Requirements:',
      '  CPU Cores:   1.0',
      '  Memory:      4.0 GB',
      '  Storage:     2Gi',
      '  GPU Cores:   0.0',
    ]);
  });
});

describe('words of a line', () => {
  test.each([
    ['a  b\tc', ['a', 'b', 'c']],
    ['a "b c" \'d "e"\'', ['a', 'b c', 'd "e"']],
    ['a\\ b "c\\"d" \'\\\'', ['a b', 'c"d', '\\']],
    ['a"b"c ""', ['abc', '']],
    ['', []],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  test('a quote that is not closed is told', () => {
    expect(() => splitWords('a "b')).toThrow('the quote " is not closed');
  });
});
