from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control

ARTICLES = {
    "password": ("Change your password", "Open your account and choose a new one."),
    "printer": ("The printer is out of paper", "Lift the lid, put in paper, close the lid."),
    "vpn": ("Work from home", "Install the client, sign in, connect."),
}


def home(request):
    return render(request, "home.html")


def articles(request):
    return render(request, "articles.html", {"title": "Articles", "articles": ARTICLES})


def article(request, slug):
    if slug not in ARTICLES:
        raise Http404
    title, text = ARTICLES[slug]
    return render(request, "article.html", {"title": title, "text": text})


def search(request):
    query = request.GET.get("q", "")
    found = {slug: article for slug, article in ARTICLES.items() if query.lower() in " ".join(article).lower()}
    return render(request, "articles.html", {"title": f"Search: {query}", "articles": found})


@cache_control(public=True, max_age=60)
def about(request):
    """The same for everybody, and any cache may keep it."""
    return HttpResponse("<!doctype html><title>About the help desk</title><h1>About the help desk</h1>")


def queue(request):
    return render(request, "queue.html", {"title": "Queue"})


def queue_length(request):
    return JsonResponse({"waiting": 3})


@login_required
def members(request):
    return render(request, "members.html", {"title": "Members"})
