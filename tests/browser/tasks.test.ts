// What people do with tasks in the dashboard: in a real browser, against a real cluster with real containers.
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IMAGE } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { useDashboard } from './use-dashboard.ts';

const SAMPLE = 'cloudai/sample-task-1:local';
const SMALL = { cpu: 0.25, memory: '32Mi' };

const cluster = useCluster({ workers: [{ cpu: 2, memory: '2Gi' }] });
const dashboard = useDashboard(cluster);

test('a wrong token is refused in words, a right one opens the overview, and logging out ends it', async () => {
  const page = await dashboard.newPage();
  await page.goto('/tasks');
  await page.getByLabel('Token').fill('cai_wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').getByText('The token is unknown, expired or revoked').waitFor();
  // The browser itself notes every answer of 401; it is what was asked for here.
  expect(dashboard.takeErrors().join()).toContain('401');
  await page.getByLabel('Token').fill(cluster.token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Tasks' }).waitFor();
  await page.getByRole('button', { name: 'Account of admin' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in to CloudAI' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Log in to CloudAI' }).waitFor();
});

test('a login code in the address logs in once and leaves the address', async () => {
  const { code } = await cluster.client.createLoginCode();
  const page = await dashboard.newPage();
  await page.goto(`/#login=${code}`);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  expect(new URL(page.url()).hash).toBe('');
});

test('the sample task: submitted from the form, its log appears live, it completes, its file is downloaded', async () => {
  const page = await dashboard.logIn();
  await page.getByRole('link', { name: 'Submit a task' }).click();
  await page.getByLabel('Image', { exact: true }).fill(SAMPLE);
  await page.getByLabel('Name', { exact: true }).fill('sample');
  await page.getByLabel('Memory').fill('256Mi');
  await page.getByLabel('Environment').fill('SEED=7');
  await page.getByTestId('answer').getByText('It would start now on worker-1.').waitFor();
  await page.getByRole('button', { name: 'Submit the task' }).click();

  await page.getByRole('heading', { name: /^sample/ }).waitFor();
  await page.getByRole('tab', { name: 'Log' }).click();
  const log = page.getByRole('log');
  await log.getByText('seed 7').waitFor();
  // Lines that were not there a moment ago come without anybody asking.
  await log.getByText('100 %').waitFor();
  await page.getByRole('heading', { name: /completed/ }).waitFor();
  await log.getByText('The task completed with exit code 0').waitFor();

  await page.getByRole('tab', { name: /Artifacts/ }).click();
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe('result.json');
  const result = JSON.parse(fs.readFileSync(await download.path(), 'utf8'));
  expect(result).toMatchObject({ seed: 7 });
});

test('the form says what the master would refuse, beside the field, and YAML is the same spec', async () => {
  const page = await dashboard.logIn();
  await page.goto('/submit');
  await page.getByLabel('Image', { exact: true }).fill(IMAGE);
  await page.getByLabel('Memory').fill('5 GB');
  await page.getByTestId('answer').getByText('It would be refused').waitFor();
  expect(await page.getByLabel('Memory').getAttribute('aria-invalid')).toBe('true');
  expect(await page.getByRole('button', { name: 'Submit the task' }).isDisabled()).toBe(true);
  await page.getByLabel('Memory').fill('64Gi');
  await page.getByTestId('answer').getByText('It would never start.').waitFor();
  await page.getByTestId('answer').getByText('What would help').waitFor();
  await page.getByRole('tab', { name: 'YAML' }).click();
  const editor = page.getByLabel('Spec', { exact: true });
  expect(await editor.inputValue()).toContain('memory: 64Gi');
  await editor.fill(`image: ${IMAGE}\ncommand: [echo, hi]\nlabels: {a: b}\n`);
  await page.getByTestId('answer').getByText('It would start now').waitFor();
  await page.getByRole('tab', { name: 'Form' }).click();
  expect(await page.getByLabel('Command').inputValue()).toBe('echo\nhi');
  expect(await page.getByLabel('Labels').inputValue()).toBe('a=b');
});

test('a running task is cancelled, retried, and submitted again with edits', async () => {
  const { id } = await cluster.client.submitTask({
    name: 'sleeper',
    image: IMAGE,
    command: 'echo up; sleep 300',
    resources: SMALL,
  });
  const page = await dashboard.logIn();
  await page.goto(`/tasks/${id}?tab=log`);
  await page.getByRole('log').getByText('up').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByLabel('Why, for the record').fill('not needed');
  await page.getByRole('button', { name: 'Cancel the task' }).click();
  await page.getByRole('heading', { name: /cancelled/ }).waitFor();
  await page.getByRole('link', { name: 'Resubmit with edits' }).click();
  await page.getByText('Starts from the spec of sleeper.').waitFor();
  await page.getByLabel('Command').fill('echo edited');
  await page.getByRole('button', { name: 'Submit the task' }).click();
  await page.getByRole('heading', { name: /completed/ }).waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/tasks/') && !url.pathname.endsWith(id));
  await page.getByRole('log').getByText('edited').waitFor();
});

describe('the log', () => {
  test('has colours, is searched, filtered by stream and downloaded, and is never markup', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const { id } = await cluster.client.submitTask({
      image: IMAGE,
      command: ['sh', '-c', `printf '\\033[31mred\\033[0m plain\\n${evil}\\n'; seq 1 300; echo wrong >&2`],
      resources: SMALL,
    });
    await cluster.client.waitForTask(id);
    const page = await dashboard.logIn();
    await page.goto(`/tasks/${id}?tab=log`);
    const log = page.getByRole('log');
    await log.getByText('The task completed').waitFor();
    await page.getByRole('button', { name: 'Go to the end' }).click();
    await log.hover();
    await page.mouse.wheel(0, -100_000);
    await log.getByText(evil).waitFor();
    expect(await log.locator('img').count()).toBe(0);
    expect(await log.getByText('red', { exact: true }).getAttribute('class')).toBe('ansi-1');

    await page.getByLabel('Only lines with').fill('29');
    await log.getByText('129', { exact: true }).waitFor();
    await log.getByText('300', { exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Regular expression' }).click();
    await page.getByLabel('Only lines with').fill('^30\\d$');
    await log.getByText('300', { exact: true }).waitFor();
    await log.getByText('129', { exact: true }).waitFor({ state: 'detached' });
    await page.getByLabel('Only lines with').fill('');
    await page.getByLabel('Stream').selectOption('stderr');
    await log.getByText('wrong').waitFor();
    await log.getByText('plain').waitFor({ state: 'detached' });
    await page.getByLabel('Stream').selectOption('all');

    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const text = fs.readFileSync(await (await downloading).path(), 'utf8');
    expect(text).toContain(evil);
    expect(text).toContain('\n300\n');
  });
});

test('why a task waits is said per worker, with numbers, and what would help', async () => {
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: 'true',
    resources: { cpu: 1, memory: '900Gi' },
  });
  const page = await dashboard.logIn();
  await page.goto(`/tasks/${id}`);
  const why = page.getByRole('tabpanel');
  await why.getByText('What would help').waitFor();
  await why.getByText('never fits').waitFor();
  await why.getByText(/free of 2 GiB/).waitFor();
  await cluster.client.cancelTask(id);
  await page.getByRole('heading', { name: /cancelled/ }).waitFor();
});

