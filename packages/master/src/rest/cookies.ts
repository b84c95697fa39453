/** The cookies of a browser's session. */

/** Holds the session's token; no script can read it. */
export const SESSION_COOKIE = 'cloudai_session';
/** Unix ms until which the session lasts, and nothing secret: a page sees by it whether to show its login. */
export const UNTIL_COOKIE = 'cloudai_session_until';

export function sessionOf(header: string | undefined): string | null {
  for (const pair of header?.split(';') ?? []) {
    const [name = '', value = ''] = pair.split('=', 2);
    if (name.trim() === SESSION_COOKIE && value.trim() !== '') return value.trim();
  }
  return null;
}

export function sessionCookies(token: string, expiresAt: number, now: number, isSecure: boolean): string[] {
  const seconds = Math.max(0, Math.floor((expiresAt - now) / 1000));
  return cookies(token, String(expiresAt), seconds, isSecure);
}

export function endedCookies(isSecure: boolean): string[] {
  return cookies('', '', 0, isSecure);
}

function cookies(token: string, until: string, seconds: number, isSecure: boolean): string[] {
  const rest = `Path=/; Max-Age=${seconds}; SameSite=Strict${isSecure ? '; Secure' : ''}`;
  return [`${SESSION_COOKIE}=${token}; HttpOnly; ${rest}`, `${UNTIL_COOKIE}=${until}; ${rest}`];
}
