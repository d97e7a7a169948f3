// A real Chromium with a profile of its own, used the way a person uses one.

import { join } from "node:path";
import { chromium } from "playwright-core";
import { run } from "./process.mjs";

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
  /** `honest` leaves the name under which a Chromium without a window goes: HeadlessChrome, a bot. */
  static async open(world, name, { honest = false, locale = "en-US" } = {}) {
    const browser = new Browser();
    browser.world = world;
    browser.context = await chromium.launchPersistentContext(join(world.directory, `profile-${name}`), {
      executablePath: EXECUTABLE,
      args: ARGUMENTS,
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
