#!/usr/bin/env python3
"""Faults as an administrator meets them: for each, `status`, `jobs` or `check` must name cause and remedy within two
commands, nothing may be lost, and all must be delivered once the cause is gone.

Usage: planted.py PROGRAM [NAME...]     as root: the service runs as a user without rights (number 5000)"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab

USER = 5000
CASES = {}


def case(*expected):
    """`expected`: pairs of a command and what its output must say, as regular expressions; two at most."""
    def register(function):
        CASES[function.__name__] = (function, expected)
        return function
    return register


class Answers:
    """A server that gives one answer to everything, or none at all."""

    def __init__(self, status=None, body=b"{}"):
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if status is None:
                    time.sleep(3600)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET = answer

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        http = Quiet(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/v1" % http.server_address[1]
        threading.Thread(target=http.serve_forever, daemon=True).start()


class Office(lab.Place):
    """The service as a user without rights, in a folder of its own."""

    def __init__(self, folder, program, server):
        os.makedirs(folder)
        super().__init__(folder, program, server)
        self.server, self.number, self.wrapper, self.environment = server, 0, [], {}
        self.engine('kind = "openai"\nbase_url = "%s"' % server.url)
        for top, names, files in os.walk(folder):
            for name in [top] + [os.path.join(top, one) for one in names + files]:
                os.chown(name, USER, USER)

    def engine(self, text, inbox="", extra=""):
        with open(self.path("parlograph.toml"), "w") as file:
            file.write("""state_directory = "{0}/state"
cache_directory = "{0}/cache"
[[inbox]]
path = "{0}/inbox"
outbox = "{0}/outbox"
done = "{0}/done"
failed = "{0}/failed"
engine = "cloud"
settle_seconds = 0.2
{inbox}
[processing]
chunk_retry_delay_seconds = 0
shutdown_seconds = 5
{extra}
[engines.cloud]
chunk_target_seconds = 5
chunk_max_seconds = 6
{engine}
""".format(self.folder, engine=text, inbox=inbox, extra=extra))

    def run(self, *arguments):
        words = [self.program, *arguments, "--config", self.path("parlograph.toml")]
        environment = dict(os.environ, LC_ALL="C.UTF-8", **self.environment)
        return subprocess.run(
            words, user=USER, group=USER, extra_groups=[], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=120).stdout.decode(errors="replace")

    def start(self, *arguments):
        log = open(self.log, "ab")
        self.service = subprocess.Popen(
            [*self.wrapper, self.program, "serve", "--config", self.path("parlograph.toml")], stdout=log, stderr=log,
            user=USER, group=USER, extra_groups=[], env=dict(os.environ, SWIFT_BACKTRACE="enable=no", **self.environment))
        lab.until("ready", 60, lambda: self.said("ready") or not self.lives())

    def reload(self):
        self.service.send_signal(1)
        time.sleep(2)

    def drop(self, folder="", seconds=3, mode=0o644, owner=USER):
        """Of another owner than the service's it is taken later: without CAP_LEASE it waits until the file has been quiet."""
        self.number += 1
        name = os.path.join(folder, "talk %d.wav" % self.number)
        source = self.path("new.wav")
        lab.write_wav(source, lab.speech(self.number, seconds))
        os.chown(source, owner, USER)
        os.chmod(source, mode)
        os.rename(source, self.path("inbox", name))

    def delivered(self):
        return sum(name.endswith(".json") for name in self.files("outbox"))


# Each case is a generator: it plants its fault, yields, and takes it away.

@case(("jobs", r"cannot be read by the service: Permission denied.*chgrp .*chmod g\+rw"))
def file_without_rights(office):
    office.start()
    office.drop(mode=0o600, owner=USER + 1)
    yield
    os.chmod(office.path("inbox", "talk 1.wav"), 0o644)


