const waiting = document.querySelector("#waiting");

async function poll() {
  const answer = await fetch(waiting.dataset.url, { headers: { "X-Requested-With": "XMLHttpRequest" } });
  waiting.textContent = (await answer.json()).waiting;
  waiting.dataset.polls = Number(waiting.dataset.polls) + 1;
}

if (waiting) setInterval(poll, 200);
