export { TraceError } from './traces/file.ts';
export { OPENB_LISTS, TraceFolder } from './traces/folder.ts';
