"""One bit of the database flipped, again and again: each flip is named, or changes nothing that anybody is given."""

import collections
import json
import random
import re
import struct
import sys
import time
import urllib.parse
import xml.etree.ElementTree
import zlib

from .site import Site, article, stop

# A flipped bit may lead a program astray in many ways; none of them may take long.
SECONDS = 20
NAMED = re.compile(r"is damaged|malformed|corrupt|not a database")
CHECKED = re.compile(r"database was checked|could not be checked|database is damaged")


def picture(shade):
    """A PNG of 320×200 pixels."""
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    rows = b"".join(b"\0" + bytes((shade * x * y) % 256 for x in range(320)) for y in range(200))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 320, 200, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def with_history(site, numbers):
    """Articles of both doors, corrected, withdrawn and restored, and images."""
    for number in range(15):
        (site.feeds / f"tep-{number}.txt").write_text(article(f"Tệp {number}", f"{number + 1:02}/04/2023 08:00"))
        if number % 3 == 0:
            (site.feeds / f"tep-{number}.png").write_bytes(picture(number + 3))
    headers = site.token()
    running, _ = site.serve()
    words = "xã huyện đồng bào hội nghị tổng kết nông thôn mới trường học đường đèo Đăk Tô tỉnh".split()
    for number in range(45):
        text = article(f"Bài {number}", f"{number % 28 + 1:02}/05/2023 09:00")
        text += "".join(" ".join(numbers.choices(words, k=80)) + ".\n\n" for _ in range(numbers.randrange(8)))
        status, answer = site.request("POST", "/api/articles?channel=xa-hoi", text.encode(), headers)
        assert status == 201, answer
        path = "/api/articles/" + urllib.parse.quote(json.loads(answer)["id"], safe="")
        if number % 5 == 0:
            status, answer = site.request("PUT", path, text.replace("Đoạn thứ hai", "Đoạn đã sửa").encode(), headers)
            assert status == 200, answer
        if number % 9 == 0:
            assert site.request("DELETE", path, headers=headers)[0] == 200
            if number % 2:
                assert site.request("POST", path + "/restore", b"", headers)[0] == 200
    stop(running)


def given(site):
    """All that readers are given, by its address."""
    documents, pages = {}, ["/rss.xml", "/atom.xml", "/feed.json", "/xa-hoi/rss.xml", "/", "/theo-thang/2023/05/",
                            "/tim-kiem?q=huyen", "/sitemap.xml", "/api/changes?limit=1000", "/api/articles?limit=1000"]
    pages += [f"/xa-hoi/archive/{number}/atom.xml" for number in (1, 2)]
    while pages:
        path = pages.pop()
        status, body = site.request("GET", path, timeout=SECONDS)
        documents[path] = (status, body)
        if status == 200 and path.startswith("/api/"):
            for one in json.loads(body).get("changes") or json.loads(body).get("articles") or []:
                one = one.get("article") or one
                address = urllib.parse.urlsplit(one.get("url") or "").path
                pages += [found for found in [address, *re.findall(r"/media/[\w.-]+", json.dumps(one))]
                          if found and found not in documents and found not in pages]
    return documents


def outcome(site, expected):
    """What the flip led to, and the log."""
    log = site.folder / "log"
    with open(log, "wb") as output:
        running = site.command("serve", "-v", stderr=output)
    try:
        deadline = time.monotonic() + SECONDS
        while running.poll() is None:
            try:
                if site.request("GET", "/readyz", timeout=5)[0] == 200:
                    break
            except OSError:
                pass
            if time.monotonic() > deadline - SECONDS / 2 and NAMED.search(log.read_text()) or time.monotonic() > deadline:
                # A folder that cannot be stored is tried again and again, and the log says why.
                text = log.read_text()
                return "never ready, named" if NAMED.search(text) else "hangs", text
            time.sleep(0.01)
        found = {} if running.poll() is not None else given(site)
        # The check of the database goes on beside the first requests.
        while running.poll() is None and not CHECKED.search(log.read_text()):
            if time.monotonic() > deadline:
                return "is not checked", log.read_text()
            time.sleep(0.01)
    finally:
        if running.poll() is None:
            stop(running)
    text = log.read_text()
    named = bool(NAMED.search(text))
    if not found:
        return "not started, named" if named else "not started, not named", text
    if found == expected:
        return "nothing differs, named" if named else "nothing differs", text
    differing = [path for path in expected if found.get(path) != expected[path]]
    # An article that is damaged is left out, which changes feeds and lists; it must not be given in another form.
    others = altered(found, expected)
    kind = "something else is given" if others else "something is left out"
    return f"{kind}, {'named' if named else 'NOT NAMED'}", text + "\n" + "\n".join(map(str, others or differing))


def parts(documents):
    """Each article, change and tombstone that is given, by its document and its id or number."""
    found = {}
    for path, (status, body) in documents.items():
        if status != 200:
            continue
        if path.startswith("/api/") or path == "/feed.json":
            whole = json.loads(body)
            for one in whole.get("changes") or whole.get("articles") or whole.get("items") or []:
                found[path, one["id"], one.get("number")] = one
        elif path.endswith("/atom.xml"):
            for one in xml.etree.ElementTree.fromstring(body):
                name = one.get("ref") or one.findtext("{http://www.w3.org/2005/Atom}id")
                if one.tag.endswith("entry") and name:
                    found[path, one.tag, name] = {"xml": xml.etree.ElementTree.tostring(one).strip()}
        elif path.startswith("/media/"):
            found[path, "", ""] = {"bytes": body}
    return found


def altered(found, expected):
    """What is given and is not what was published. Of a change that is damaged, members are left out."""
    before = parts(expected)
    return [name for name, one in parts(found).items()
            if any(value and value != before.get(name, {}).get(member) for member, value in one.items())]


def flips(arguments):
    numbers = random.Random(arguments.seed)
    site = Site(arguments.program)
    with_history(site, numbers)
    database = site.folder / "data" / "bantin.db"
    running, _ = site.serve()
    time.sleep(3)
    stop(running)
    whole = database.read_bytes()
    running, _ = site.serve()
    expected = given(site)
    stop(running)
    assert database.read_bytes() == whole and len(expected) > 60, len(expected)
    print(f"{len(whole)} bytes of database, {len(expected)} documents compared", flush=True)
    counts = collections.Counter()
    for number in range(arguments.count):
        place, bit = numbers.randrange(len(whole)), numbers.randrange(8)
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        for old in (site.folder / "data").iterdir():
            old.unlink()
        database.write_bytes(flipped)
        what, log = outcome(site, expected)
        counts[what] += 1
        if what.startswith("something else") or "not named" in what.lower() or what in ("hangs", "is not checked"):
            print(f"bit {bit} of byte {place} (page {place // 4096 + 1}): {what}\n{log[-1500:]}", flush=True)
        if (number + 1) % 50 == 0:
            print(f"{number + 1} of {arguments.count} flips: {dict(counts)}", file=sys.stderr, flush=True)
    print(f"flips: {arguments.count}; " + ", ".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    return not any("not named" in what.lower() or what in ("hangs", "is not checked") for what in counts)
