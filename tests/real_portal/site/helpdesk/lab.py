"""Pages that do what makes counting browsers hard: prerender, cache a shell, renew a login in a frame."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.clickjacking import xframe_options_sameorigin

WORKER = """
addEventListener("install", (event) => event.waitUntil(caches.open("shell").then((shell) => shell.add("/lab/shell/")).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil(registration.navigationPreload.enable().then(() => event.source.postMessage("preloads"))));
addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate") return;
  event.respondWith(caches.match(event.request).then(async (kept) => kept ?? (await event.preloadResponse) ?? fetch(event.request)));
});
"""


def page(request, name, status=200, **more):
    return render(request, "lab.html", {"title": f"Lab {name}", "name": name, **more}, status=status)


def start(request, until):
    """An error page, which starts no session, with a page to be fetched ahead."""
    return page(request, "start", status=404, ahead=f"/lab/ahead/{until}/")


def ahead(request, until):
    return page(request, "ahead", until=until)


def renew(request, status):
    return page(request, "renew", status=status)


def authorize(request):
    return redirect("/lab/callback/?code=1")


@xframe_options_sameorigin
def callback(request):
    return HttpResponse("<!doctype html><title>Renewed</title>")


def worker(request):
    return HttpResponse(WORKER, content_type="text/javascript")


def data(request):
    return JsonResponse({})


urlpatterns = [
    path("start/<until>/", start),
    path("ahead/<until>/", ahead),
    path("renew/<int:status>/", renew),
    path("authorize/", authorize),
    path("callback/", callback),
    path("worker.js", worker),
    path("data/", data),
    path("shown/<how>/", lambda request, how: JsonResponse({})),
    path("<name>/", page),
]
