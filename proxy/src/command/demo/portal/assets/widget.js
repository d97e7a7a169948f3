// The whole chat: it brings itself to the page it is put on and opens with one call.
"use strict";

(async () => {
  const place = document.getElementById("acme-chat");
  if (!place) return;
  const add = (kind, name, text) => {
    const element = document.createElement(kind);
    element.className = name;
    element.textContent = text;
    place.append(element);
  };
  try {
    const answer = await fetch("/embed/chat/api/open", { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const chat = await answer.json();
    place.replaceChildren();
    add("p", "chat-head", `${chat.agent} from Acme`);
    add("p", "chat-line", chat.greeting);
    add("p", "chat-wait", `Usually answers within ${chat.wait_minutes} minutes`);
  } catch {
    place.replaceChildren();
    add("p", "chat-wait", "The chat is not available right now.");
  }
})();
