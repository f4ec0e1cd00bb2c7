/** A server between programs and the API: it passes requests on, and causes the faults of a network. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

type Fault = 429 | 503 | 'break';

export class Relay {
  /** Scheme, host and port of the server behind it. */
  target = '';
  /** Originals that it has passed on, without those that had not changed. */
  downloads = 0;
  /** The rests of originals that it has passed on: the place of their first byte. */
  rests: number[] = [];
  /** Requests, also those that it did not pass on. */
  requests = 0;
  /** What the next requests get in place of a response. */
  faults: Fault[] = [];
  private holding: { after: number; reached: () => void; released: Promise<void> } | undefined;
  private release: () => void = () => undefined;
  private cut: ((breakOff: () => void) => void) | undefined;

  private constructor(private readonly server: Server) {
    server.on('request', (incoming, outgoing) => void this.respond(incoming, outgoing));
  }

  static async start(): Promise<Relay> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Lets this many more originals pass. The promise resolves at the next request, which waits until `resume`. */
  async holdAfter(downloads: number): Promise<void> {
    const released = new Promise<void>((resolve) => (this.release = resolve));
    await new Promise<void>((reached) => {
      this.holding = { after: this.downloads + downloads, reached, released };
    });
  }

  /**
   * Passes on half of the next original or rest, and then nothing. The promise resolves there. Its function breaks the
   * connection.
   */
  async holdInTheMiddle(): Promise<() => void> {
    return new Promise((reached) => (this.cut = reached));
  }

  resume(): void {
    this.holding = undefined;
    this.release();
  }

  stop(): void {
    this.resume();
    this.server.close();
    this.server.closeAllConnections();
  }

  private async respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    this.requests += 1;
    const holding = this.holding;
    if (holding && this.downloads >= holding.after) {
      holding.reached();
      await holding.released;
    }
    const fault = this.faults.shift();
    if (fault === 'break') {
      incoming.destroy();
    } else if (fault) {
      outgoing.writeHead(fault, { 'Retry-After': '0' }).end();
    } else {
      this.pass(incoming, outgoing);
    }
  }

  private pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url, headers } = incoming;
    const passed = request(new URL(url ?? '/', this.target), { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      const isOriginal = url?.startsWith('/files/') && [200, 206].includes(response.statusCode ?? 0);
      if (isOriginal) {
        this.count(response);
      }
      if (isOriginal && this.cut) {
        void this.passHalf(response, outgoing, this.cut);
        this.cut = undefined;
      } else {
        response.pipe(outgoing);
      }
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  }

  private count({ statusCode, headers }: IncomingMessage): void {
    if (statusCode === 206) {
      this.rests.push(Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]));
    } else {
      this.downloads += 1;
    }
  }

  private async passHalf(
    response: IncomingMessage,
    outgoing: ServerResponse,
    reached: (breakOff: () => void) => void,
  ): Promise<void> {
    const content = await buffer(response);
    outgoing.write(content.subarray(0, content.length / 2), () => reached(() => outgoing.destroy()));
  }
}
