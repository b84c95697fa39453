/** The settings for people: `cloudai config` and docs/reference/configuration.md. */
import { KIND_NAMES } from './kinds.ts';
import { envName } from './load.ts';
import { MASTER_SETTINGS, type Setting, WORKER_SETTINGS } from './settings.ts';

export interface SettingInfo {
  readonly process: 'master' | 'worker';
  readonly key: string;
  readonly type: string;
  /** As it would be written; null: not set. */
  readonly default: string | null;
  readonly env: string;
  readonly meaning: string;
}

export function describeConfig(): readonly SettingInfo[] {
  return [...describe('master', MASTER_SETTINGS), ...describe('worker', WORKER_SETTINGS)];
}

/** The two tables of the reference page, in Markdown. */
export function configMarkdown(): string {
  const table = (process: SettingInfo['process']) =>
    describeConfig()
      .filter((info) => info.process === process)
      .map(
        ({ key, type, default: usual, env, meaning }) =>
          `| \`${key}\` | ${type} | ${usual === null ? '' : `\`${usual}\``} | \`${env}\` | ${meaning} |`,
      )
      .join('\n');
  const head = '| Key | Written as | Default | Environment | Meaning |\n| --- | --- | --- | --- | --- |';
  return `## Master\n\n${head}\n${table('master')}\n\n## Worker\n\n${head}\n${table('worker')}\n`;
}

function describe(process: SettingInfo['process'], table: Readonly<Record<string, Setting>>): SettingInfo[] {
  return Object.entries(table).map(([key, setting]) => ({
    process,
    key,
    type: setting.choices === undefined ? KIND_NAMES[setting.kind] : setting.choices.join(', '),
    default: setting.default === null ? null : String(setting.default),
    env: envName(key),
    meaning: setting.meaning,
  }));
}
