"""24 h of polls, publications and searches at a modest rate, in minutes."""

import collections
import http.client
import json
import os
import pathlib
import random
import time
import urllib.parse

from .site import Site, article, memory, stop

# Of a day: a poll each second, an article each five minutes, a search each 17 seconds.
POLLS, ARTICLES, SEARCHES = 86_400, 288, 5_000
FEEDS = ["/rss.xml", "/atom.xml", "/feed.json", "/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/", "/xa-hoi/"]
PAGES = ["/api/changes?after={number}", "/xa-hoi/archive/1/rss.xml", "/theo-thang/2023/05/", "/sitemap.xml", "/opml.xml"]
WORDS = "tin bài xã huyện đồng bào hội nghị tổng kết nông thôn mới trường học đường đèo Đăk Tô tỉnh lễ hội".split()
ROWS = 12
# Rows of the day that are not compared.
WARM_UP = 2
# Articles and searches that fill the caches before the day begins: 64 MB of entries, 32 MB of article pages, 16 MB of pages
# of changes, 32 MB of other pages.
FILLING, FILLING_SEARCHES = 12_000, 2_000


def text(title, numbers):
    return article(title) + "".join(" ".join(numbers.choices(WORDS, k=60)) + ".\n\n" for _ in range(6))


class Polls:
    """Clients that keep their connections and what they were told: most are told that nothing changed."""

    def __init__(self, site):
        self.site, self.tags, self.statuses = site, {}, collections.Counter()
        self.connection = None

    def get(self, path, client=None):
        if self.connection is None or self.statuses.total() % 500 == 0:
            if self.connection:
                self.connection.close()
            self.connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=30)
        tag = self.tags.get((client, path))
        self.connection.request("GET", path, headers={"If-None-Match": tag} if tag and client is not None else {})
        answer = self.connection.getresponse()
        answer.read()
        self.statuses[answer.status] += 1
        assert answer.status in (200, 304), (path, answer.status)
        self.tags[client, path] = answer.headers.get("ETag")

    def search(self, numbers):
        self.get("/tim-kiem?q=" + urllib.parse.quote(" ".join(numbers.choices(WORDS, k=2))))


def state(site, running):
    """Memory in MB, open files, threads, database and WAL in MB."""
    process = pathlib.Path(f"/proc/{running.pid}")
    sizes = [path.stat().st_size / 1e6 if path.exists() else 0.0
             for path in (site.folder / "data" / "bantin.db", site.folder / "data" / "bantin.db-wal")]
    return memory(running), len(os.listdir(process / "fd")), len(os.listdir(process / "task")), *sizes


def fill_caches(site, polls, headers, numbers):
    """Until then memory grows, up to the bounds of the caches; a site of a day would take weeks for it."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    for number in range(FILLING):
        body = text(f"Bài đầu {number}", numbers).encode()
        connection.request("POST", "/api/articles?channel=xa-hoi", body, headers)
        answer = connection.getresponse()
        page = urllib.parse.urlsplit(json.loads(answer.read())["url"]).path
        assert answer.status == 201, answer.status
        polls.get(page)
        if number % 50 == 0:
            for form in ("rss.xml", "atom.xml", "feed.json"):
                polls.get(f"/xa-hoi/archive/{number // 50 + 1}/{form}")
            polls.get(f"/api/changes?after={number}&limit=50")
    for _ in range(FILLING_SEARCHES):
        polls.search(numbers)


def leaks(arguments):
    numbers, site = random.Random(arguments.seed), Site(arguments.program)
    for number in range(200):
        (site.feeds / f"tin-{number}.txt").write_text(text(f"Tin {number}", numbers))
    headers, polls = site.token(), Polls(site)
    running, _ = site.serve()
    fill_caches(site, polls, headers, numbers)
    print("with full caches: {:.1f} MB, {} open files, {} threads, database {:.1f} MB, WAL {:.1f} MB"
          .format(*state(site, running)), flush=True)
    ids, rows, started = [], [], time.monotonic()
    for second in range(POLLS):
        polls.get(FEEDS[second % len(FEEDS)], second % 5)
        if second % (POLLS // SEARCHES) == 0:
            polls.search(numbers)
        if second % 60 == 0:
            polls.get(numbers.choice(PAGES).format(number=numbers.randrange(200)))
        if second % (POLLS // ARTICLES) == 0:
            # As many are withdrawn as published: the log grows, the site does not.
            status, answer = site.request("POST", "/api/articles?channel=xa-hoi",
                                          text(f"Bài {second}", numbers).encode(), headers)
            assert status == 201, answer
            ids.append(json.loads(answer)["id"])
            if len(ids) > 20:
                status, answer = site.request("DELETE", "/api/articles/" + urllib.parse.quote(ids.pop(0), safe=""),
                                              headers=headers)
                assert status == 200, answer
            (site.feeds / "tin-1.txt").write_text(text("Tin 1", numbers) + f"Lần {second}.\n")
        if (second + 1) % (POLLS // ROWS) == 0:
            rows.append(state(site, running))
            print("after {:2} h ({:4.0f} s): {:6.1f} MB, {} open files, {} threads, database {:.1f} MB, WAL {:.1f} MB"
                  .format((second + 1) * 24 // POLLS, time.monotonic() - started, *rows[-1]), flush=True)
        # The day takes so long, and no less.
        time.sleep(max(0.0, started + (second + 1) * arguments.minutes * 60 / POLLS - time.monotonic()))
    stop(running)
    warm = rows[WARM_UP:]
    half = len(warm) // 2
    early, late = (sum(row[0] for row in part) / half for part in (warm[:half], warm[-half:]))
    files, threads = ({row[column] for row in warm} for column in (1, 2))
    print(f"leaks: {polls.statuses.total()} requests ({dict(polls.statuses)}), {ARTICLES} articles, memory after warm-up "
          f"{early:.1f} MB, at the end {late:.1f} MB, {100 * (late / early - 1):+.1f} %, open files "
          f"{min(files)}-{max(files)}, threads {min(threads)}-{max(threads)}, database {rows[-1][3]:.1f} MB, "
          f"WAL at most {max(row[4] for row in rows):.1f} MB")
    return (abs(late / early - 1) <= 0.05 and max(files) - min(files) <= 8 and max(threads) - min(threads) <= 4
            and max(row[4] for row in rows) < 16)
