import { expect, test } from 'vitest';
import { defaultInterfaces, parseDevices, readNetworkBytes } from './network-usage.ts';

const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;

const DEVICES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  987654    1234    0    0    0     0          0         0   987654    1234    0    0    0     0       0          0
  eth0:904328277  654321    0    0    0     0          0         0  1525514   54321    0    0    0     0       0          0
docker0:       7       1    0    0    0     0          0         0        8       1    0    0    0     0       0          0
`;

test('the interfaces that lead out are those of the default routes', () => {
  expect([...defaultInterfaces(ROUTES)]).toEqual(['eth0']);
  expect([...defaultInterfaces('')]).toEqual([]);
});

test('bytes are read by column, also where the first one touches the name', () => {
  expect(parseDevices(DEVICES).get('eth0')).toEqual({ rx: 904_328_277, tx: 1_525_514 });
  expect(parseDevices(DEVICES).get('docker0')).toEqual({ rx: 7, tx: 8 });
  expect([...parseDevices(DEVICES).keys()]).toEqual(['lo', 'eth0', 'docker0']);
});

test('this machine has counters that do not go back', async () => {
  const before = await readNetworkBytes();
  const after = await readNetworkBytes();
  expect(after.rx).toBeGreaterThanOrEqual(before.rx);
  expect(after.tx).toBeGreaterThanOrEqual(before.tx);
});
