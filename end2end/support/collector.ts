/** Collects whatever a page must never do. */

import type { BrowserContext } from '@playwright/test';

export class Collector {
  private readonly complaints: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(private readonly origin: string) {}

  /** What this test provokes on purpose, such as the browser's own note on a refused request. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  /** Everything seen, allowed or not. */
  get seen(): readonly string[] {
    return this.complaints;
  }

  /** Everything seen that was not allowed. */
  get unexpected(): string[] {
    return this.complaints.filter(
      (complaint) => !this.allowed.some((pattern) => pattern.test(complaint)),
    );
  }

  async watch(context: BrowserContext): Promise<void> {
    context.on('console', (message) => {
      if (['error', 'warning', 'assert'].includes(message.type())) {
        this.complaints.push(`console ${message.type()}: ${message.text()}`);
      }
    });
    context.on('weberror', (error) => {
      this.complaints.push(`page error: ${error.error()}`);
    });
    context.on('request', (request) => {
      if (new URL(request.url()).origin !== this.origin) {
        this.complaints.push(`request outside the origin: ${request.url()}`);
      }
    });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP violation: ${event.violatedDirective} by ${event.blockedURI}`);
      });
    });
  }
}
