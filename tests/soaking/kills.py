"""kill -9 at random moments in a load of writes, scans, imports, builds and backups."""

import collections
import http.client
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import urllib.parse
from xml.etree import ElementTree

from .site import Site, article, percentile, stop

# What runs beside the service when it is killed, and is killed itself, in turn.
KINDS = ["scan", "import", "build", "backup"]
# The part of a text that a correction replaces.
SECOND = "Đoạn thứ hai, dài hơn một dòng tiêu đề."
# Articles of one writer. Then it only corrects, withdraws and restores: the log grows, the site does not.
ARTICLES = 400
WRITERS = 2


class Writer:
    """Publishes, corrects, withdraws and restores articles of its own, one after another, and keeps a book of them."""

    def __init__(self, number):
        self.number, self.random = number, random.Random(number)
        # For each title its id, and the states that are right, as (is it published, its second paragraph): what was
        # acknowledged last, and what was under way when the service was killed.
        self.ids, self.allowed, self.order = {}, {}, collections.deque()
        self.acknowledged, self.unanswered, self.serial = {"new": 0, "corrected": 0, "withdrawn": 0, "restored": 0}, [], 0

    def until(self, stopped, site, headers):
        while not stopped.is_set():
            try:
                self.act(site, headers)
            except (OSError, http.client.HTTPException):
                # Killed before its answer: nobody knows whether it was done.
                time.sleep(0.01)

    def act(self, site, headers):
        if self.unanswered:
            return self.publish(site, headers, *self.unanswered[0])
        if len(self.ids) < ARTICLES and (len(self.ids) < 150 or self.random.random() < 0.5):
            self.serial += 1
            # Sent again with the same key after a kill, it must not become a second article.
            self.unanswered.append((f"Bài {self.number}-{self.serial}", f"{self.number}-{self.serial}"))
            return self.publish(site, headers, *self.unanswered[0])
        # The one whose last change is the longest ago: two changes of an article never share a second, so that more of them
        # than that would push the time of the log ahead of the clock, and writes would be refused until it has caught up.
        title = self.order[0]
        self.order.rotate(-1)
        before = self.allowed[title]
        if any(not live for live, _ in before):
            return self.change(site, headers, "restored", title, "POST", "/restore", {(True, text) for _, text in before})
        if self.random.random() < 0.3:
            return self.change(site, headers, "withdrawn", title, "DELETE", "", {(False, text) for _, text in before})
        self.serial += 1
        return self.change(site, headers, "corrected", title, "PUT", "", {(True, f"Lần sửa {self.serial}")})

    def publish(self, site, headers, title, key):
        status, answer = site.request("POST", "/api/articles?channel=xa-hoi", article(title).encode(),
                                      {**headers, "Idempotency-Key": key})
        assert status in (200, 201, 503), (status, answer)
        if status != 503:
            self.unanswered.pop(0)
            self.ids[title] = json.loads(answer)["id"]
            self.allowed[title] = {(True, SECOND)}
            self.order.append(title)
            self.acknowledged["new"] += 1

    def change(self, site, headers, kind, title, method, ending, after):
        before = self.allowed[title]
        self.allowed[title] = before | after
        body = article(title).replace(SECOND, next(iter(after))[1]).encode() if kind == "corrected" else b""
        status, answer = site.request(method, self.path(title) + ending, body, headers)
        # 409, 410: what was under way at a kill had been done.
        assert status in (200, 409, 410, 503), (kind, title, status, answer)
        if status == 503:
            self.allowed[title] = before
        elif status == 200:
            self.allowed[title] = after
            self.acknowledged[kind] += 1
        else:
            self.allowed[title] = {(live, text) for live, text in before if live == (kind == "restored")}

    def path(self, title):
        return f"/api/articles/{urllib.parse.quote(self.ids[title], safe='')}"

    def lost(self, site):
        """What is not as it was acknowledged."""
        wrong = []
        for title, allowed in self.allowed.items():
            status, answer = site.request("GET", self.path(title))
            text = answer.decode()
            if not any(status == 200 and expected in text if live else status == 410 for live, expected in allowed):
                wrong.append(f"{title}: {status}, expected one of {sorted(allowed)}")
        return wrong


def dead_ends(out):
    """Links of the feeds in a built directory that lead to no file, and feeds that cannot be read."""
    wrong = []
    for feed in out.rglob("rss.xml"):
        try:
            links = [item.findtext("link") for item in ElementTree.parse(feed).iter("item")]
        except ElementTree.ParseError as cause:
            wrong.append(f"{feed}: {cause}")
            continue
        files = [out / (urllib.parse.unquote(urllib.parse.urlsplit(link).path)[1:] + ".html") for link in links]
        wrong += [f"{feed} leads to {file}" for file in files if not file.exists()]
    return wrong


