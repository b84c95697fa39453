// `npm start`: sees to Docker and the local images, then becomes `cloudai dev --sample` with the flags given, so that
// signals and the exit code are the command's own.
import path from 'node:path';
import { DockerUnavailable, ensureDocker, UNAVAILABLE } from './docker.mjs';
import { ensureImages } from './images.ts';

const root = path.resolve(import.meta.dirname, '..');

try {
  const { host } = await ensureDocker((line: string) => console.error(`docker: ${line}`));
  await ensureImages(host, (line) => console.error(`images: ${line}`));
  const command = path.join(root, 'bin/cloudai');
  if (process.execve === undefined) throw new Error('This system cannot replace a process; run bin/cloudai dev');
  process.execve(command, [command, 'dev', '--sample', ...process.argv.slice(2)], {
    ...process.env,
    DOCKER_HOST: host,
  });
} catch (error) {
  if (!(error instanceof DockerUnavailable)) throw error;
  console.error(error.message);
  process.exit(UNAVAILABLE);
}
