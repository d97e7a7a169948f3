// HTTP clients that are no browser: exactly the headers they are given, cookies only if asked to keep them.

import { request } from "node:http";

export class Client {
  constructor(world, headers, { keepsCookies = false } = {}) {
    this.world = world;
    this.headers = headers;
    this.cookies = keepsCookies ? new Map() : null;
  }

  async get(path, { method = "GET", headers = {} } = {}) {
    const answer = await this.#send(method, path, headers);
    for (const cookie of answer.headers["set-cookie"] ?? []) {
      this.world.handedOut.push({ path, cookie });
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      this.cookies?.set(name, value);
    }
    this.world.saw(`${method} ${path}`, answer.status, titleOf(answer.body));
    return answer;
  }

  #send(method, path, headers) {
    const cookie = this.cookies?.size ? { Cookie: [...this.cookies].map((pair) => pair.join("=")).join("; ") } : {};
    const url = new URL(path, this.world.origin);
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, agent: false, timeout: 15_000, headers: { ...this.headers, ...cookie, ...headers } });
      sent.on("response", (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (data) => (body += data));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
        answer.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error(`${method} ${path}: no answer in time`)));
      sent.on("error", reject);
      sent.end();
    });
  }
}

function titleOf(html) {
  return html.match(/<title>([^<]*)<\/title>/)?.[1] ?? "";
}
