import { join } from 'node:path';
import { conformance } from '../conformance.ts';
import { openStore } from '../open.ts';
import { directory } from '../testing/place.ts';

conformance({ name: 'sqlite', open: openStore, place: () => `sqlite:${join(directory(), 'cloudai.db')}` });
