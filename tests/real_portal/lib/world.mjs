// One run's surroundings: where the portal is reached, who uses it, and what they saw.

import { Browser } from "./browser.mjs";
import { Client } from "./client.mjs";

export class World {
  origin; // of the portal itself, or of the meter before it
  directory;
  handedOut = []; // every Set-Cookie that a plain client got
  #browsers = new Map();
  #seen = [];

  constructor(directory, origin) {
    this.directory = directory;
    this.origin = origin;
  }

  /** The browser of that name, opened when first asked for. */
  async browser(name, options) {
    if (!this.#browsers.has(name)) this.#browsers.set(name, await Browser.open(this, name, options));
    return this.#browsers.get(name);
  }

  async closeBrowser(name) {
    await this.#browsers.get(name).close();
    this.#browsers.delete(name);
  }

  client(headers, options) {
    return new Client(this, headers, options);
  }

  saw(what, status, title = "") {
    this.#seen.push(`${what}: ${status} ${title}`.trimEnd());
  }

  /** What was seen since the last call. */
  takeSeen() {
    return this.#seen.splice(0);
  }

  async close() {
    await Promise.allSettled([...this.#browsers.values()].map((browser) => browser.close()));
  }
}
