// One run's surroundings: where the portal is reached, who uses it, and what they saw.

import { Browser, unwatched } from "./browser.mjs";
import { Client } from "./client.mjs";
import { until } from "./process.mjs";

export class World {
  origin; // of the portal itself, or of the meter before it
  directory;
  handedOut = []; // every Set-Cookie that a plain client got
  #browsers = new Map();
  #seen = [];

  constructor(directory, origin, portal) {
    this.directory = directory;
    this.origin = origin;
    this.requests = () => portal.requests(); // that reached the portal
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

  /** A browser whose pages find their own way from `path`, until the portal is asked for `last`. */
  async unwatched(locale, path, last) {
    const before = (await this.requests()).filter((request) => request.path === last).length;
    const browser = await unwatched(this, locale, path);
    try {
      await until(`${last}, to which ${path} leads`, async () => (await this.requests()).filter((request) => request.path === last).length > before);
    } finally {
      await browser.stop();
    }
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
