import { CloudAI } from '@cloudai/sdk';

/** The one client of the page. The browser's cookie says who calls. */
export const client = new CloudAI({ url: window.location.origin });

/** When the session ends, as the master wrote it beside the session's own cookie; null: nobody is logged in. */
export function sessionUntil(): number | null {
  const [, value] = /(?:^|; )cloudai_session_until=(\d+)/.exec(document.cookie) ?? [];
  return value === undefined ? null : Number(value);
}
