// How the dashboard feels, in a real Chromium on a real cluster: until the overview and the task list can be used with
// 100,000 tasks in the store, how smoothly the list scrolls, and how long a line takes from a container to the screen.
//   node bench/dashboard.ts [--stored 100000] [--visits 15] [--lines 150]
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { Dashboard } from '../tests/browser/dashboard.ts';
import { Cluster } from '../tests/e2e/cluster.ts';
import { until } from '../tests/e2e/wait.ts';
import { printReport, quantile, type Row } from './report.ts';

const JOB_TASKS = 10_000;
const LINE_EVERY_MS = 100;
const SCROLLS = 150;
const SCROLL_PX = 900;

const { values } = parseArgs({
  options: {
    stored: { type: 'string', default: '100000' },
    visits: { type: 'string', default: '15' },
    lines: { type: 'string', default: '150' },
  },
});
const stored = Number(values.stored);
const visits = Number(values.visits);
const lines = Number(values.lines);

const cluster = new Cluster({ workers: [{ cpu: 2, memory: '2Gi' }] });
const dashboard = new Dashboard(cluster);
try {
  await cluster.start();
  await dashboard.start();
  await fill();
  const page = await dashboard.logIn();
  const rows = [
    row('overview usable, ms', await overview(page)),
    row('task list usable, ms', await taskList(page)),
    row('frame while the list scrolls, ms', await scrolling(page)),
    row('line printed to line on screen, ms', await logLines(page)),
  ];
  printReport(`The dashboard, ${stored.toLocaleString('en')} tasks in the store`, rows, [
    'Usable: from the start of the navigation until the numbers are there and a key is answered. Browser, master and',
    'worker share this machine; files come from the browser’s cache after the first visit, as they do for users.',
    '',
  ]);
} finally {
  await dashboard.close();
  await cluster.close({ settle: false });
}

/** Tasks that wait for a day to come: they are listed and counted, and cost nothing else. */
async function fill(): Promise<void> {
  const startAfter = new Date(Date.now() + 30 * 86_400_000).toISOString();
  const task = { image: 'busybox', command: 'true', startAfter };
  for (let left = stored; left > 0; left -= JOB_TASKS) {
    const tasks = Array.from({ length: Math.min(left, JOB_TASKS) }, (_, index) => ({
      ...task,
      name: `task-${left}-${index}`,
    }));
    await cluster.client.submitJob({ tasks });
  }
}

async function overview(page: Page): Promise<number[]> {
  return timed(async () => {
    await page.goto('/');
    await page.getByRole('meter', { name: 'CPU reserved' }).waitFor();
    await answersKey(page);
  });
}

async function taskList(page: Page): Promise<number[]> {
  return timed(async () => {
    await page.goto('/tasks');
    await page.getByRole('row').nth(10).waitFor();
    await answersKey(page);
  });
}

async function answersKey(page: Page): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search tasks, workers, pages' }).waitFor();
}

async function timed(visit: () => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  for (let count = 0; count < visits; count++) {
    const start = performance.now();
    await visit();
    took.push(performance.now() - start);
  }
  return took;
}

/** Lengths of all frames while a wheel turns, new pages of the list included. */
async function scrolling(page: Page): Promise<number[]> {
  await page.goto('/tasks');
  await page.getByRole('row').nth(10).hover();
  await page.evaluate(
    'window.frames_ = []; let last = performance.now(); (function frame(now) { window.frames_.push(now - last); last = now; window.scrolling_ = requestAnimationFrame(frame); })(last)',
  );
  for (let count = 0; count < SCROLLS; count++) await page.mouse.wheel(0, SCROLL_PX);
  return await page.evaluate<number[]>('cancelAnimationFrame(window.scrolling_), window.frames_.slice(1)');
}

/** The task prints its clock, the page notes its own when a frame with the line has been drawn: it is the same clock. */
async function logLines(page: Page): Promise<number[]> {
  const script = `let n = 0; const t = setInterval(() => { console.log('at ' + Date.now()); if (++n === ${lines}) clearInterval(t); }, ${LINE_EVERY_MS}); setTimeout(() => {}, ${LINE_EVERY_MS * lines + 60_000})`;
  const { id } = await cluster.client.submitTask({
    image: 'cloudai/node:local',
    command: ['node', '-e', `setTimeout(() => { ${script} }, 5000)`],
    resources: { cpu: 0.5, memory: '128Mi' },
  });
  await page.goto(`/tasks/${id}?tab=log`);
  await page.getByRole('log').waitFor();
  await page.evaluate(`
    window.seen_ = new Map();
    const note = () => requestAnimationFrame(() => {
      for (const [, at] of document.querySelector('[role=log]').textContent.matchAll(/at (\\d{13})/g))
        if (!window.seen_.has(at)) window.seen_.set(at, Date.now() - Number(at));
    });
    new MutationObserver(note).observe(document.querySelector('[role=log]'), { childList: true, subtree: true, characterData: true });
  `);
  await until(async () => (await page.evaluate<number>('window.seen_.size')) >= lines, {
    what: 'every line to be on the screen',
    withinMs: LINE_EVERY_MS * lines + 60_000,
    pollMs: 500,
  });
  await cluster.client.cancelTask(id);
  return await page.evaluate<number[]>('[...window.seen_.values()]');
}

function row(what: string, samples: readonly number[]): Row {
  return {
    what,
    p50: quantile(samples, 0.5),
    p95: quantile(samples, 0.95),
    worst: Math.max(...samples),
    samples: samples.length,
  };
}
