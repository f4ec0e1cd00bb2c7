/** Calls the external API with a token, as a partner's program does. */

import { request } from 'node:http';
import { text } from 'node:stream/consumers';

import { EVENT, SUMMIT } from './demo.ts';

export interface ApiResponse {
  status: number | undefined;
  /** `X-Error-Code`. */
  code: string | undefined;
  body: string;
}

export interface Call {
  organisation?: number;
  event?: number;
  /** The `Host` header; by default the server's own address. */
  host?: string;
}

/** The response to a ping of event 456 with a token of organisation 903. */
export const PONG: ApiResponse = {
  status: 200,
  code: undefined,
  body: '{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}',
};

/** Sends `GET …/ping` on a connection of its own. */
export async function ping(
  server: { url: string },
  token: string | undefined,
  { organisation = SUMMIT, event = EVENT, host }: Call = {},
): Promise<ApiResponse> {
  const headers: Record<string, string> = {};
  if (token !== undefined) {
    headers['X-API-Key'] = token;
  }
  if (host !== undefined) {
    headers['Host'] = host;
  }
  const url = new URL(`/api/v1/ext/${organisation}/event/${event}/ping`, server.url);
  return new Promise((resolve, reject) => {
    const call = request(url, { headers, agent: false }, (response) => {
      const code = response.headers['x-error-code'];
      text(response).then(
        (body) => resolve({ status: response.statusCode, code: code?.toString(), body }),
        reject,
      );
    });
    call.on('error', reject).end();
  });
}

/** Status and code of a refusal. */
export function refusal(response: ApiResponse): Pick<ApiResponse, 'status' | 'code'> {
  const { status, code } = response;
  return { status, code };
}