@case(("jobs", r"The folder \S*/sub cannot be read by the service.*chmod g\+rwxs"), ("status", r"sub cannot be read.*chgrp"))
def folder_without_rights(office):
    os.mkdir(office.path("inbox", "sub"), 0o700)
    os.chown(office.path("inbox", "sub"), USER + 1, USER)
    office.drop("sub")
    office.start()
    yield
    os.chmod(office.path("inbox", "sub"), 0o2770)


@case(("jobs", r"waits for space.*outbox"), ("check", r"FAIL +outbox .*full.*Free some space"))
def full_disk(office):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", office.path("outbox")], check=True)
    file = os.open(office.path("outbox", "much"), os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, b"x" * 4096):
            pass
    except OSError:
        os.close(file)
    office.start()
    office.drop()
    yield
    subprocess.run(["mount", "-o", "remount,size=400m", office.path("outbox")], check=True)


@case(("jobs", r"answered 401: .*Check api_key_file of \[engines\.cloud\]"))
def wrong_key(office):
    body = b'{"error": {"message": "Incorrect API key provided."}}'
    wrong = Answers(401, body)
    key = office.path("key")
    with open(key, "w") as file:
        file.write("secret")
    os.chown(key, USER, USER)
    os.chmod(key, 0o400)
    office.engine('kind = "openai"\nbase_url = "%s"\napi_key_file = "%s"' % (wrong.url, key))
    office.start()
    office.drop()
    yield
    office.engine('kind = "openai"\nbase_url = "%s"\napi_key_file = "%s"' % (office.server.url, key))
    office.reload()


@case(("jobs", r"No key is set: put it into .*cloud, then restart the service"))
def key_added_and_only_reloaded(office):
    # What systemd hands out is a folder that a reload does not change.
    os.mkdir(office.path("credentials"))
    os.chown(office.path("credentials"), USER, USER)
    office.environment = {"CREDENTIALS_DIRECTORY": office.path("credentials")}
    refused = Answers(401, b'{"error": {"message": "You did not provide an API key."}}')
    office.engine('kind = "openai"\nbase_url = "%s"' % refused.url)
    office.start()
    office.drop()
    time.sleep(2)
    office.reload()
    yield
    office.engine('kind = "openai"\nbase_url = "%s"' % office.server.url)
    office.reload()


@case(("jobs", r"answered 404.*Check base_url and model.*What was asked is http"))
def wrong_path(office):
    wrong = Answers(404, b"<html>Not Found</html>")
    office.engine('kind = "openai"\nbase_url = "%s/v9"' % wrong.url[:-3])
    office.start()
    office.drop()
    yield
    office.engine('kind = "openai"\nbase_url = "%s"' % office.server.url)
    office.reload()


@case(("jobs", r"Could not resolve host.*Check base_url .*network"))
def wrong_host(office):
    office.engine('kind = "openai"\nbase_url = "http://speech.invalid/v1"')
    office.start()
    office.drop()
    yield
    office.engine('kind = "openai"\nbase_url = "%s"' % office.server.url)
    office.reload()