test('the list follows the cluster, is filtered in the address, and many are cancelled and retried at once', async () => {
  const page = await dashboard.logIn();
  await page.goto('/tasks?label=batch%3Dx');
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await grid.getByText('No task matches').waitFor();
  const tasks = Array.from({ length: 3 }, (_, index) => ({
    name: `batch-${index}`,
    image: IMAGE,
    command: 'sleep 300',
    labels: { batch: 'x' },
    resources: SMALL,
  }));
  await cluster.client.submitJob({ tasks });
  // Nobody reloads: the rows come and change by themselves.
  for (const { name } of tasks)
    await grid.getByRole('row').filter({ hasText: name }).locator('[data-state=running]').waitFor();
  await page.getByLabel('Select all rows that are loaded').check();
  await page.getByRole('button', { name: 'Cancel 3' }).click();
  await page.getByRole('button', { name: 'Cancel them' }).click();
  for (const { name } of tasks)
    await grid.getByRole('row').filter({ hasText: name }).locator('[data-state=cancelled]').waitFor();
  await page.getByRole('button', { name: 'cancelled' }).click();
  await page.waitForURL(/state=cancelled/);
  await page.getByLabel('Select all rows that are loaded').check();
  await page.getByRole('button', { name: 'Retry 3' }).click();
  await page.getByText('Submitted again 3 tasks.').waitFor();
  await page.goto('/tasks?label=batch%3Dx&state=running');
  await expect.poll(() => grid.getByRole('row').filter({ hasText: 'batch-' }).count(), { timeout: 30_000 }).toBe(3);
});

test('the list is used by keyboard alone', async () => {
  const ids: string[] = [];
  for (const name of ['key-1', 'key-2', 'key-3'])
    ids.push(
      (
        await cluster.client.submitTask({
          name,
          image: IMAGE,
          command: 'true',
          resources: SMALL,
          labels: { by: 'key' },
        })
      ).id,
    );
  const page = await dashboard.logIn();
  await page.goto('/tasks?label=by%3Dkey&order=oldest');
  const rows = page.getByRole('grid', { name: 'Tasks' }).getByRole('row');
  await rows.filter({ hasText: 'key-3' }).waitFor();
  await rows.filter({ hasText: 'key-1' }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.getByRole('toolbar', { name: 'Selected tasks' }).getByText('1 selected').waitFor();
  await page.keyboard.press('End');
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toContain('key-3');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/tasks/${ids[2]}`);
});
