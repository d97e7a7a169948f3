// What must hold beside the counts. Each answers a list of what is wrong.

import { Client } from "./lib/client.mjs";
import { today } from "./lib/meter.mjs";

const SUMMED = ["guest", "external", "internal", "bot", "guest_raw", "billable", "converted"];

export function reportAddsUp(report, meter) {
  const wrong = [];
  const row = report.usage[0] ?? {};
  if (report.usage.length !== 1) wrong.push(`one row was expected, not ${report.usage.length}`);
  const says = { portal: "helpdesk", module: null, day: today(meter.zone), timezone: meter.zone, state: "open" };
  for (const [key, value] of Object.entries(says)) if (row[key] !== value) wrong.push(`${key} is ${row[key]}, not ${value}`);
  for (const key of SUMMED) if (row[key] !== report.totals[key]) wrong.push(`${key}: ${row[key]} in the row, ${report.totals[key]} in the totals`);
  if (row.internal !== 0) wrong.push(`internal is ${row.internal}: a cookie cannot yield it`);
  if (row.guest_raw !== row.guest + row.bot) wrong.push("guest_raw is not guest + bot");
  if (row.billable !== row.guest_raw - row.bot + row.external) wrong.push("billable is not guest_raw - bot + external");
  return wrong;
}

export async function meterCookie(world, mode) {
  const wrong = [];
  const ours = world.handedOut.filter(({ cookie }) => cookie.startsWith("pm_visitor="));
  const jar = await (await world.browser("1")).cookies();
  const kept = jar.find(({ name }) => name === "pm_visitor");
  if (mode === "portal_cookie") {
    if (ours.length > 0 || kept) wrong.push("a cookie of the meter's in a mode that has none");
    return wrong;
  }
  if (ours.length === 0) wrong.push("no page handed out pm_visitor");
  for (const { path, cookie } of ours) {
    const attributes = cookie.split(";").slice(1).map((attribute) => attribute.trim().toLowerCase());
    for (const needed of ["httponly", "samesite=lax", "path=/"]) if (!attributes.includes(needed)) wrong.push(`${path}: no ${needed}: ${attributes}`);
    for (const lasting of attributes.filter((a) => /^(expires|max-age|domain)=|^secure$/.test(a))) wrong.push(`${path}: ${lasting}`);
    if (path === "/about/") wrong.push("/about/ may be stored by shared caches and carries pm_visitor");
  }
  if (!kept) wrong.push("Chromium holds no pm_visitor");
  else if (!kept.httpOnly || kept.sameSite !== "Lax" || kept.expires !== -1) wrong.push(`Chromium holds ${JSON.stringify({ ...kept, value: "" })}`);
  return wrong;
}

/** `requests` is what reached Django; `host` is what the browsers asked for. */
export function portalUnaware(requests, host) {
  const wrong = new Set();
  for (const { method, path, headers } of requests) {
    const at = `${method} ${path}`;
    if (/pm_visitor/i.test(headers.cookie ?? "")) wrong.add(`${at}: Django sees pm_visitor`);
    if (headers.host !== host) wrong.add(`${at}: Host is ${headers.host}, not ${host}`);
    if (headers["x-forwarded-host"] !== host) wrong.add(`${at}: X-Forwarded-Host is ${headers["x-forwarded-host"]}, not ${host}`);
    if (headers["x-forwarded-proto"] !== "http") wrong.add(`${at}: X-Forwarded-Proto is ${headers["x-forwarded-proto"]}, not http`);
    const client = headers["x-forwarded-for"]?.split(",").at(-1).trim();
    if (client !== "127.0.0.1") wrong.add(`${at}: X-Forwarded-For ends in ${client}, not 127.0.0.1`);
  }
  if (!requests.some(({ headers }) => /sessionid=/.test(headers.cookie ?? ""))) wrong.add("no request carried the portal's own sessionid");
  return [...wrong].slice(0, 10);
}

/** The browsers must not look like what they are: Chromium without a window. */
export function browsersInDisguise(requests) {
  const telling = requests.filter(({ headers }) => /Headless/.test(headers["sec-ch-ua"] ?? "") && !/Headless/.test(headers["user-agent"]));
  return telling.slice(0, 3).map(({ headers }) => `Sec-CH-UA gives it away: ${headers["sec-ch-ua"]}`);
}

export async function unknownHost(world) {
  const answer = await new Client({ origin: world.origin, handedOut: [], saw() {} }, { Host: "elsewhere.example" }).get("/");
  return answer.status === 421 ? [] : [`the answer is ${answer.status}, not 421`];
}

export function stoppedInTime({ code, signal, after }, drain) {
  const wrong = [];
  if (code !== 0) wrong.push(`it ended with ${signal ?? `exit code ${code}`}`);
  if (after > drain + 1_000) wrong.push(`it took ${after} ms, and drain is ${drain} ms`);
  return wrong;
}
