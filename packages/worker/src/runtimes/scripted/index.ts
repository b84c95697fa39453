export { type Program, parseProgram } from './program.ts';
export { ScriptedMachine, ScriptedRuntime, scriptedLine } from './runtime.ts';
