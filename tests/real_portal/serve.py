"""Serves the help desk, and writes down what reaches it. The site itself knows of neither.

serve.py prepare DB        makes the database with its users
serve.py run DB LOG        serves on a free port of loopback and prints the port;
                           each request becomes a JSON line in LOG
"""

import json
import os
import sys
from pathlib import Path

USERS = {"ann": False, "bob": False, "root": True}
PASSWORD = "correct horse"


def main(command, database, log=None):
    os.environ["DJANGO_SETTINGS_MODULE"] = "helpdesk.settings"
    os.environ["HELPDESK_DB"] = database
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path(__file__).parent / "site"))
    prepare() if command == "prepare" else run(log)


def prepare():
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for name, is_superuser in USERS.items():
        users = get_user_model().objects
        (users.create_superuser if is_superuser else users.create_user)(name, password=PASSWORD)


def run(log):
    import waitress
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from helpdesk.wsgi import application

    # The headers of a proxy are left as they come: to see them is the point.
    server = waitress.create_server(
        Recorder(StaticFilesHandler(application), log),
        host="127.0.0.1",
        port=0,
        threads=8,
        clear_untrusted_proxy_headers=False,
    )
    print(server.effective_port, flush=True)
    server.run()


class Recorder:
    def __init__(self, application, log):
        self.application = application
        self.log = open(log, "a", buffering=1)

    def __call__(self, environ, start_response):
        headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.log.write(json.dumps({"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"], "headers": headers}) + "\n")
        answer = self.application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        answer.close()  # to leave out the body is the server's part, and waitress does not do it
        return []


if __name__ == "__main__":
    main(*sys.argv[1:])
