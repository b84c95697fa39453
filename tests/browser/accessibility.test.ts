// Every page in both themes: axe finds nothing serious, nothing runs over the edge, and a picture is taken of each.
import fs from 'node:fs';
import path from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { IMAGE } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { until } from '../e2e/wait.ts';
import { useDashboard } from './use-dashboard.ts';

/** Where the pictures go; none are taken without it. */
const PICTURES = process.env.CLOUDAI_TEST_SCREENSHOTS;
const WIDTHS = [
  [1440, 900],
  [390, 844],
] as const;

const cluster = useCluster({
  workers: [
    { cpu: 4, memory: '4Gi' },
    { cpu: 2, memory: '2Gi' },
  ],
});
const dashboard = useDashboard(cluster);
let running = '';
let ended = '';
let waiting = '';

/** A cluster in the middle of its day, so that no page is empty. */
beforeAll(async () => {
  const { client } = cluster;
  const task = (name: string, command: string, resources = { cpu: 0.5, memory: '128Mi' }) =>
    client.submitTask({ name, image: IMAGE, command, resources, labels: { team: 'vision' } }).then(({ id }) => id);
  const steps = `i=0; while :; do i=$((i+1)); printf '\\033[32mepoch %d\\033[0m loss \\033[1;34m0.%d\\033[0m\\n' $i $((9973*i%1000)); [ $((i%9)) = 0 ] && printf '\\033[33mwarning\\033[0m: batch %d was slow\\n' $i >&2; sleep 0.2; done`;
  running = await task('train-resnet', steps, { cpu: 1.5, memory: '1Gi' });
  await task('train-bert', steps, { cpu: 1, memory: '512Mi' });
  await task('serve-demo', 'sleep 3600', { cpu: 0.5, memory: '256Mi' });
  ended = await task(
    'evaluate',
    'echo accuracy 0.93; mkdir -p /output/plots; echo 0.93 > /output/accuracy.txt; echo x > /output/plots/roc.svg',
  );
  await task('broken', 'echo "cannot open data.csv" >&2; exit 2');
  waiting = await task('needs-more', 'true', { cpu: 32, memory: '64Gi' });
  await task('next-in-line', 'true', { cpu: 3, memory: '1Gi' });
  await client.waitForTask(ended);
  await until(async () => (await client.getTask(running)).task.state === 'running', { what: 'the task to run' });
});

/** The numbers, what needs attention, and the charts. */
async function whole(page: Page): Promise<void> {
  await page.getByText('failed: exit nonzero').waitFor();
  await page.getByRole('figure').nth(4).waitFor();
  await page
    .getByText(/% used/)
    .first()
    .waitFor();
}

const PAGES: readonly (readonly [name: string, path: () => string, ready: (page: Page) => Promise<void>])[] = [
  ['overview', () => '/', whole],
  ['tasks', () => '/tasks', (page) => page.getByText('train-resnet').waitFor()],
  ['task', () => `/tasks/${running}`, (page) => page.getByRole('log').getByText(/epoch/).first().waitFor()],
  ['task-why', () => `/tasks/${waiting}`, (page) => page.getByText('What would help').waitFor()],
  ['task-timeline', () => `/tasks/${ended}?tab=timeline`, (page) => page.getByText('task submitted').waitFor()],
  ['task-resources', () => `/tasks/${running}?tab=resources`, (page) => page.getByRole('figure').nth(3).waitFor()],
  ['task-artifacts', () => `/tasks/${ended}?tab=artifacts`, (page) => page.getByText('accuracy.txt').waitFor()],
  ['task-spec', () => `/tasks/${ended}?tab=spec`, (page) => page.getByText('image:').waitFor()],
  ['submit', () => `/submit?from=${running}`, (page) => page.getByTestId('answer').waitFor()],
  ['workers', () => '/workers', (page) => page.getByText('worker-2').waitFor()],
  ['worker', () => '/workers/worker-1', (page) => page.getByRole('figure').nth(3).waitFor()],
  ['topology', () => '/topology', (page) => page.getByText('train-bert').waitFor()],
  ['queue', () => '/queue', (page) => page.getByText('needs-more').waitFor()],
  ['events', () => '/events', (page) => page.getByRole('row').nth(8).waitFor()],
];

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  test('the login', async () => {
    const page = await dashboard.newPage({ theme });
    await page.goto('/');
    await page.getByLabel('Token').waitFor();
    await check(page, `login-${theme}`);
  });

  test.each(PAGES)('%s', async (name, address, ready) => {
    const page = await dashboard.logIn({ theme });
    await page.goto(address());
    await ready(page);
    for (const [width, height] of WIDTHS) {
      await page.setViewportSize({ width, height });
      await check(page, `${name}-${theme}-${width}`);
    }
  });

  test('search and dialogs', async () => {
    const page = await dashboard.logIn({ theme });
    await page.keyboard.press('Control+k');
    await page.keyboard.type('train');
    await page.getByRole('option', { name: /train-resnet/ }).waitFor();
    await check(page, `search-${theme}`);
    await page.keyboard.press('Escape');
    await page.goto('/workers');
    await page.getByRole('button', { name: 'Register a worker' }).click();
    await page.getByLabel('Id', { exact: true }).waitFor();
    await check(page, `register-${theme}`);
  });
});

async function check(page: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) {
    fs.mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
  }
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    .analyze();
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ')}`,
  );
  expect(found, name).toEqual([]);
  const runsOver = await page.evaluate<boolean>(
    'document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll("main")].some((main) => main.scrollWidth > main.clientWidth + 1)',
  );
  expect(runsOver, `${name} runs over the edge`).toBe(false);
}
