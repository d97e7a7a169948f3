// A real Chromium with a profile of its own, used the way a person uses one.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Child, run, until } from "./process.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--no-first-run",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

export class Browser {
  /**
   * `honest` leaves the name under which a Chromium without a window goes: HeadlessChrome, a bot.
   * `keepsPages` leaves it its back-forward cache; `preferences` are those of its profile.
   */
  static async open(world, name, { honest = false, keepsPages = false, locale = "en-US", preferences } = {}) {
    const browser = new Browser();
    const profile = join(world.directory, `profile-${name}`);
    if (preferences) {
      await mkdir(join(profile, "Default"), { recursive: true });
      await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
    }
    browser.world = world;
    browser.context = await chromium.launchPersistentContext(profile, {
      executablePath: EXECUTABLE,
      args: ARGUMENTS,
      ignoreDefaultArgs: keepsPages ? ["--disable-back-forward-cache"] : [],
      locale,
      userAgent: honest ? undefined : await windowedUserAgent(),
    });
    browser.context.setDefaultTimeout(15_000);
    browser.page = browser.context.pages()[0] ?? (await browser.context.newPage());
    return browser;
  }

  async go(path, page = this.page) {
    const answer = await page.goto(this.world.origin + path);
    await this.#note(`go ${path}`, answer, page);
  }

  async reload(page = this.page) {
    await this.#note("reload", await page.reload(), page);
  }

  follow(link) {
    return this.#leave(`follow ${link}`, () => this.page.getByRole("link", { name: link, exact: true }).click());
  }

  async search(words) {
    await this.page.fill("#search input", words);
    await this.#leave(`search ${words}`, () => this.page.click("#search button"));
  }

  async logIn(user, password) {
    await this.page.fill("#id_username", user);
    await this.page.fill("#id_password", password);
    await this.#leave(`log in as ${user}`, () => this.page.press("#id_password", "Enter"));
  }

  logOut() {
    return this.#leave("log out", () => this.page.click("#logout button, #logout-form button"));
  }

  async changePassword(old, fresh) {
    await this.page.fill("#id_old_password", old);
    await this.page.fill("#id_new_password1", fresh);
    await this.page.fill("#id_new_password2", fresh);
    await this.#leave("change password", () => this.page.press("#id_new_password2", "Enter"));
  }

  /** Stays until the page has asked for the queue's length at least `times` times. */
  async watchQueue(times) {
    await this.page.waitForFunction((times) => Number(document.querySelector("#waiting").dataset.polls) >= times, times);
  }

  async inTwoTabs(path) {
    const pages = [this.page, await this.context.newPage()];
    const answers = await Promise.all(pages.map((page) => page.goto(this.world.origin + path)));
    for (const [i, page] of pages.entries()) await this.#note(`tab ${i + 1}`, answers[i], page);
    return pages;
  }

  /** One window per path, all opened by one script in one tick. */
  async opensAtOnce(paths) {
    const opened = new Set();
    this.context.on("page", (page) => opened.add(page));
    await this.page.evaluate((urls) => void urls.forEach((url) => window.open(url)), paths.map((path) => this.world.origin + path));
    await until(`${paths.length} tabs`, () => opened.size === paths.length);
    const tabs = [...opened];
    for (const tab of tabs) await tab.waitForURL(`${this.world.origin}/**`);
    tabs.sort((a, b) => a.url().localeCompare(b.url()));
    return tabs;
  }

  /** Answers whether the page came from the back-forward cache. */
  async backOrForward(steps) {
    const from = this.page.url();
    await this.page.evaluate((steps) => history.go(steps), steps);
    await this.page.waitForURL((url) => url.href !== from, { waitUntil: "commit" }); // a kept page does not load
    await this.page.waitForFunction(() => document.querySelector("#lab").dataset.persisted !== undefined);
    this.world.saw(`history ${steps} -> ${new URL(this.page.url()).pathname}`, 0, await this.page.title());
    return this.page.evaluate(() => document.querySelector("#lab").dataset.persisted === "true");
  }

  /** Stays until the page of the lab has done its work that often. */
  async done(times) {
    await this.page.waitForFunction((times) => Number(document.querySelector("#lab").dataset.done) >= times, times);
  }

  /** Lets the page's worker ask for pages while it starts. */
  async preloads() {
    await this.page.evaluate(() => navigator.serviceWorker.controller.postMessage("preload"));
    await this.page.waitForFunction(() => document.querySelector("#lab").dataset.worker === "preloads");
  }

  async cookies() {
    return this.context.cookies(this.world.origin);
  }

  close() {
    return this.context.close();
  }

  async #leave(how, act) {
    const loaded = this.page.waitForEvent("load");
    const answered = this.page.waitForResponse((answer) => answer.request().isNavigationRequest() && !isRedirect(answer.status()));
    await act();
    const [answer] = await Promise.all([answered, loaded]);
    await this.#note(how, answer, this.page);
  }

  async #note(how, answer, page) {
    const { pathname, search } = new URL(page.url());
    this.world.saw(`${how} -> ${pathname}${search}`, answer.status(), await page.title());
  }
}

/** A Chromium that nobody watches: with its debugger attached it would prerender nothing. */
export async function unwatched(world, locale, path) {
  const profile = `--user-data-dir=${join(world.directory, `profile-${locale}`)}`;
  const name = `--user-agent=${await windowedUserAgent()}`;
  return new Child(EXECUTABLE, ["--headless", ...ARGUMENTS, profile, name, `--accept-lang=${locale}`, world.origin + path]);
}

function isRedirect(status) {
  return status >= 301 && status <= 308 && status !== 304;
}

let userAgent;

/** What the same Chromium calls itself when it has a window. */
async function windowedUserAgent() {
  if (userAgent === undefined) {
    const { stdout } = await run(EXECUTABLE, ["--version"]);
    const [, major] = stdout.match(/(\d+)\.\d+/);
    userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`;
  }
  return userAgent;
}
