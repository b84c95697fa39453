import type { TaskSubmission } from '@cloudai/sdk';
import { expect, test } from 'vitest';
import { draftOf, EMPTY_DRAFT, submissionOfDraft } from './draft.ts';

const FULL: TaskSubmission = {
  name: 'train',
  image: 'python:3.12',
  command: ['python', '-c', 'print(1)'],
  entrypoint: ['tini'],
  env: { A: '1', B: 'x=y' },
  workdir: '/work',
  labels: { team: 'vision' },
  resources: { cpu: '500m', memory: '1Gi', storage: '2Gi', gpu: '1', custom: { licence: 2 } },
  worker: 'worker-1',
  selector: { zone: 'b' },
  priority: 70,
  deadline: '2026-11-22T12:00:00.000Z',
  startAfter: '2026-11-22T11:00:00.000Z',
  dependsOn: ['abc', 'def'],
  timeout: '1h',
  queueTimeout: '10m',
  retry: { limit: 2, exitCodes: [75] },
  profile: 'restricted',
  network: 'bridge',
  pull: 'always',
  logLimit: '1Mi',
};

test('a submission goes through the form unchanged, also what the form has no field for', () => {
  expect(submissionOfDraft(draftOf(FULL))).toEqual(FULL);
  const small: TaskSubmission = { image: 'busybox', command: 'echo hi', resources: {} };
  expect(submissionOfDraft(draftOf(small))).toEqual(small);
});

test('an empty field is left out', () => {
  expect(submissionOfDraft({ ...EMPTY_DRAFT, image: ' busybox ' })).toEqual({
    image: 'busybox',
    resources: { cpu: '1', memory: '512Mi', storage: '1Gi' },
  });
});

test('a custom resource stays when an amount is cleared', () => {
  const draft = draftOf({ image: 'a', resources: { cpu: '1', custom: { licence: 1 } } });
  expect(submissionOfDraft({ ...draft, cpu: '' }).resources).toEqual({ custom: { licence: 1 } });
});

test('what is no number reaches the master, which says so', () => {
  expect(submissionOfDraft({ ...EMPTY_DRAFT, priority: 'high' }).priority).toBe('high');
});

test('a time of the place becomes one with a zone', () => {
  const { deadline } = submissionOfDraft({ ...EMPTY_DRAFT, deadline: '2026-11-22T12:00' });
  expect(Date.parse(deadline!)).toBe(new Date('2026-11-22T12:00').getTime());
  expect(deadline).toMatch(/Z$/);
});
