const lab = document.querySelector("#lab").dataset;
const done = () => (lab.done = Number(lab.done) + 1);
const shown = (how) => fetch(`/lab/shown/${how}/`);

addEventListener("pageshow", (event) => (lab.persisted = event.persisted));

const pages = {
  // Opens the page once it is there, unless nobody is to open it.
  start() {
    const waits = setInterval(() => {
      const until = localStorage.getItem("prerendered");
      if (until === null) return;
      clearInterval(waits);
      if (until === "prerendered") shown(until);
      else location.href = lab.ahead;
    }, 50);
  },
  ahead() {
    if (!document.prerendering) return shown("not-prerendered");
    document.addEventListener("prerenderingchange", async () => {
      await shown(lab.until);
      if (lab.until === "left") location.href = "/articles/";
    });
    localStorage.setItem("prerendered", lab.until);
  },
  async shell() {
    navigator.serviceWorker.addEventListener("message", (event) => (lab.worker = event.data));
    await navigator.serviceWorker.register("/lab/worker.js");
    await navigator.serviceWorker.ready;
    for (let i = 0; i < 3; i++) await fetch("/lab/data/").then(done);
  },
  renew() {
    const frame = document.createElement("iframe");
    const renew = () => (frame.src = "/lab/authorize/?prompt=none");
    frame.hidden = true;
    frame.addEventListener("load", () => {
      if (frame.contentDocument.title === "Renewed") done();
      setTimeout(renew, 100);
    });
    renew();
    document.body.append(frame);
  },
};
pages[lab.name]?.();
