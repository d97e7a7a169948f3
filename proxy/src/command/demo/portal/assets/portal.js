// Keeps the line about the services fresh, as many portals do: traffic that nobody caused by hand.
"use strict";

const line = document.querySelector("[data-status]");

async function poll() {
  try {
    const answer = await fetch("/api/poll", { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    line.textContent = (await answer.json()).status;
    line.parentElement.classList.add("well");
  } catch {
    line.textContent = "The services cannot be reached";
    line.parentElement.classList.remove("well");
  }
}

poll();
setInterval(poll, 5000);
