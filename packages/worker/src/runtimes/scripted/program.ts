/**
 * What a scripted container does, written as an image name: `scripted:sleep=100,exit=3,lines=5`, or with any image in
 * the variable `CLOUDAI_SCRIPT`, which wins. Without options it ends at once with exit code 0. Times are in ms.
 */
export interface Program {
  /** The image takes this long to arrive. */
  readonly pullMs: number;
  readonly startMs: number;
  readonly sleepMs: number;
  readonly exitCode: number;
  /** Lines on stdout and stderr, spread over the run. */
  readonly lines: number;
  readonly errorLines: number;
  /** Length of each line with its newline. */
  readonly lineBytes: number;
  /** Files in /output. */
  readonly files: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  /** Does not end at the stop signal, only when killed. */
  readonly ignoresStop: boolean;
  readonly end: 'exit' | 'oom' | 'external' | 'daemonRestart';
  readonly fails: null | 'image_error' | 'start_error' | 'command_error';
}

const DEFAULTS: Program = {
  pullMs: 0,
  startMs: 0,
  sleepMs: 0,
  exitCode: 0,
  lines: 0,
  errorLines: 0,
  lineBytes: 32,
  files: 0,
  fileBytes: 64,
  memoryBytes: 4 * 2 ** 20,
  storageBytes: 0,
  ignoresStop: false,
  end: 'exit',
  fails: null,
};

const NUMBERS: Readonly<Record<string, keyof Program>> = {
  pull: 'pullMs',
  start: 'startMs',
  sleep: 'sleepMs',
  exit: 'exitCode',
  lines: 'lines',
  errors: 'errorLines',
  line: 'lineBytes',
  files: 'files',
  file: 'fileBytes',
  memory: 'memoryBytes',
  storage: 'storageBytes',
};

const WORDS: Readonly<Record<string, Partial<Program>>> = {
  'ignore-stop': { ignoresStop: true },
  oom: { end: 'oom', exitCode: 137 },
  external: { end: 'external', exitCode: 137 },
  'daemon-restart': { end: 'daemonRestart', exitCode: 137 },
  'image-error': { fails: 'image_error' },
  'start-error': { fails: 'start_error' },
  'command-error': { fails: 'command_error' },
};

/** Null when the image is not a program; throws on an option that does not exist. */
export function parseProgram(image: string): Program | null {
  const match = /^scripted(?::(.*))?$/.exec(image);
  if (match === null) return null;
  return parseOptions(match[1] ?? '');
}

export function parseOptions(text: string): Program {
  let program = DEFAULTS;
  for (const option of text.split(',')) {
    if (option !== '' && option !== 'latest') program = { ...program, ...parseOption(option) };
  }
  return program;
}

function parseOption(option: string): Partial<Program> {
  const word = Object.hasOwn(WORDS, option) ? WORDS[option] : undefined;
  if (word !== undefined) return word;
  const [name = '', value = ''] = option.split('=');
  const number = Number(value);
  if (!Object.hasOwn(NUMBERS, name) || value === '' || !Number.isSafeInteger(number) || number < 0) {
    throw new Error(`"${option}" is not an option of a scripted image`);
  }
  return { [NUMBERS[name]!]: number };
}
