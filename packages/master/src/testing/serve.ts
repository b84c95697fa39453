/** A master in a process of its own, for tests that kill it: `node serve.ts DATA WORKER_PORT REST_PORT`. */
import { pino } from 'pino';
import { serveMaster } from '../process.ts';

const [dataDir = '', workerPort = '0', restPort = '0'] = process.argv.slice(2);

process.exitCode = await serveMaster(
  {
    dataDir,
    version: '0.0.0-test',
    workers: { port: Number(workerPort) },
    rest: { port: Number(restPort) },
    reserveBytes: 0,
    log: pino({ level: 'silent' }),
  },
  (line) => console.log(line),
);
