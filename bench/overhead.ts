// What CloudAI costs on top of Docker: the same containers, asked for directly and through the cluster, turn and turn
// about, so that both have the same machine in the same minute.
import { Cluster, IMAGE } from '../tests/e2e/cluster.ts';
import { until } from '../tests/e2e/wait.ts';
import { recipeOf, runManyRaw, runRaw } from './raw-engine.ts';
import { median, printReport, quantile, type Row } from './report.ts';

const AT_ONCE = [1, 4, 8];
const ROUNDS = 3;
const TASKS_PER_SLOT = 3;
const FEWEST_TASKS = 8;
const STARTS = 12;
const COMMAND = ['true'];
const RESOURCES = { cpu: 1, memory: '32Mi', storage: '16Mi' };

const cluster = new Cluster({
  workers: AT_ONCE.map((slots) => ({
    id: `slots-${slots}`,
    cpu: slots,
    memory: '8Gi',
    labels: { slots: String(slots) },
  })),
});

try {
  await cluster.start();
  const recipe = await recipeOfTask();
  const rows: Row[] = [];
  for (const slots of AT_ONCE) rows.push(await compareRates(recipe, slots));
  const starts = await compareStarts(recipe);
  printReport('Tasks per second, through CloudAI and straight from the engine', rows, [
    `Each figure is the median of ${ROUNDS} interleaved rounds; a round ends when the last container is removed.`,
    '',
    `Submit to container start, one task at a time on an idle cluster, ${STARTS} interleaved pairs:`,
    `CloudAI p50 ${starts.cloudai.toFixed(0)} ms, engine p50 ${starts.engine.toFixed(0)} ms, added ${starts.added.toFixed(0)} ms (p50 of the pairs)`,
    '',
  ]);
} finally {
  await cluster.close();
}

/** Everything about a container that CloudAI made, to make the same ones without it. */
async function recipeOfTask(): Promise<object> {
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: ['sleep', '60'],
    resources: RESOURCES,
    stopGrace: '0s',
  });
  const [container] = await until(
    async () => {
      const found = await cluster.containersOf(id);
      return found[0]?.State === 'running' && found;
    },
    { what: 'a container to look at' },
  );
  const recipe = recipeOf(await cluster.docker.inspect(container!.Id), COMMAND);
  await cluster.client.cancelTask(id);
  await cluster.settle();
  return recipe;
}

async function compareRates(recipe: object, slots: number): Promise<Row> {
  const count = Math.max(FEWEST_TASKS, slots * TASKS_PER_SLOT);
  const engine: number[] = [];
  const cloudai: number[] = [];
  const rawMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const raw = await runManyRaw(cluster.docker, recipe, count, slots);
    engine.push((count / raw.ms) * 1000);
    rawMs.push(...raw.tasks.map(({ totalMs }) => totalMs));
    cloudai.push((count / (await runThrough(slots, count))) * 1000);
  }
  const ratios = cloudai.map((rate, round) => rate / engine[round]!);
  return {
    'at once': slots,
    'tasks a round': count,
    'CloudAI tasks/s': median(cloudai),
    'engine tasks/s': median(engine),
    'CloudAI / engine': median(ratios),
    'engine ms a task, p50': median(rawMs),
    'engine ms a task, p99': quantile(rawMs, 0.99),
  };
}

/** Milliseconds from the submit until every task has ended and every container is removed. */
async function runThrough(slots: number, count: number): Promise<number> {
  const task = { image: IMAGE, command: COMMAND, resources: RESOURCES, selector: { slots: String(slots) } };
  const begun = performance.now();
  const { taskIds } = await cluster.client.submitJob({ tasks: Array.from({ length: count }, () => task) });
  // Looks rarely while there is much to do: looking costs the machine, too.
  await cluster.client.waitForTask(taskIds.at(-1)!, { pollMs: 200 });
  for (const id of taskIds) {
    const { task: ended } = await cluster.client.waitForTask(id, { pollMs: 50 });
    if (ended.state !== 'completed') throw new Error(`a task of the benchmark ${ended.state}: ${ended.message}`);
  }
  await until(async () => (await cluster.containers()).length === 0, { what: 'the containers to be removed' });
  return performance.now() - begun;
}

async function compareStarts(recipe: object): Promise<{ cloudai: number; engine: number; added: number }> {
  const engine: number[] = [];
  const cloudai: number[] = [];
  for (let pair = 0; pair < STARTS; pair++) {
    engine.push((await runRaw(cluster.docker, recipe)).startMs);
    const asked = Date.now();
    const { id } = await cluster.client.submitTask({
      image: IMAGE,
      command: COMMAND,
      resources: RESOURCES,
      worker: 'slots-8',
    });
    const { attempts } = await cluster.client.waitForTask(id, { pollMs: 100 });
    cloudai.push(Date.parse(attempts[0]!.startedAt!) - asked);
    await until(async () => (await cluster.containers()).length === 0, { what: 'the container to be removed' });
  }
  const added = cloudai.map((ms, pair) => ms - engine[pair]!);
  return { cloudai: median(cloudai), engine: median(engine), added: median(added) };
}
