import type { CloudAI } from '@cloudai/sdk';

export interface DashboardUrl {
  readonly url: string;
  readonly expiresAt: string;
}

/**
 * The dashboard with a login code behind `#`: browsers do not send that part, so the code is in no log of the way, and
 * it works once.
 */
export async function dashboardUrl(client: CloudAI, master: string, signal?: AbortSignal): Promise<DashboardUrl> {
  const { code, expiresAt } = await client.createLoginCode(signal === undefined ? {} : { signal });
  return { url: `${master.replace(/\/+$/, '')}/#login=${code}`, expiresAt };
}
