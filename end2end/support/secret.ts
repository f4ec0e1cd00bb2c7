/** Searches pages, memory and responses for a token's secret. */

import type { BrowserContext, Page, Response } from '@playwright/test';

/** The secret part of a token: everything after the preview. */
export function secretPart(token: string): string {
  return token.slice(5);
}

/** Keeps a reference to the linear memory of each WASM module, on pages opened from now on, so that it can be searched. */
export async function keepWasmMemory(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const memories: WebAssembly.Memory[] = [];
    Object.assign(window, { wasmMemories: memories });
    const keep = (instance: WebAssembly.Instance) => {
      for (const value of Object.values(instance.exports)) {
        if (value instanceof WebAssembly.Memory) {
          memories.push(value);
        }
      }
    };
    const { instantiate, instantiateStreaming } = WebAssembly;
    const keepingInstantiate = async (source: BufferSource, imports?: WebAssembly.Imports) => {
      const result: WebAssembly.WebAssemblyInstantiatedSource | WebAssembly.Instance =
        await instantiate(source, imports);
      keep(result instanceof WebAssembly.Instance ? result : result.instance);
      return result;
    };
    WebAssembly.instantiate = keepingInstantiate as typeof instantiate;
    WebAssembly.instantiateStreaming = async (source, imports) => {
      const result = await instantiateStreaming(source, imports);
      keep(result.instance);
      return result;
    };
  });
}

/** How often the page's WASM memory contains a text, as UTF-8 or UTF-16. Fails if the page has no WASM memory. */
export async function timesInWasmMemory(page: Page, wanted: string): Promise<number> {
  return page.evaluate((wanted) => {
    const { wasmMemories } = window as unknown as { wasmMemories: WebAssembly.Memory[] };
    if (wasmMemories.length === 0) {
      throw new Error('the page has no WASM memory');
    }
    const codes = Array.from(wanted, (letter) => letter.charCodeAt(0));
    const patterns = [codes, codes.flatMap((code) => [code, 0])];
    let times = 0;
    for (const memory of wasmMemories) {
      const bytes = new Uint8Array(memory.buffer);
      for (const pattern of patterns) {
        let at = bytes.indexOf(pattern[0]!);
        while (at !== -1) {
          if (pattern.every((byte, offset) => bytes[at + offset] === byte)) {
            times += 1;
          }
          at = bytes.indexOf(pattern[0]!, at + 1);
        }
      }
    }
    return times;
  }, wanted);
}

/** Everything that a page keeps, as text: markup, values of fields, storage, history, address, cookies. */
export async function everythingOnPage(page: Page): Promise<string> {
  return page.evaluate(() => {
    const fields = [...document.querySelectorAll('input, textarea, select')] as HTMLInputElement[];
    return JSON.stringify([
      document.documentElement.outerHTML,
      fields.map((field) => [field.value, field.defaultValue]),
      { ...localStorage },
      { ...sessionStorage },
      history.state,
      location.href,
      document.cookie,
      window.name,
    ]);
  });
}

/** Records every response that a browser gets: address, headers and body. */
export class ResponseRecorder {
  private readonly pending: Promise<{ url: string; text: string }>[] = [];

  constructor(context: BrowserContext) {
    context.on('response', (response) => {
      const reading = textOf(response);
      // `search` reports a response that could not be read. Without this handler, a response that is still under way
      // when the test ends would be an unhandled rejection, which fails the test.
      reading.catch(() => undefined);
      this.pending.push(reading);
    });
  }

  /** Waits until every response so far was read. Call it before the page navigates, because the browser then drops them. */
  async read(): Promise<void> {
    await Promise.all(this.pending);
  }

  /**
   * The number of responses, and the paths of those that contain `wanted`. Fails if a response cannot be read, because
   * it might contain `wanted`.
   */
  async search(wanted: string): Promise<{ all: number; with: string[] }> {
    const responses = await Promise.all(this.pending);
    const found = responses.filter(({ text }) => text.includes(wanted));
    return { all: responses.length, with: found.map(({ url }) => new URL(url).pathname) };
  }
}

async function textOf(response: Response): Promise<{ url: string; text: string }> {
  const headers = JSON.stringify(await response.allHeaders());
  const isRedirect = response.status() >= 300 && response.status() < 400;
  // The browser does not keep the body of a redirect.
  const body = isRedirect ? '' : (await response.body()).toString('latin1');
  return { url: response.url(), text: headers + body };
}
