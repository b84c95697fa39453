// Workers, queue, search and the connection in the dashboard, in a real browser.
import { expect, test } from 'vitest';
import { IMAGE } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { useDashboard } from './use-dashboard.ts';

const cluster = useCluster({ workers: [{ cpu: 1, memory: '1Gi' }] });
const dashboard = useDashboard(cluster);

test('a worker is drained with a deadline, and takes tasks again', async () => {
  const page = await dashboard.logIn();
  await page.getByRole('link', { name: /^Workers/ }).click();
  await page.getByRole('grid', { name: 'Workers' }).getByRole('link', { name: 'worker-1' }).click();
  await page.getByRole('button', { name: 'Drain' }).click();
  await page.getByLabel('Deadline').fill('30m');
  await page.getByLabel('Reason').fill('new disks');
  await page.getByRole('button', { name: 'Drain the worker' }).click();
  await page.getByRole('heading', { name: /draining/ }).waitFor();
  await page.getByText(/draining since .* new disks/).waitFor();
  expect((await cluster.client.getWorker('worker-1')).drain).toMatchObject({ reason: 'new disks' });
  await page.getByRole('button', { name: 'End the drain' }).click();
  await page.getByRole('heading', { name: /active/ }).waitFor();
  expect((await cluster.client.getWorker('worker-1')).drain).toBe(null);
});

test('labels are set and taken away', async () => {
  const page = await dashboard.logIn();
  await page.goto('/workers/worker-1');
  await page.getByLabel('Set a label').fill('zone=b');
  await page.getByRole('button', { name: 'Set' }).click();
  await page.getByRole('button', { name: 'Remove the label zone' }).click();
  await page.getByRole('button', { name: 'Remove the label zone' }).waitFor({ state: 'detached' });
  expect((await cluster.client.getWorker('worker-1')).labels).not.toHaveProperty('zone');
});

test('a worker is registered, and the command to paste is shown', async () => {
  const page = await dashboard.logIn();
  await page.goto('/workers');
  await page.getByRole('button', { name: 'Register a worker' }).click();
  await page.getByLabel('Id', { exact: true }).fill('worker-9');
  await page.getByRole('button', { name: 'Register', exact: true }).click();
  expect(await page.getByTestId('join-command').textContent()).toMatch(/^cloudai worker .*--join \S+/);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('grid', { name: 'Workers' }).getByText('worker-9').waitFor();
  await cluster.client.unregisterWorker('worker-9');
  await page.getByRole('grid', { name: 'Workers' }).getByText('worker-9').waitFor({ state: 'detached' });
});

test('a waiting task is moved by drag and by key, and its priority follows', async () => {
  const resources = { cpu: 1, memory: '64Mi' };
  const block = await cluster.client.submitTask({ image: IMAGE, command: 'sleep 300', resources });
  const ids: string[] = [];
  for (const name of ['first', 'second', 'third'])
    ids.push((await cluster.client.submitTask({ name, image: IMAGE, command: 'true', resources })).id);
  const page = await dashboard.logIn();
  await page.goto('/queue');
  const items = page.getByRole('list', { name: 'Waiting tasks in order' }).getByRole('listitem');
  const order = async () => (await items.getByRole('link').allTextContents()).join(' ');
  await expect.poll(order, { timeout: 30_000 }).toBe('first second third');
  await items.nth(2).dragTo(items.nth(0), { targetPosition: { x: 60, y: 4 } });
  await expect.poll(order, { timeout: 30_000 }).toBe('third first second');
  await page.getByRole('button', { name: 'Move second up' }).press('Enter');
  // No priority lies between 51 and 50, so it goes past the one above, the right way.
  await expect.poll(order, { timeout: 30_000 }).toBe('second third first');
  await page.getByLabel('Priority of first').fill('99');
  await page.getByLabel('Priority of first').press('Enter');
  await expect.poll(order, { timeout: 30_000 }).toBe('first second third');
  await cluster.client.cancelTasks({ ids: [block.id, ...ids] });
});

test('anything is found by a few letters', async () => {
  const { id } = await cluster.client.submitTask({
    name: 'needle-in-haystack',
    image: IMAGE,
    command: 'true',
    resources: { cpu: 0.1, memory: '16Mi' },
  });
  const page = await dashboard.logIn();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('needle');
  await page.getByRole('option', { name: /needle-in-haystack/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/tasks/${id}`);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('worker-1');
  await page.getByRole('option', { name: /worker-1/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /worker-1/ }).waitFor();
});

test('who is no admin sees the own namespace and is not offered what is refused', async () => {
  const { client } = cluster;
  const resources = { cpu: 0.1, memory: '16Mi' };
  await client.putNamespace('team');
  await client.putUser('ada', { role: 'user', namespaces: ['team'] });
  const { token } = await client.issueToken('ada', { ttl: '1h' });
  const foreign = await client.submitTask({ name: 'of-others', image: IMAGE, command: 'true', resources });
  await cluster.clientWith({ token }).submitTask({ name: 'of-ada', image: IMAGE, command: 'true', resources });
  const page = await dashboard.logIn({ token });
  await page.goto('/tasks');
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await grid.getByText('of-ada').waitFor();
  expect(await grid.getByText('of-others').count()).toBe(0);
  await page.goto(`/tasks/${foreign.id}`);
  await page.getByText(`There is no task ${foreign.id}`).waitFor();
  await page.goto('/workers/worker-1');
  await page.getByRole('heading', { name: /worker-1/ }).waitFor();
  expect(await page.getByRole('button', { name: 'Drain' }).count()).toBe(0);
  // The browser itself notes the 404 that was asked for.
  expect(dashboard.takeErrors().filter((text) => !text.includes('404'))).toEqual([]);
});

test('the page says when it is stale, and goes on by itself after a restart of the master', async () => {
  const page = await dashboard.logIn();
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: 'i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo line $i; sleep 0.1; done',
    resources: { cpu: 0.5, memory: '32Mi' },
  });
  await page.goto(`/tasks/${id}?tab=log`);
  await page.getByRole('log').getByText('line 1', { exact: true }).waitFor();
  await cluster.master.kill9();
  await page.getByText(/Stale for/).waitFor();
  await cluster.startMaster();
  await page.getByText('Live', { exact: true }).waitFor();
  // Lost connections are noted by the browser itself; nothing else may be there.
  expect(
    dashboard.takeErrors().filter((text) => !/ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE|WebSocket|503/.test(text)),
  ).toEqual([]);
  await cluster.client.cancelTask(id, { message: 'seen enough' });
  // Neither a reload nor a click: state and log come over the connection that was opened again.
  await page.getByRole('heading', { name: /cancelled/ }).waitFor();
  await page.getByRole('log').getByText('The task was cancelled').waitFor();
  dashboard.takeErrors();
});