class Run:
    def __init__(self, arguments):
        self.site, self.numbers = Site(arguments.program, arguments.store), random.Random(arguments.seed)
        self.out, self.old = self.site.folder / "out", self.site.folder / "old"
        self.headers = self.site.token()
        self.writers = [Writer(number) for number in range(WRITERS)]
        self.in_folder, self.imported, self.ready, self.rounds = [], [], [], 0
        self.hit, self.wrong = dict.fromkeys(["writes", *KINDS], 0), []
        # How long each kind takes, as it was seen last: it is killed somewhere in that time.
        self.duration = dict.fromkeys(KINDS, 0.2)

    def beside(self, kind):
        if kind == "scan":
            # Enough files that a kill meets the scan.
            for number in range(10):
                title = f"Tệp {self.rounds}-{number}"
                part = self.site.feeds / ".part"
                part.write_text(article(title))
                part.rename(self.site.feeds / f"tep-{self.rounds}-{number}.txt")
                self.in_folder.append(title)
            return ["scan"]
        if kind == "import":
            self.old.mkdir(exist_ok=True)
            for number in range(30):
                title = f"Bài cũ {self.rounds}-{number}"
                (self.old / f"cu-{self.rounds}-{number}.txt").write_text(article(title, "01/02/2020 08:00"))
                self.imported.append(title)
            return ["import", self.old, "--channel", "xa-hoi"]
        return {"build": ["build", "--out", self.out],
                "backup": ["backup", self.site.folder / f"backup-{self.rounds}"]}[kind]

    def round(self):
        self.rounds += 1
        running, seconds = self.start()
        stopped = threading.Event()
        threads = [threading.Thread(target=writer.until, args=(stopped, self.site, self.headers))
                   for writer in self.writers]
        for thread in threads:
            thread.start()
        time.sleep(self.numbers.uniform(0, 0.15))
        kind = KINDS[self.rounds % len(KINDS)]
        started = time.monotonic()
        beside = self.site.command(*self.beside(kind))
        first = self.numbers.choice(["service", "both", "beside"])
        moment = started + self.numbers.uniform(0.005, self.duration[kind])
        while time.monotonic() < moment and beside.poll() is None:
            time.sleep(0.001)
        ended = time.monotonic() - started
        if beside.poll() is None:
            self.hit[kind] += 1
            # Where few are met in the middle, they are given less time; else more, so that all parts of it are met.
            self.duration[kind] = min(self.duration[kind] * 1.05, 5)
        else:
            self.duration[kind] = max(ended, 0.02)
        if first == "beside":
            beside.kill()
            time.sleep(self.numbers.uniform(0, 0.1))
        running.kill()
        self.hit["writes"] += 1
        if first == "service":
            time.sleep(self.numbers.uniform(0, 0.1))
        beside.kill()
        stopped.set()
        running.wait()
        beside.wait()
        for thread in threads:
            thread.join()
        self.after(kind)

    def start(self):
        log = self.site.folder / "log"
        with open(log, "wb") as output:
            running, seconds = self.site.serve(stderr=output)
        self.ready.append(seconds)
        if seconds > 1:
            print(f"ready after {seconds:.2f} s, load {os.getloadavg()[0]:.1f}, after kill {self.rounds - 1}\n"
                  + "\n".join(log.read_text().splitlines()[:6]), file=sys.stderr, flush=True)
        return running, seconds

    def after(self, kind):
        if kind == "build" and self.out.exists():
            self.wrong += dead_ends(self.out)
        # Under its final name a backup is whole, or there is none.
        for backup in self.site.folder.glob("backup-*"):
            self.site.ok("verify", backup)
            backup.unlink()
        if self.rounds % 25 == 0 and (database := self.site.folder / "data" / "bantin.db").exists():
            with sqlite3.connect(database) as connection:
                state = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if state != "ok":
                self.wrong.append(f"after {self.rounds} kills: {state}")

    def end(self):
        """Lets all that was interrupted be finished, and looks for what is missing."""
        running, seconds = self.site.serve()
        self.ready.append(seconds)
        deadline = time.monotonic() + 120
        while any(writer.unanswered for writer in self.writers) and time.monotonic() < deadline:
            for writer in self.writers:
                writer.act(self.site, self.headers)
        if self.imported:
            self.site.ok("import", self.old, "--channel", "xa-hoi")
        while set(self.in_folder) - set(self.site.titles()) and time.monotonic() < deadline:
            time.sleep(0.5)
        lost = [one for writer in self.writers for one in writer.lost(self.site)]
        stop(running)
        self.site.ok("build", "--out", self.out)
        self.wrong += dead_ends(self.out)
        titles = self.site.titles()
        lost += [title for title in [*self.in_folder, *self.imported] if title not in set(titles)]
        return lost, len(titles) - len(set(titles))

    def counts(self):
        kinds = {kind: sum(writer.acknowledged[kind] for writer in self.writers) for kind in self.writers[0].acknowledged}
        return (f"acknowledged: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}; in the middle of: "
                f"{', '.join(f'{count} {kind}' for kind, count in self.hit.items())}; ready after: median "
                f"{percentile(self.ready, .5):.2f} s, max {max(self.ready):.2f} s")


def kills(arguments):
    run = Run(arguments)
    started = time.monotonic()
    # A round is always ended, and then what was acknowledged is looked for.
    asked = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.append(True))
    while run.rounds < arguments.count and not asked:
        run.round()
        if run.rounds % min(50, arguments.count) == 0:
            print(f"{run.rounds} of {arguments.count} kills in {time.monotonic() - started:.0f} s; {run.counts()}; "
                  f"wrong: {len(run.wrong)}", file=sys.stderr, flush=True)
    if asked:
        print(f"interrupted after {run.rounds} of {arguments.count} kills", file=sys.stderr, flush=True)
    lost, doubled = run.end()
    for one in [*lost, *run.wrong][:20]:
        print(f"WRONG: {one}")
    if arguments.count < 100:
        # Too few for each kind to be met for certain.
        run.hit = {kind: count for kind, count in run.hit.items() if count}
    missed = [kind for kind, count in run.hit.items() if not count]
    slow = sum(seconds > 1 for seconds in run.ready)
    print(f"kills: {run.rounds}; {run.counts()}, over 1 s: {slow}; files: {len(run.in_folder)}, imported: "
          f"{len(run.imported)}, lost: {len(lost)}, doubled: {doubled}, otherwise wrong: {len(run.wrong)}")
    if missed:
        print(f"no kill met: {', '.join(missed)}")
    return not lost and not doubled and not run.wrong and not missed