@case(("jobs", r"is not mounted any more.*mount "), ("status", r"is not mounted any more"))
def unmounted_inbox(office):
    image = office.path("disk")
    subprocess.run(["truncate", "-s", "32M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    mount = ["mount", "-o", "loop", image, office.path("inbox")]
    subprocess.run(mount, check=True)
    os.rmdir(office.path("inbox", "lost+found"))
    os.chown(office.path("inbox"), USER, USER)
    office.start()
    subprocess.run(["umount", "-l", office.path("inbox")], check=True)
    yield
    subprocess.run(mount, check=True)
    lab.write_wav(office.path("inbox", "talk 1.wav"), lab.speech(1, 3))
    os.chown(office.path("inbox", "talk 1.wav"), USER, USER)
    office.number = 1


@case(("status", r"cannot be watched as a whole.*sysctl"))
def no_watches(office):
    # A user name space of its own has its own limit.
    office.wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c",
                      'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh"]
    office.start()
    office.drop()
    yield


@case(("jobs", r"model .whisper-tiny. .*(is not installed: .*parlograph models add whisper-tiny|may lie in)"))
def model_missing(office):
    office.engine('kind = "offline"\nmodel = "whisper-tiny"\nmodels_directory = "%s"' % office.path("models"))
    os.mkdir(office.path("models"))
    office.start()
    office.drop()
    yield
    office.engine('kind = "openai"\nbase_url = "%s"' % office.server.url)
    office.reload()


@case(("jobs", r"of 12 chunks, .*waiting for the engine"), ("status", r"1 (requests|request) (a|per) minute|limit"))
def one_request_a_minute(office):
    office.engine('kind = "openai"\nbase_url = "%s"\napi_rate_limit_per_minute = 1' % office.server.url)
    office.start()
    office.drop(seconds=60)
    yield
    office.engine('kind = "openai"\nbase_url = "%s"\napi_rate_limit_per_minute = 1000' % office.server.url)
    office.reload()


@case(("status", r"were refused, and the old ones are in force.*line \d+"), ("check", r"line \d+"))
def broken_toml(office):
    office.start()
    with open(office.path("parlograph.toml")) as file:
        good = file.read()
    with open(office.path("parlograph.toml"), "w") as file:
        file.write(good.replace("settle_seconds = 0.2", "settle_seconds = = 0.2"))
    office.reload()
    office.drop()
    yield
    with open(office.path("parlograph.toml"), "w") as file:
        file.write(good)
    office.reload()


@case(("jobs", r"no answer from the engine for \d+ s.*takes requests and answers none"))
def hung_engine(office):
    hung = Answers()
    office.engine('kind = "openai"\nbase_url = "%s"' % hung.url)
    office.start()
    office.drop()
    time.sleep(8)
    yield
    office.engine('kind = "openai"\nbase_url = "%s"' % office.server.url)
    office.reload()
    office.stop()
    office.start()


def told(office, expected):
    """The lines that tell of the fault; waits as long as a person would who looks twice."""
    end = time.monotonic() + 30
    while True:
        lines, missing = [], []
        for command, words in expected:
            output = office.run(command).replace("\n    ", " ")
            line = next((line.strip() for line in output.splitlines() if re.search(words, line)), None)
            (lines if line else missing).append("%s: %s" % (command, line or "nothing of “%s” in:\n%s" % (words, output)))
        if not missing or time.monotonic() > end:
            return lines, missing
        time.sleep(1)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(CASES))
    options = options.parse_args()
    if os.getuid() != 0:
        sys.exit("planted.py needs root: the service runs as another user.")
    program = os.path.abspath(options.program)
    top = tempfile.mkdtemp(prefix="parlograph-planted.")
    os.chmod(top, 0o755)
    bad = 0
    try:
        for name in options.names or CASES:
            plant, expected = CASES[name]
            office = Office(os.path.join(top, name), program, lab.Server(0.02))
            faults = []
            steps = plant(office)
            try:
                next(steps)
                lines, faults = told(office, expected)
                next(steps, None)
                end = time.monotonic() + 150
                while office.delivered() < office.number and time.monotonic() < end:
                    time.sleep(0.2)
                if office.delivered() != office.number or not office.lives():
                    faults.append("%d of %d delivered" % (office.delivered(), office.number))
                if office.files("failed"):
                    faults.append("failed: %s" % office.files("failed"))
            finally:
                if office.service and office.lives():
                    office.kill()
                for folder in ("inbox", "outbox"):
                    subprocess.run(["umount", "-l", office.path(folder)], stderr=subprocess.DEVNULL)
            print("%s  %s" % ("FAIL" if faults else "ok  ", name), flush=True)
            for line in lines + faults:
                print("      " + line, flush=True)
            bad += bool(faults)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
