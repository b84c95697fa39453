/** What tests of the worker outside this package use. */

export { systemClock } from '../clock.ts';
export { DockerRuntime, openDockerRuntime } from '../runtimes/docker/index.ts';
export { ScriptedMachine, ScriptedRuntime } from '../runtimes/scripted/index.ts';
export { type AssignmentOptions, assignment, runSpec } from './assignment.ts';
export { FakeMaster, type FakeMasterOptions, FakeSession, ReceivedLog } from './fake-master.ts';
export { ManualClock } from './manual-clock.ts';
