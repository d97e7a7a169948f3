#!/usr/bin/env node
// A real portal, a real browser, the real numbers. See README.md.
//
//   node run.mjs                  both modes, side by side
//   node run.mjs --mode cookie    one of them
//   node run.mjs --direct         the portal alone: proves the site and the driving, counts nothing

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as checks from "./checks.mjs";
import { COLUMNS, DRAIN, Meter, programIsThere } from "./lib/meter.mjs";
import { Portal, prepareDatabase } from "./lib/portal.mjs";
import { Results, indented } from "./lib/results.mjs";
import { World } from "./lib/world.mjs";
import { AFTER_RESTART, STEPS as STORY, expectedCounts } from "./steps.mjs";
import { STRESS } from "./stress.mjs";

const { values: options } = parseArgs({ options: { direct: { type: "boolean" }, mode: { type: "string", multiple: true } } });
const MODES = ["cookie", "portal_cookie"];
const STEPS = [...STORY, ...STRESS];
const all = new Results();

async function main() {
  const modes = options.direct ? [] : (options.mode ?? MODES);
  const unknown = modes.find((mode) => !MODES.includes(mode));
  if (unknown) throw new Error(`unknown mode ${unknown}: one of ${MODES}`);

  if (modes.length > 0) await programIsThere();

  const directory = await mkdtemp(join(tmpdir(), "real-portal-"));
  const database = await prepareDatabase(join(directory, "fresh.sqlite3"));
  const seen = await direct(await subdirectory(directory, "direct"), database, all.part("direct"));
  await Promise.all(modes.map(async (mode) => metered(mode, await subdirectory(directory, mode), database, seen)));
  if (all.failed === 0) await rm(directory, { recursive: true, maxRetries: 5 });
  else console.log(`\neverything that was written is in ${directory}`);
}

/** The story without the meter. Answers what people saw, step by step. */
async function direct(directory, database, results) {
  const portal = await Portal.start(directory, database);
  const world = new World(directory, portal.origin, portal);
  const seen = [];
  try {
    for (const step of [...STEPS, AFTER_RESTART]) {
      const wrong = await step.act(world);
      const saw = world.takeSeen();
      seen.push(saw);
      results.check(`${step.name}: ${saw.at(-1) ?? "unwatched"}`, wrong ?? []);
    }
    results.check("the browsers pass for browsers with a window", checks.browsersInDisguise(await portal.requests()));
  } finally {
    await world.close();
    await portal.stop();
  }
  return seen;
}

async function metered(mode, directory, database, seen) {
  const results = all.part(mode);
  let portal, meter, world;
  try {
    portal = await Portal.start(directory, database);
    meter = await Meter.prepare(directory, mode, portal.origin);
    world = new World(directory, meter.origin, portal);
    await story({ mode, meter, world, portal, results, drift: {} }, seen);
  } catch (error) {
    results.check("the story broke off", [error.stack]);
  } finally {
    await world?.close();
    await meter?.stop();
    await portal?.stop();
  }
  if (results.failed > 0) console.log(`     ${mode}: the end of portalmeter's standard error\n${indented(meter?.stderr.slice(-20_000))}`);
}

async function story(stage, seen) {
  const { mode, meter, world, portal, results } = stage;
  const checked = await meter.check();
  results.check("portalmeter check", checked.code === 0 ? [] : [`exit ${checked.code}`, checked.stdout, checked.stderr]);
  await meter.start();
  for (const [i, step] of STEPS.entries()) await take(step, expectedCounts(step, mode), seen[i], stage);
  const last = expectedCounts(STEPS.at(-1), mode);

  results.check("pm_visitor is given and kept as it should be", await checks.meterCookie(world, mode));
  results.check("an unknown host is answered 421", await checks.unknownHost(world));
  results.check("SIGTERM ends it within drain", checks.stoppedInTime(await meter.stop(), DRAIN));

  await meter.start();
  await take(AFTER_RESTART, last, seen.at(-1), stage);
  results.check("SIGTERM ends it within drain, a polling tab open", checks.stoppedInTime(await meter.stop(), DRAIN));

  const report = await meter.report();
  results.check("the report adds up, after the end too", checks.reportAddsUp(report, meter));
  results.check(`in the end ${line(report.totals)}`, differences(report.totals, last));
  results.check("the portal sees no pm_visitor, and the forwarded headers", checks.portalUnaware(await portal.requests(), new URL(meter.origin).host));
}

/** One step, and the two questions: is the count right, and did people see what they see without the meter? */
async function take(step, counts, seenWithout, { meter, world, results, drift }) {
  const noticed = (await step.act(world)) ?? [];
  // A failure is reported once: later steps are measured from where it left the counts.
  const expected = Object.fromEntries(COLUMNS.map((column) => [column, counts[column] + (drift[column] ?? 0)]));
  const totals = await meter.totals(expected);
  const wrong = [...noticed, ...differences(totals, expected), ...unlike(world.takeSeen(), seenWithout)];
  if (wrong.length > 0) wrong.push(`the law: ${step.because}`);
  results.check(`${step.name}: ${line(totals)}${since(drift)}`, wrong);
  for (const column of COLUMNS) drift[column] = totals[column] - counts[column];
}

function line(totals) {
  return COLUMNS.map((column) => `${column} ${totals[column]}`).join(" ");
}

function differences(totals, expected) {
  return COLUMNS.filter((column) => totals[column] !== expected[column]).map((column) => `${column}: expected ${expected[column]}, got ${totals[column]}`);
}

function unlike(saw, without) {
  return without.flatMap((expected, i) => (saw[i] === expected ? [] : [`without the meter: ${expected}`, `with the meter:    ${saw[i]}`]));
}

function since(drift) {
  const off = COLUMNS.filter((column) => drift[column]).map((column) => `${column} ${drift[column] > 0 ? "+" : ""}${drift[column]}`);
  return off.length > 0 ? ` (off since an earlier failure: ${off.join(" ")})` : "";
}

async function subdirectory(directory, name) {
  const path = join(directory, name);
  await mkdir(path);
  return path;
}

await main().catch((error) => all.check("the test could not run", [error.stack]));
all.summary();
process.exit(all.failed === 0 ? 0 : 1); // ends whatever a failure left running
