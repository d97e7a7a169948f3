// portalmeter: its configuration, its process, its report.

import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Child, freePort, run, until } from "./process.mjs";

const PROGRAM = process.env.PORTALMETER ?? fileURLToPath(new URL("../../../target/release/portalmeter", import.meta.url));

export const DRAIN = 5_000;
const FLUSH = 1_000;
const SHOWN_AFTER = FLUSH + 1_000; // the contract: a page shows up within flush.interval and a second
const PATIENCE = 15_000;

export const COLUMNS = ["guest", "external", "bot", "billable", "converted"];

export async function programIsThere() {
  await access(PROGRAM).catch(() => {
    throw new Error(`${PROGRAM} is not there: run \`make build\`, or name another with PORTALMETER`);
  });
}

export class Meter {
  static async prepare(directory, mode, upstream) {
    const meter = new Meter();
    meter.config = join(directory, "portalmeter.toml");
    meter.zone = noonZone(new Date());
    meter.ports = { proxy: await freePort(), admin: await freePort() };
    meter.origin = `http://127.0.0.1:${meter.ports.proxy}`;
    meter.stderr = "";
    await writeFile(meter.config, configuration({ mode, upstream, zone: meter.zone, ports: meter.ports }));
    return meter;
  }

  check() {
    return run(PROGRAM, ["check", "--config", this.config]);
  }

  async start() {
    this.child = new Child(PROGRAM, ["run", "--config", this.config]);
    this.child.process.stderr.on("data", (data) => (this.stderr += data));
    await until("/readyz", async () => {
      if (!this.child.running) throw new Error(`portalmeter ended:\n${this.child.stderr}`);
      return fetch(`http://127.0.0.1:${this.ports.admin}/readyz`).then((answer) => answer.ok, () => false);
    });
  }

  async stop() {
    return this.child?.stop({ within: DRAIN + 5_000 });
  }

  async report() {
    const { code, stdout, stderr } = await run(PROGRAM, ["report", "--config", this.config, "--day", "today", "--output", "json"]);
    if (code !== 0) throw new Error(`report: exit ${code}\n${stderr}`);
    return JSON.parse(stdout);
  }

  /**
   * The totals, once everything so far must show. Waits for `expected` to be reached, and then
   * one more flush to see that it stays; gives up after PATIENCE and answers what there is.
   */
  async totals(expected) {
    const asked = performance.now();
    let held = null; // since when the report has said what is expected
    for (;;) {
      const { totals } = await this.report();
      const now = performance.now();
      if (!COLUMNS.every((column) => totals[column] === expected[column])) held = null;
      else held ??= now;
      if (held !== null && now - held >= FLUSH && now - asked >= SHOWN_AFTER) return totals;
      if (now - asked > PATIENCE) return totals;
      await later(100);
    }
  }
}

/** A zone in which it is about noon, so that no day ends during the test. */
function noonZone(now) {
  const east = 12 - now.getUTCHours();
  if (east === 0) return "Etc/GMT";
  return east > 0 ? `Etc/GMT-${east}` : `Etc/GMT+${-east}`; // POSIX signs: Etc/GMT-3 is three hours east
}

export function today(zone) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(new Date());
}

function configuration({ mode, upstream, zone, ports }) {
  return `data_dir = "data"

[server]
listen = ["127.0.0.1:${ports.proxy}"]
drain = "${DRAIN / 1000}s"

[admin]
listen = "127.0.0.1:${ports.admin}"

[flush]
interval = "${FLUSH / 1000}s"

[[portal]]
name = "helpdesk"
experience = "service_portal"
hosts = ["127.0.0.1"]
upstream = ["${upstream}"]
timezone = "${zone}"

[portal.visitor]
mode = "${mode}"
${mode === "portal_cookie" ? 'portal_cookie = ["sessionid"]' : ""}

[portal.pages]
login = ["/accounts/login/*", "/admin/login/*"]
logout = ["/accounts/logout/*", "/admin/logout/*"]

[[portal.identity]]
kind = "cookie"
logged_in = ["sessionid"]
`;
}
