/** For the tests of clients: a master in memory that answers every operation over real HTTP. */
export { MemoryMaster, type Mishap, type SeenRequest } from './memory-master.ts';
export { anArtifact, anAttempt, aTask, aWorker, RESOURCES } from './rows.ts';
