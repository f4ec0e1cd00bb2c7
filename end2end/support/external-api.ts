/** A partner's program: calls the external API with a token. */

import { request } from 'node:http';
import { text } from 'node:stream/consumers';

import { EVENT, SUMMIT } from './demo.ts';

export interface Answer {
  status: number | undefined;
  /** `X-Error-Code`. */
  code: string | undefined;
  body: string;
}

export interface Call {
  organisation?: number;
  event?: number;
  /** The `Host` header, if not the address called. */
  host?: string;
}

/** What ping answers to a token that opens event 456 of organisation 903. */
export const PONG: Answer = {
  status: 200,
  code: undefined,
  body: '{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}',
};

/** `GET …/ping` by a real HTTP request. */
export async function ping(
  server: { url: string },
  token: string | undefined,
  { organisation = SUMMIT, event = EVENT, host }: Call = {},
): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (token !== undefined) {
    headers['X-API-Key'] = token;
  }
  if (host !== undefined) {
    headers['Host'] = host;
  }
  const url = new URL(`/api/v1/ext/${organisation}/event/${event}/ping`, server.url);
  return new Promise((resolve, reject) => {
    const call = request(url, { headers, agent: false }, (answer) => {
      const code = answer.headers['x-error-code'];
      text(answer).then(
        (body) => resolve({ status: answer.statusCode, code: code?.toString(), body }),
        reject,
      );
    });
    call.on('error', reject).end();
  });
}

/** The part of an answer that says why it is a refusal. */
export function refusal(answer: Answer): { status: number | undefined; code: string | undefined } {
  const { status, code } = answer;
  return { status, code };
}
