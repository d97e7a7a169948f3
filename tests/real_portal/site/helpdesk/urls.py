from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("articles/", views.articles, name="articles"),
    path("articles/<slug:slug>/", views.article, name="article"),
    path("search/", views.search, name="search"),
    path("about/", views.about, name="about"),
    path("queue/", views.queue, name="queue"),
    path("queue/length/", views.queue_length, name="queue-length"),
    path("members/", views.members, name="members"),
    path("kb/", RedirectView.as_view(pattern_name="articles")),
    path("accounts/logout/", LogoutView.as_view(next_page="home"), name="logout"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
    path("lab/", include("helpdesk.lab")),
]
