export { type HubOptions, WatchHub } from './hub.ts';
export { addUpgrade, isUpgrade, withProtocolToken } from './upgrade.ts';
