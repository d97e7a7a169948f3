#!/usr/bin/env node
// A real portal, a real browser, the real numbers. See README.md.
//
//   node run.mjs                  both modes
//   node run.mjs --mode cookie    one of them
//   node run.mjs --direct         the portal alone: proves the site and the driving, counts nothing

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as checks from "./checks.mjs";
import { COLUMNS, DRAIN, Meter } from "./lib/meter.mjs";
import { Portal, prepareDatabase } from "./lib/portal.mjs";
import { Results, indented } from "./lib/results.mjs";
import { World } from "./lib/world.mjs";
import { AFTER_RESTART, STEPS, expectedCounts } from "./steps.mjs";

const { values: options } = parseArgs({ options: { direct: { type: "boolean" }, mode: { type: "string", multiple: true } } });
const MODES = ["cookie", "portal_cookie"];
const results = new Results();

async function main() {
  const modes = options.direct ? [] : (options.mode ?? MODES);
  const unknown = modes.find((mode) => !MODES.includes(mode));
  if (unknown) throw new Error(`unknown mode ${unknown}: one of ${MODES}`);

  const directory = await mkdtemp(join(tmpdir(), "real-portal-"));
  const database = await prepareDatabase(join(directory, "fresh.sqlite3"));
  const seen = await direct(await subdirectory(directory, "direct"), database);
  for (const mode of modes) await metered(mode, await subdirectory(directory, mode), database, seen);
  if (results.failed === 0) await rm(directory, { recursive: true, maxRetries: 5 });
  else console.log(`\neverything that was written is in ${directory}`);
}

/** The story without the meter: what people see, step by step. */
async function direct(directory, database) {
  const portal = await Portal.start(directory, database);
  const world = new World(directory, portal.origin);
  const seen = [];
  try {
    for (const step of [...STEPS, AFTER_RESTART]) {
      await step.act(world);
      const saw = world.takeSeen();
      seen.push(saw);
      results.ok(`direct: ${step.name}: ${saw.at(-1)}`);
    }
    results.check("direct: the browsers are taken for browsers with a window", checks.browsersInDisguise(await portal.requests()));
  } finally {
    await world.close();
    await portal.stop();
  }
  return seen;
}

async function metered(mode, directory, database, seen) {
  const failedBefore = results.failed;
  const portal = await Portal.start(directory, database);
  const meter = await Meter.prepare(directory, mode, portal.origin);
  const world = new World(directory, meter.origin);
  try {
    await story(mode, meter, world, portal, seen);
  } catch (error) {
    results.fail(`${mode}: the story broke off`, error.stack);
  } finally {
    await world.close();
    await meter.stop();
    await portal.stop();
  }
  if (results.failed > failedBefore) console.log(`     portalmeter's standard error:\n${indented(meter.stderr)}`);
}

async function story(mode, meter, world, portal, seen) {
  const checked = await meter.check();
  results.check(`${mode}: portalmeter check`, checked.code === 0 ? [] : [`exit ${checked.code}`, checked.stdout, checked.stderr]);
  await meter.start();

  const drift = {};
  for (const [i, step] of STEPS.entries()) {
    await take(step, expectedCounts(step, mode), { mode, meter, world, drift, seen: seen[i] });
  }
  const last = expectedCounts(STEPS.at(-1), mode);

  results.check(`${mode}: pm_visitor is given and kept as it should be`, await checks.meterCookie(world, mode));
  results.check(`${mode}: an unknown host is answered 421`, await checks.unknownHost(world));
  results.check(`${mode}: SIGTERM ends it within drain`, checks.stoppedInTime(await meter.stop(), DRAIN));

  await meter.start();
  await take(AFTER_RESTART, last, { mode, meter, world, drift, seen: seen.at(-1) });
  results.check(`${mode}: SIGTERM ends it within drain, a polling tab open`, checks.stoppedInTime(await meter.stop(), DRAIN));

  const report = await meter.report();
  results.check(`${mode}: the report adds up, after the end too`, checks.reportAddsUp(report, meter));
  results.check(`${mode}: in the end ${line(report.totals)}`, differences(report.totals, last));
  results.check(`${mode}: the portal sees no pm_visitor, and the forwarded headers`, checks.portalUnaware(await portal.requests(), new URL(meter.origin).host));
}

/** One step, and the two questions: is the count right, and did people see what they see without the meter? */
async function take(step, counts, { mode, meter, world, drift, seen }) {
  await step.act(world);
  // An earlier failure is reported once: later steps are measured from where it left the counts.
  const expected = Object.fromEntries(COLUMNS.map((column) => [column, counts[column] + (drift[column] ?? 0)]));
  const totals = await meter.totals(expected);
  const wrong = [...differences(totals, expected), ...unlike(world.takeSeen(), seen)];
  if (wrong.length > 0) wrong.push(`the law: ${step.because}`);
  results.check(`${mode}: ${step.name}: ${line(totals)}${since(drift)}`, wrong);
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

await main().catch((error) => results.fail("the test could not run", error.stack));
results.summary();
process.exitCode = results.failed === 0 ? 0 : 1;
