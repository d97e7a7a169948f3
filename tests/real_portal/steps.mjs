// The story, and the bill that design/metering.md makes of it.
//
// `counts` is cumulative and reads: guest external bot billable converted (see COLUMNS). Where the
// two modes differ there is one row for each. `because` says which rule a person would point at.
//
// Browsers 1, 2 and 3 are the same Chromium with the same language at the same address, each with
// a profile of its own: nothing but cookies tells them apart. So a new one of them arrives only when
// the cookie of each earlier one has come back, and the law has one answer in either mode.

import { setTimeout as later } from "node:timers/promises";
import { run } from "./lib/process.mjs";

const PASSWORD = "correct horse"; // serve.py
const FRESH_PASSWORD = "battery staple";

const firefox = (major, language) => ({
  "User-Agent": `Mozilla/5.0 (X11; Linux x86_64; rv:${major}.0) Gecko/20100101 Firefox/${major}.0`,
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "Accept-Language": language,
});
const GOOGLEBOT = { "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Accept: "*/*" };

export const STEPS = [
  {
    name: "a passer-by sees the login page, redirects, errors, assets, HEAD and a prefetch",
    counts: "0 0 0 0 0",
    because: "login page, redirect and error are activity, which starts nothing; the others are ignored",
    async act(world) {
      const passerBy = world.client(firefox(139, "pt-BR"));
      for (const path of ["/accounts/login/", "/admin/login/", "/members/", "/admin/", "/kb/", "/articles", "/nowhere/"]) await passerBy.get(path);
      for (const path of ["/static/helpdesk/style.css", "/static/helpdesk/icon.svg", "/favicon.ico"]) await passerBy.get(path);
      await passerBy.get("/", { method: "HEAD" });
      await passerBy.get("/", { headers: { "Sec-Purpose": "prefetch" } });
    },
  },
  {
    name: "browser 1 opens the home page",
    counts: "1 0 0 1 0",
    because: "fold 1: no live session, a page starts one; no sessionid, so guest",
    async act(world) {
      const one = await world.browser("1");
      await one.go("/");
    },
  },
  {
    name: "browser 1 reads, searches, watches the queue as a guest",
    counts: "1 0 0 1 0",
    because: "the session lives; polling is activity; /about/ may be stored by shared caches and proves nothing",
    async act(world) {
      const one = await world.browser("1");
      await one.follow("Articles");
      await one.follow("The printer is out of paper");
      await one.search("vpn");
      await one.search("install");
      await one.go("/about/");
      await one.go("/queue/");
      await one.watchQueue(3);
    },
  },
  {
    name: "browser 1 asks for the members' page and is sent to log in",
    counts: "1 0 0 1 0",
    because: "the redirect and the login page are activity",
    async act(world) {
      const one = await world.browser("1");
      await one.follow("Members");
    },
  },
  {
    name: "ann logs in there",
    counts: "1 0 0 1 1",
    because: "fold 3: guest becomes external, +0 under login = continue, converted +1",
    async act(world) {
      const one = await world.browser("1");
      await one.logIn("ann", PASSWORD);
    },
  },
  {
    name: "ann browses, signed in",
    counts: "1 0 0 1 1",
    because: "the session lives; redirects, errors and polling are activity; /about/ proves nothing (fold 9)",
    async act(world) {
      const one = await world.browser("1");
      await one.go("/kb/");
      await one.follow("Work from home");
      await one.go("/nowhere/");
      await one.go("/about/");
      await one.go("/queue/");
      await one.watchQueue(3);
      await one.search("paper");
    },
  },
  {
    name: "ann logs out and reads on as a guest",
    counts: "1 0 0 1 1",
    because: "fold 4: logged out, guest pages count nothing. portal_cookie: sessionid is deleted, the fingerprint points to the session again",
    async act(world) {
      const one = await world.browser("1");
      await one.logOut();
      await one.follow("Articles");
    },
  },
  {
    name: "ann logs in again at once",
    counts: "1 1 0 2 1",
    because: "fold 5: a new session, +1 external, however soon; it began external, so nothing is converted",
    async act(world) {
      const one = await world.browser("1");
      await one.follow("Log in");
      await one.logIn("ann", PASSWORD);
    },
  },
  {
    name: "ann changes her password, for which Django renews sessionid",
    counts: "1 1 0 2 1",
    because: "portal_cookie: the new value is another name of the same session; cookie: nothing has changed",
    async act(world) {
      const one = await world.browser("1");
      await one.follow("Members");
      await one.follow("Change password");
      await one.changePassword(PASSWORD, FRESH_PASSWORD);
      await one.go("/members/");
    },
  },
  {
    name: "browser 2, identical but for its profile, opens the home page",
    counts: "2 1 0 3 1",
    because: "browser 1's cookie has come back, so the fingerprint points to nothing: fold 1, a guest",
    async act(world) {
      const two = await world.browser("2");
      await two.go("/");
    },
  },
  {
    name: "browsers 1 and 2 take turns",
    counts: "2 1 0 3 1",
    because: "each has a live session of its own (portal_cookie: 1 by sessionid, 2 by the fingerprint)",
    async act(world) {
      const [one, two] = [await world.browser("1"), await world.browser("2")];
      await one.go("/articles/");
      await two.go("/articles/");
      await one.go("/members/");
      await two.go("/");
      await one.go("/");
    },
  },
  {
    name: "ann logs in with browser 2 as well",
    counts: "2 1 0 3 2",
    because: "fold 3 again: +0, converted +1; two browsers of one user are two visitors",
    async act(world) {
      const two = await world.browser("2");
      await two.follow("Log in");
      await two.logIn("ann", FRESH_PASSWORD);
      await two.go("/members/");
    },
  },
  {
    name: "ann logs out of browser 2 and reads on there and in browser 1",
    counts: "2 1 0 3 2",
    because: "fold 4 for browser 2; browser 1 is another visitor and stays signed in",
    async act(world) {
      const [one, two] = [await world.browser("1"), await world.browser("2")];
      await two.logOut();
      await two.go("/articles/");
      await one.go("/members/");
      await two.go("/");
    },
  },
  {
    name: "bob logs in with browser 2",
    counts: "2 2 0 4 2",
    because: "fold 5: +1 external (a cookie's presence names no user, and none is needed for this)",
    async act(world) {
      const two = await world.browser("2");
      await two.follow("Log in");
      await two.logIn("bob", PASSWORD);
      await two.go("/members/");
    },
  },
  {
    name: "browser 3 is sent to the admin's login page",
    counts: "2 2 0 4 2",
    because: "only the login page: 0; browser 2's cookie has come back, so there is no session to keep alive",
    async act(world) {
      const three = await world.browser("3");
      await three.go("/admin/");
    },
  },
  {
    name: "root logs in to the admin",
    counts: "2 3 0 5 2",
    because: "fold 1: the first page of this visitor shows sessionid: starts as external. Never internal: a cookie can be forged",
    async act(world) {
      const three = await world.browser("3");
      await three.logIn("root", PASSWORD);
    },
  },
  {
    name: "root looks at the users, logs out of the admin, opens the home page",
    counts: "2 3 0 5 2",
    because: "the logout answers 200, which is below 400: fold 4, and the guest page counts nothing",
    async act(world) {
      const three = await world.browser("3");
      await three.go("/admin/auth/user/");
      await three.logOut();
      await three.go("/");
      await world.closeBrowser("3");
    },
  },
  {
    name: "browser 4, a German one, opens two tabs at once and reloads both",
    counts: "3 3 0 6 2",
    because: "its own fingerprint, fold 1; the second cookie takes the session over, for none of the first was seen 2 s later",
    async act(world) {
      const four = await world.browser("4", { locale: "de-DE" });
      for (const tab of await four.inTwoTabs("/articles/")) await four.reload(tab);
      await world.closeBrowser("4");
    },
  },
  {
    name: "a browser's User-Agent that keeps no cookie and claims many addresses reads 6 pages",
    counts: "4 3 0 7 2",
    because: "no cookie ever comes back, so the fingerprint keeps it one visitor; X-Forwarded-For of a peer that is not trusted is no address",
    async act(world) {
      const refuser = world.client(firefox(140, "fr-FR"));
      const paths = ["/", "/about/", "/articles/", "/articles/vpn/", "/search/?q=vpn", "/"];
      for (const [i, path] of paths.entries()) await refuser.get(path, { headers: { "X-Forwarded-For": `203.0.113.${i}` } });
    },
  },
  {
    name: "Googlebot fetches 50 pages, half of them with ann's cookies",
    counts: "4 3 1 7 2",
    because: "fold 8: one bot by address and User-Agent, whatever cookies it sends",
    async act(world) {
      const one = await world.browser("1");
      const stolen = (await one.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
      const googlebot = world.client(GOOGLEBOT);
      for (let i = 0; i < 25; i++) await googlebot.get(`/search/?q=${i}`);
      for (let i = 0; i < 25; i++) await googlebot.get("/members/", { headers: { Cookie: stolen } });
      await one.go("/members/");
    },
  },
  {
    name: "curl fetches 10 pages without cookies",
    counts: "4 3 2 7 2",
    because: "an HTTP library is a bot by rule; another User-Agent than Googlebot's, so another bot",
    async act(world) {
      const { stdout, stderr } = await run("curl", [
        ...["--silent", "--show-error", "--noproxy", "*", "--max-time", "15"],
        ...["--output", "/dev/null", "--write-out", "%{http_code} ", `${world.origin}/search/?q=[1-10]`],
      ]);
      world.saw("curl", stdout, stderr);
    },
  },
  {
    name: "a Chromium without a window, under its own name, reads 2 pages",
    counts: "4 3 3 7 2",
    because: "HeadlessChrome is a bot; the browsers above go by the name they have with a window",
    async act(world) {
      const honest = await world.browser("honest", { honest: true });
      await honest.go("/");
      await honest.go("/articles/");
      await world.closeBrowser("honest");
    },
  },
  {
    name: "two identical cookie-keepers open the home page before a cookie of either came back",
    counts: "5 3 3 8 2",
    because: "the second has nothing but the fingerprint, which points to the first one's session",
    async act(world) {
      world.twins = [1, 2].map(() => world.client(firefox(140, "nl-NL"), { keepsCookies: true }));
      for (const twin of world.twins) await twin.get("/");
    },
  },
  {
    name: "after more than 2 s each of them comes back with what it was given",
    counts: { cookie: "6 3 3 9 2", portal_cookie: "5 3 3 8 2" },
    because: "cookie: the first one's was seen over 2 s after the second's issue, so the second has a session of its own; portal_cookie: guests have no cookie and stay one",
    async act(world) {
      await later(2_500); // the law's own 2 s, and some
      for (const twin of world.twins) await twin.get("/articles/");
      for (const twin of world.twins) await twin.get("/");
    },
  },
];

/** After a restart of the meter: the counts are those of the last step. */
export const AFTER_RESTART = {
  name: "after a restart browsers 1 and 2 and the cookie-keepers read on",
  because: "sessions outlive the process that counted them",
  async act(world) {
    const [one, two] = [await world.browser("1"), await world.browser("2")];
    await one.go("/members/");
    await two.go("/members/");
    for (const twin of world.twins) await twin.get("/");
    await one.go("/queue/"); // left open: a tab that polls must not hold up the end
    await one.watchQueue(1);
  },
};

export function expectedCounts(step, mode) {
  const [guest, external, bot, billable, converted] = (step.counts[mode] ?? step.counts).split(" ").map(Number);
  return { guest, external, bot, billable, converted };
}
