// The entry of `cloudai`. Nothing but the commands that are called gets loaded.
import { enableCompileCache } from 'node:module';
import path from 'node:path';

// Beside the packages, where only those can write who could change the code as well: what is compiled gets executed.
enableCompileCache(path.resolve(import.meta.dirname, '../../../node_modules/.cache/cloudai'));
const { runProcess } = await import('./process.ts');
await runProcess(process.argv.slice(2));
