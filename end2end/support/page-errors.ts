/** Collects everything that a page must never do. The `pageErrors` fixture fails a test that leaves any behind. */

import type { BrowserContext } from '@playwright/test';

/** Console errors and warnings, uncaught errors, violations of the Content-Security-Policy, requests to other origins. */
export class PageErrors {
  private readonly all: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(private readonly origin: string) {}

  /** Allows errors that the test causes on purpose, such as the browser's own message about a refused request. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  /** All errors, allowed or not. */
  get seen(): readonly string[] {
    return this.all;
  }

  /** The errors that the test did not allow. */
  get unexpected(): string[] {
    return this.all.filter((error) => !this.allowed.some((pattern) => pattern.test(error)));
  }

  async watch(context: BrowserContext): Promise<void> {
    context.on('console', (message) => {
      if (['error', 'warning', 'assert'].includes(message.type())) {
        this.all.push(`console ${message.type()}: ${message.text()}`);
      }
    });
    context.on('weberror', (error) => {
      this.all.push(`page error: ${error.error()}`);
    });
    context.on('request', (request) => {
      if (new URL(request.url()).origin !== this.origin) {
        this.all.push(`request outside the origin: ${request.url()}`);
      }
    });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP violation: ${event.violatedDirective} by ${event.blockedURI}`);
      });
    });
  }
}
