/** A server between programs and the API: it passes requests on, and causes the faults of a network. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Fault = 429 | 503 | 'break';

export class Relay {
  /** Scheme, host and port of the server behind it. */
  target = '';
  /** Originals that it has passed on, without those that had not changed. */
  downloads = 0;
  /** What the next requests get in place of a response. */
  faults: Fault[] = [];
  private holding: { after: number; reached: () => void; released: Promise<void> } | undefined;
  private release: () => void = () => undefined;

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
      if (url?.startsWith('/files/') && response.statusCode === 200) {
        this.downloads += 1;
      }
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  }
}
