// Commits one task with its event after another and says so; run as a process of its own, to be killed.
import { openStore } from '../open.ts';
import { clusterRow, created, eventRow, events, idOf, taskRow } from './rows.ts';

const [path = '', batch = '3'] = process.argv.slice(2);
const store = await openStore(`sqlite:${path}`, { reserveBytes: 0 });
const { cluster } = await store.load(Number.POSITIVE_INFINITY);
const epoch = (await store.info()).epoch + 1;
let count = cluster?.taskSequence ?? 0;
for (;;) {
  const first = count + 1;
  count += Number(batch);
  const numbers = Array.from({ length: count - first + 1 }, (_, n) => first + n);
  try {
    await store.commit(epoch, [
      ...created(...numbers.map((n) => taskRow(n))),
      ...events(...numbers.map((n) => eventRow(n, { taskId: idOf(n) }))),
      { kind: 'cluster', row: clusterRow({ epoch, taskSequence: count, eventSequence: count }) },
    ]);
  } catch (error) {
    process.stdout.write(
      `failed ${JSON.stringify({ code: (error as { code: string }).code, state: store.health().state })}\n`,
    );
    await store.commit(epoch, []).catch((again: { code: string }) => process.stdout.write(`again ${again.code}\n`));
    break;
  }
  process.stdout.write(`stored ${count}\n`);
}
await store.close();
