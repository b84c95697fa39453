export { dockerSocketPath } from './client.ts';
export { DockerRuntime, type DockerRuntimeOptions, openDockerRuntime } from './runtime.ts';
