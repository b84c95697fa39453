export { openGrpc } from './open.ts';
