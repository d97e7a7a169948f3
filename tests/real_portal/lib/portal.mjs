// The Django site, as it is, and the list of requests that reached it.

import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, run, until } from "./process.mjs";

const PYTHON = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const SERVE = fileURLToPath(new URL("../serve.py", import.meta.url));

export async function prepareDatabase(file) {
  const { code, stderr } = await run(PYTHON, [SERVE, "prepare", file]);
  if (code !== 0) throw new Error(`the database could not be made; run install.sh first?\n${stderr}`);
  return file;
}

export class Portal {
  static async start(directory, database) {
    const portal = new Portal();
    portal.log = join(directory, "requests.jsonl");
    await copyFile(database, join(directory, "portal.sqlite3"));
    portal.child = new Child(PYTHON, [SERVE, "run", join(directory, "portal.sqlite3"), portal.log]);
    await until("Django", () => {
      if (!portal.child.running) throw new Error(`Django ended: ${portal.child.stderr}`);
      return portal.child.stdout.includes("\n");
    });
    portal.origin = `http://127.0.0.1:${Number(portal.child.stdout)}`;
    return portal;
  }

  async requests() {
    const lines = await readFile(this.log, "utf8");
    return lines.split("\n").slice(0, -1).map((line) => JSON.parse(line)); // the last may just be being written
  }

  stop() {
    return this.child.stop();
  }
}
