// The entry of `cloudai`. Nothing but the commands that are called gets loaded.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runProcess } = await import('./process.ts');
await runProcess(process.argv.slice(2));
