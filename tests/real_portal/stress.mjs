// The story goes on with what makes counting browsers hard, in real Chromium. Written like steps.mjs.
//
// Each browser speaks a language of its own, so each has a fingerprint of its own. Guests have no cookie of
// the portal's, so under portal_cookie it is the fingerprint that tells them.

const documents = (requests, path) => requests.filter(({ path: asked, headers }) => asked === path && headers["sec-fetch-dest"] === "document");

export const STRESS = [
  {
    name: "browser 5, a Spanish one, opens three tabs in one tick and reloads them",
    counts: { cookie: "7 3 3 10 2", portal_cookie: "6 3 3 9 2" },
    because: "each answer hands out another cookie; the one kept takes the session over, for no other came back 2 s later",
    async act(world) {
      const five = await world.browser("5", { locale: "es-ES" });
      const tabs = await five.opensAtOnce(["/", "/articles/", "/articles/vpn/"]);
      for (const tab of tabs) await five.reload(tab);
      await world.closeBrowser("5");
    },
  },
  {
    name: "browser 6, a Czech one, blocks all cookies, reads 5 pages and is not let in",
    counts: { cookie: "8 3 3 11 2", portal_cookie: "7 3 3 10 2" },
    because: "no cookie ever comes back: the fingerprint keeps it one visitor. The refused login is activity",
    async act(world) {
      const six = await world.browser("6", { locale: "cs-CZ", preferences: { profile: { default_content_setting_values: { cookies: 2 } } } });
      for (const path of ["/", "/articles/", "/articles/vpn/", "/queue/", "/accounts/login/"]) await six.go(path);
      await six.logIn("bob", "correct horse");
      const kept = await six.cookies();
      await world.closeBrowser("6");
      return kept.map(({ name }) => `${name} was kept`);
    },
  },
  {
    name: "browser 7, a Finnish one, loses its cookies halfway",
    counts: { cookie: "10 3 3 13 2", portal_cookie: "8 3 3 11 2" },
    because: "cookie: it had come back, so without it this is another visitor; portal_cookie: a guest has none to lose",
    async act(world) {
      const seven = await world.browser("7", { locale: "fi-FI" });
      await seven.go("/");
      await seven.follow("Articles");
      await seven.context.clearCookies();
      await seven.follow("Home");
      await seven.follow("Articles");
      await world.closeBrowser("7");
    },
  },
  {
    name: "browser 8, an Italian one, goes back and forward through pages it has kept",
    counts: { cookie: "11 3 3 14 2", portal_cookie: "9 3 3 12 2" },
    because: "a page from the back-forward cache is no request; what is asked for afterwards is the session's",
    async act(world) {
      const eight = await world.browser("8", { locale: "it-IT", keepsPages: true });
      await eight.go("/lab/one/");
      await eight.follow("Two");
      const persisted = [await eight.backOrForward(-1), await eight.backOrForward(1), await eight.backOrForward(-1)];
      await eight.follow("Articles");
      const asked = documents(await world.requests(), "/lab/one/").length;
      await world.closeBrowser("8");
      const wrong = persisted.every(Boolean) ? [] : [`pageshow.persisted was ${persisted}: the back-forward cache was not used`];
      return asked === 1 ? wrong : [...wrong, `/lab/one/ was asked for ${asked} times, not once`];
    },
  },
  {
    name: "three browsers prerender their first page; one never opens it, one opens it, one goes on from there",
    counts: { cookie: "12 3 3 15 2", portal_cookie: "10 3 3 13 2" },
    because: "an error page starts nothing, what is fetched ahead is ignored, and to open it asks for nothing: only the third one's next page counts",
    async act(world) {
      await Promise.all([
        world.unwatched("sv-SE", "/lab/start/prerendered/", "/lab/shown/prerendered/"),
        world.unwatched("nb-NO", "/lab/start/opened/", "/lab/shown/opened/"),
        world.unwatched("da-DK", "/lab/start/left/", "/articles/"),
      ]);
      return onlyAhead(await world.requests(), ["prerendered", "opened", "left"]);
    },
  },
  {
    name: "browser 9, a Polish one, gets a service worker that keeps the page, and opens it again and again",
    counts: { cookie: "13 3 3 16 2", portal_cookie: "11 3 3 14 2" },
    because: "the first visit is a page; then the shell is not asked for, and its calls are activity",
    async act(world) {
      const nine = await world.browser("9", { locale: "pl-PL" });
      for (let visit = 0; visit < 4; visit++) {
        await nine.go("/lab/shell/");
        await nine.done(3);
      }
      const asked = documents(await world.requests(), "/lab/shell/").length;
      return asked === 1 ? [] : [`/lab/shell/ was asked for ${asked} times, not once`];
    },
  },
  {
    name: "it loses its cookies, and the kept page calls on",
    counts: { cookie: "13 3 3 16 2", portal_cookie: "11 3 3 14 2" },
    because: "cookie: calls alone start nothing; portal_cookie: the fingerprint's session is kept alive",
    async act(world) {
      const nine = await world.browser("9");
      await nine.context.clearCookies();
      await nine.go("/lab/shell/");
      await nine.done(3);
    },
  },
  {
    name: "its worker asks for a page while it starts (navigation preload)",
    counts: { cookie: "14 3 3 17 2", portal_cookie: "11 3 3 14 2" },
    because: "what is preloaded is the page. cookie: the cookie is lost, so a new visitor; portal_cookie: the session lives",
    async act(world) {
      const nine = await world.browser("9");
      await nine.preloads();
      await nine.go("/lab/fresh/");
      const asked = documents(await world.requests(), "/lab/fresh/");
      await world.closeBrowser("9");
      const preloaded = asked.filter(({ headers }) => headers["service-worker-navigation-preload"] === "true").length;
      return asked.length === 1 && preloaded === 1 ? [] : [`/lab/fresh/ was asked for ${asked.length} times, preloaded ${preloaded} times`];
    },
  },
  {
    name: "browser 10, a Hungarian one, renews a login in a frame, on an error page",
    counts: { cookie: "14 3 3 17 2", portal_cookie: "11 3 3 14 2" },
    because: "on a portal a frame is activity, as are redirects and errors: they start nothing",
    async act(world) {
      const ten = await world.browser("10", { locale: "hu-HU" });
      await ten.go("/lab/renew/404/");
      await ten.done(5);
    },
  },
  {
    name: "and then on a page",
    counts: { cookie: "15 3 3 18 2", portal_cookie: "12 3 3 15 2" },
    because: "fold 1: the page starts a session; the frame's renewals only keep it alive",
    async act(world) {
      const ten = await world.browser("10");
      await ten.go("/lab/renew/200/");
      await ten.done(5);
      const frames = (await world.requests()).filter(({ path, headers }) => path === "/lab/callback/" && headers["sec-fetch-dest"] === "iframe");
      await world.closeBrowser("10");
      return frames.length >= 10 ? [] : [`only ${frames.length} renewals arrived from a frame`];
    },
  },
];

/** What was prerendered was asked for once, ahead. */
function onlyAhead(requests, names) {
  return names.flatMap((name) => {
    const asked = documents(requests, `/lab/ahead/${name}/`).map(({ headers }) => headers["sec-purpose"]);
    return asked.length === 1 && /prerender/.test(asked[0]) ? [] : [`/lab/ahead/${name}/ was asked for ${asked.length} times: ${asked}`];
  });
}
