"""What all long runs share: a site of their own, its program, and what is measured."""

import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

CONFIG = """[site]
title = "Thử"
tag_authority = "soak.example,2010"
[server]
listen = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
[server.limits]
connections = 20000
[[channel]]
slug = "xa-hoi"
title = "Xã hội"
[store]
url = "{store}"
"""


def article(title, stamp="12/05/2023 08:00"):
    return f"{title}\n\n{stamp}\n\nĐoạn mở đầu của {title}.\n\nĐoạn thứ hai, dài hơn một dòng tiêu đề.\n\nTấn Lộc\n"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Site:
    # Of all sites. They are removed at the end, or kept where a promise was broken.
    folders = []

    def __init__(self, program, store=None, more=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bantin-soak-"))
        self.folders.append(self.folder)
        self.port, self.admin = free_port(), free_port()
        self.config = self.folder / "config.toml"
        self.config.write_text(CONFIG.format(port=self.port, admin=self.admin, store=store or "sqlite:data/bantin.db") + more)
        self.feeds = self.folder / "feeds" / "xa-hoi"
        self.feeds.mkdir(parents=True)
        self.program = program

    def command(self, *arguments, **options):
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("BANTIN_")}, **options.pop("env", {})}
        return subprocess.Popen([self.program, *arguments, "--config", self.config], env=environment,
                                stdout=options.pop("stdout", subprocess.DEVNULL),
                                stderr=options.pop("stderr", subprocess.DEVNULL), **options)

    def ok(self, *arguments):
        running = self.command(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = running.communicate()
        assert running.returncode == 0, err.decode()
        return out.decode()

    def request(self, method, path, body=None, headers=None, timeout=30, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_ready(self, running):
        started = time.monotonic()
        while True:
            assert running.poll() is None, "the service has ended"
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return time.monotonic() - started
            except OSError:
                pass
            time.sleep(0.005)

    def serve(self, **options):
        running = self.command("serve", **options)
        return running, self.wait_ready(running)

    def token(self):
        return {"Authorization": "Bearer " + self.ok("token", "new", "soak").strip(),
                "Content-Type": "text/plain; charset=utf-8"}

    def titles(self):
        return [entry["title"] for entry in json.loads(self.ok("list", "--json"))]


def stop(running):
    running.send_signal(signal.SIGTERM)
    running.wait(60)


def memory(running):
    with open(f"/proc/{running.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
