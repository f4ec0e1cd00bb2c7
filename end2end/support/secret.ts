/** Searches for a token where it must not be. */

import type { BrowserContext, Page, Response } from '@playwright/test';

/** What nobody may learn of a token: everything behind the preview. */
export function secretPart(token: string): string {
  return token.slice(5);
}

/**
 * Keeps hold of the linear memory of every WASM module that the page will load, so that it can be
 * searched.
 */
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

/** How often a text stands in the page's WASM memory, as UTF-8 or as UTF-16. */
export async function timesInWasmMemory(page: Page, wanted: string): Promise<number> {
  return page.evaluate((wanted) => {
    const { wasmMemories } = window as unknown as { wasmMemories: WebAssembly.Memory[] };
    if (wasmMemories.length === 0) {
      throw new Error('no WASM memory was seen');
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

/** Whatever a page keeps, as text: markup, inputs, storage, history, address. */
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

/** Records every answer that a browser gets: address, headers and body. */
export class AnswerRecorder {
  private readonly pending: Promise<{ url: string; text: string }>[] = [];

  constructor(context: BrowserContext) {
    context.on('response', (response) => {
      const reading = textOf(response);
      // Whoever searches learns what could not be read. What is still on its way when the test ends
      // is nobody's business any more, and must not be a rejection that nobody handles.
      reading.catch(() => undefined);
      this.pending.push(reading);
    });
  }

  /**
   * Addresses of the answers that contain `wanted`, and how many answers there were. Fails when one
   * of them cannot be read: what was not searched is not known to be clean.
   */
  async search(wanted: string): Promise<{ all: number; with: string[] }> {
    const answers = await Promise.all(this.pending);
    const found = answers.filter(({ text }) => text.includes(wanted));
    return { all: answers.length, with: found.map(({ url }) => new URL(url).pathname) };
  }
}

async function textOf(response: Response): Promise<{ url: string; text: string }> {
  const headers = JSON.stringify(await response.allHeaders());
  const isRedirect = response.status() >= 300 && response.status() < 400;
  // The browser keeps no body of a redirect.
  const body = isRedirect ? '' : (await response.body()).toString('latin1');
  return { url: response.url(), text: headers + body };
}
