// A small task to try CloudAI with: it computes a few statistics, shows its progress and leaves a result file.
//
//   SEED        the same seed gives the same data (a random one is chosen and printed otherwise)
//   OUTPUT_DIR  where result.json goes, /output by default
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MIN_POINTS = 50;
const MAX_POINTS = 150;
const PROGRESS_EVERY = 20;
const MIN_TOTAL_MS = 2_000;
const MAX_TOTAL_MS = 4_000;

const outputDir = process.env.OUTPUT_DIR ?? '/output';
const seed = readSeed();
const random = mulberry32(seed);

const points = MIN_POINTS + Math.floor(random() * (MAX_POINTS - MIN_POINTS + 1));
const totalMs = MIN_TOTAL_MS + random() * (MAX_TOTAL_MS - MIN_TOTAL_MS);

// Checked before the work: nobody wants to learn about it after the last point.
const resultFile = prepareOutput();

console.log(`Sample task 1: ${points} data points, seed ${seed}`);
let sum = 0;
for (let done = 1; done <= points; done++) {
  sum += Math.floor(random() * 1000);
  if (done % PROGRESS_EVERY === 0 || done === points) {
    const inThisStep = done % PROGRESS_EVERY || PROGRESS_EVERY;
    await sleep((totalMs / points) * inThisStep);
    console.log(`Processed ${done}/${points} points (${Math.round((100 * done) / points)} %)`);
  }
}

const result = { seed, count: points, sum, average: Math.round((100 * sum) / points) / 100 };
fs.writeFileSync(resultFile, `${JSON.stringify(result, null, 2)}\n`);
console.log(`Count ${result.count}, sum ${result.sum}, average ${result.average}`);
console.log(`Result written to ${resultFile}`);

function readSeed() {
  const text = process.env.SEED;
  if (text === undefined || text === '') return Math.floor(Math.random() * 2 ** 32);
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    fail(`SEED must be a whole number of at least 0, it is "${text}"`);
  }
  return value;
}

function prepareOutput() {
  const file = path.join(outputDir, 'result.json');
  try {
    fs.mkdirSync(outputDir, { recursive: true });
    fs.writeFileSync(file, '');
    return file;
  } catch (error) {
    return fail(`Cannot write to ${outputDir}: ${error.message}`);
  }
}

/** A small generator with a seed; Math.random has none. */
function mulberry32(start) {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function fail(message) {
  console.error(`Error: ${message}`);
  process.exit(1);
}
