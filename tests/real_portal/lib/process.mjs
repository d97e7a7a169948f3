// Child processes: their output is kept, and each is ended by the one that started it.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as later } from "node:timers/promises";

const alive = new Set();
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")));
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]]) process.on(signal, () => process.exit(code));

export class Child {
  constructor(command, args, options = {}) {
    this.stdout = "";
    this.stderr = "";
    this.process = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout.on("data", (data) => (this.stdout += data));
    this.process.stderr.on("data", (data) => (this.stderr += data));
    this.ended = once(this.process, "close").then(
      ([code, signal]) => ({ code, signal }),
      (error) => ({ code: null, signal: null, error: (this.stderr += error) }),
    );
    alive.add(this.process);
    this.ended.then(() => alive.delete(this.process));
  }

  get running() {
    return this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Sends SIGTERM, and SIGKILL if that is not obeyed. Answers how it ended and after how many milliseconds. */
  async stop({ within = 10_000 } = {}) {
    const asked = performance.now();
    const patience = new AbortController();
    if (this.running) this.process.kill("SIGTERM");
    later(within, null, patience).then(() => this.process.kill("SIGKILL"), () => {});
    const how = await this.ended;
    patience.abort();
    return { ...how, after: Math.round(performance.now() - asked) };
  }
}

/** Runs a command to its end. */
export async function run(command, args, options) {
  const child = new Child(command, args, options);
  const { code } = await child.ended;
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** Asks again and again until the answer is truthy. */
export async function until(what, ask, { within = 15_000, every = 50 } = {}) {
  const deadline = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${within} ms in vain for ${what}`);
    await later(every);
  }
}

/** A port below those that the system gives to outgoing connections, so that it is still free when it is bound. */
export async function freePort() {
  for (;;) {
    const server = createServer().listen(randomInt(20_000, 30_000), "127.0.0.1");
    const free = await once(server, "listening").then(() => true, () => false);
    const { port } = server.address() ?? {};
    server.close();
    if (free) return port;
  }
}
