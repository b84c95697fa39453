/** A master in a process of its own, for tests that kill or stop it: `node serve.ts DATA [OPTIONS AS JSON]`. */
import { pino } from 'pino';
import { type MasterOptions, serveMaster } from '../process.ts';

const [dataDir = '', rest = '{}'] = process.argv.slice(2);

process.exitCode = await serveMaster(
  {
    dataDir,
    version: '0.0.0-test',
    workers: { port: 0 },
    rest: { port: 0 },
    reserveBytes: 0,
    log: pino({ level: 'silent' }),
    ...(JSON.parse(rest) as Partial<MasterOptions>),
  },
  (line) => console.log(line),
);
