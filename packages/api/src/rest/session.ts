/** Logging in with a browser: a token, or a code made from one, is traded for a session in a cookie. */
import { type Static, Type } from 'typebox';

const Time = Type.String({ format: 'date-time', maxLength: 40 });

export const SessionRequest = Type.Object(
  {
    token: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'A bearer token of the user.' })),
    code: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'A login code, as `POST /session/codes` answers it.' }),
    ),
  },
  { additionalProperties: false, minProperties: 1, maxProperties: 1, $id: 'SessionRequest' },
);
export type SessionRequest = Static<typeof SessionRequest>;

export const SessionView = Type.Object(
  {
    user: Type.String(),
    role: Type.Union([Type.Literal('admin'), Type.Literal('user')]),
    namespaces: Type.Array(Type.String(), { description: 'Of which the user is a member. An admin sees all anyway.' }),
    token: Type.String({ description: 'Id of the token that this request was made with.' }),
    expiresAt: Type.Union([Time, Type.Null()]),
  },
  { $id: 'Session' },
);
export type SessionView = Static<typeof SessionView>;

export const LoginCodeView = Type.Object(
  {
    code: Type.String({ description: 'Works once. The dashboard takes it as `/#login=<code>`.' }),
    expiresAt: Time,
  },
  { $id: 'LoginCode' },
);
export type LoginCodeView = Static<typeof LoginCodeView>;
