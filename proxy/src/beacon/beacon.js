// Tells portalmeter what only a browser knows: a video played, an image enlarged, a link followed out of the
// portal, a goal completed. It sends the page's path and the name of what was done, and nothing else.
(function () {
  "use strict";
  var target = "/.portalmeter/action";

  function nonce() {
    var bytes = new Uint8Array(12), text = "";
    crypto.getRandomValues(bytes);
    for (var i = 0; i < bytes.length; i++) text += ("0" + bytes[i].toString(16)).slice(-2);
    return text;
  }

  function tell(action, goal) {
    var said = { action: action, resource: location.pathname + location.search, id: nonce() };
    if (goal) said.goal = goal;
    var body = JSON.stringify(said);
    if (body.length > 1000) { said.resource = location.pathname; body = JSON.stringify(said); }
    try {
      if (navigator.sendBeacon && navigator.sendBeacon(target, new Blob([body], { type: "application/json" }))) return;
      fetch(target, { method: "POST", body: body, keepalive: true, headers: { "Content-Type": "application/json" } });
    } catch (ignored) { /* engagement is not worth an error */ }
  }

  // Media events do not bubble, but they are captured. A video counts once for each thing it plays.
  var played = new WeakMap();
  document.addEventListener("play", function (event) {
    var video = event.target;
    if (!(video instanceof HTMLVideoElement) || played.get(video) === video.currentSrc) return;
    played.set(video, video.currentSrc);
    tell("video");
  }, true);

  document.addEventListener("click", function (event) {
    var at = event.target instanceof Element ? event.target : null;
    if (!at) return;
    var marked = at.closest("[data-portalmeter-goal]");
    if (marked) tell("goal", marked.getAttribute("data-portalmeter-goal"));
    // data-portalmeter="image", or the name of an action that the portal's configuration has.
    var named = at.closest("[data-portalmeter]");
    if (named) return tell(named.getAttribute("data-portalmeter") || "image");
    var link = at.closest("a[href]");
    if (!link || !/^https?:$/.test(link.protocol)) return;
    if (link.host !== location.host) tell("link");
    else if (/\.(jpe?g|png|gif|webp|avif|svg)$/i.test(link.pathname)) tell("image");
  }, true);

  // For a portal's own scripts: portalmeter("goal", "signed-up").
  window.portalmeter = tell;
})();
