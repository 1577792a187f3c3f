"""The store's own writes, cut at random points: unsynced ones lost or torn (strace)."""

import json
import pathlib
import random
import re
import sqlite3
import subprocess
import sys

from .site import Site, article

STORE_FILES = ("bantin.db", "bantin.db-wal")
SECTOR = 512


def unquote(text):
    return bytes.fromhex(text.replace("\\x", ""))


def traced(path):
    """What the store did, in order: ("begin" | "end", call number) of each call, and the calls: name, file, bytes, offset.
    An acknowledgement is a call of the name "ack" with the article's id as bytes."""
    call = re.compile(r"(?:\[pid +)?(\d+)\]? +(\w+)\((.*)")
    resumed = re.compile(r"(?:\[pid +)?(\d+)\]? +<\.\.\. \w+ resumed>")
    events, calls, running = [], [], {}
    for line in open(path, encoding="ascii", errors="replace"):
        if found := resumed.match(line):
            if (number := running.pop(found[1], None)) is not None:
                events.append(("end", number))
            continue
        found = call.match(line)
        if not found:
            continue
        thread, name, rest = found.groups()
        strings = [unquote(text) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', rest)]
        target = re.match(r"\d+<((?:\\x[0-9a-f]{2})*)>", rest)
        file = pathlib.PurePath(unquote(target[1]).decode()).name if target else ""
        if name in ("write", "writev", "sendto", "sendmsg"):
            sent = b"".join(strings)
            answer = re.search(rb'"id":"([^"]+)"', sent)
            if not sent.startswith(b"HTTP/1.1 201") or not answer:
                continue
            made = ("ack", "", answer[1], 0)
        elif name == "pwrite64" and file in STORE_FILES:
            made = ("write", file, strings[0], int(re.search(r", (\d+)(?:\) += \d+| <unfinished)", rest)[1]))
        elif name == "ftruncate" and file in STORE_FILES:
            made = ("truncate", file, b"", int(re.search(r">, (\d+)", rest)[1]))
        elif name in ("fsync", "fdatasync") and file in STORE_FILES:
            made = ("sync", file, b"", 0)
        else:
            continue
        calls.append(made)
        events.append(("begin", len(calls) - 1))
        if "<unfinished" in line:
            running[thread] = len(calls) - 1
        else:
            events.append(("end", len(calls) - 1))
    return events, calls


def applied(image, name, content, offset):
    if name == "truncate":
        del image[offset:]
        image.extend(bytes(offset - len(image)))
        return
    if len(image) < offset + len(content):
        image.extend(bytes(offset + len(content) - len(image)))
    image[offset:offset + len(content)] = content


def after_power_cut(before, events, calls, cut, numbers, honours_sync=True):
    """The bytes of the files if the power fails after `cut` events, and what was acknowledged before."""
    images = {name: bytearray(content) for name, content in before.items()}
    waiting, ended, covered, acknowledged = {name: [] for name in STORE_FILES}, set(), {}, []
    for kind, number in events[:cut]:
        name, file, content, offset = calls[number]
        if name == "ack":
            if kind == "begin":
                acknowledged.append(content.decode())
        elif name == "sync":
            # Only what was written before the call began is safe when it ends.
            if kind == "begin":
                covered[number] = [one for one in waiting[file] if one in ended]
            elif honours_sync:
                for one in covered.pop(number):
                    if one in waiting[file]:
                        waiting[file].remove(one)
                        applied(images[file], calls[one][0], *calls[one][2:])
        elif kind == "begin":
            waiting[file].append(number)
        else:
            ended.add(number)
    for file, pending in waiting.items():
        for number in pending:
            name, _, content, offset = calls[number]
            fate = numbers.choice(["kept", "lost", "torn"])
            if fate == "kept" or (fate == "torn" and name == "truncate"):
                applied(images[file], name, content, offset)
            elif fate == "torn":
                # A disk writes whole sectors, in any order.
                start = offset
                while start < offset + len(content):
                    stop = min((start // SECTOR + 1) * SECTOR, offset + len(content))
                    if numbers.random() < 0.5:
                        applied(images[file], name, content[start - offset:stop - offset], start)
                    start = stop
    return images, acknowledged


def powercut(arguments):
    site, numbers = Site(arguments.program), random.Random(arguments.seed)
    headers = site.token()
    data = site.folder / "data"
    before = {name: (data / name).read_bytes() if (data / name).exists() else b"" for name in STORE_FILES}
    trace = site.folder / "trace"
    calls = "trace=pwrite64,ftruncate,fsync,fdatasync,write,writev,sendto,sendmsg"
    strace = ["strace", "-f", "-y", "-xx", "-s", "4194304", "-e", calls, "-o", trace]
    running = subprocess.Popen([*strace, arguments.program, "serve", "--config", site.config],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site.wait_ready(running)
    for number in range(160):
        text = article(f"Bài {number}") + "Một đoạn văn nữa.\n\n" * numbers.randrange(60)
        status, answer = site.request("POST", "/api/articles?channel=xa-hoi", text.encode(), headers)
        assert status == 201, answer
    subprocess.run(["pkill", "-TERM", "-P", str(running.pid)], check=True)
    running.wait(60)
    events, calls = traced(trace)
    syncs = sum(call[0] == "sync" for call in calls)
    print(f"{len(calls)} calls, {syncs} of them syncs, {sum(call[0] == 'ack' for call in calls)} acknowledged")
    image = Site(arguments.program)
    (image.folder / "data").mkdir()

    def lost_after(cut, honours_sync):
        files, acknowledged = after_power_cut(before, events, calls, cut, numbers, honours_sync)
        for old in (image.folder / "data").iterdir():
            old.unlink()
        for name, content in files.items():
            (image.folder / "data" / name).write_bytes(content)
        try:
            entries = json.loads(image.ok("list", "--json"))
        except AssertionError as refused:
            return f"refused: {refused}"
        ids = [entry["id"] for entry in entries]
        missing = set(acknowledged) - set(ids)
        if missing or len(ids) != len(set(ids)):
            return f"{len(missing)} of {len(acknowledged)} lost, {len(ids) - len(set(ids))} doubled"
        with sqlite3.connect(image.folder / "data" / "bantin.db") as database:
            state = database.execute("PRAGMA integrity_check").fetchone()[0]
        return None if state == "ok" else state

    # A disk that ignores syncs loses articles: otherwise this run would show nothing.
    ignoring = [lost_after(numbers.randrange(len(events) // 2, len(events)), False) for _ in range(20)]
    print(f"where syncs are ignored: {sum(found is not None for found in ignoring)} of 20 images lost something")
    broken = []
    for number in range(arguments.count):
        cut = numbers.randrange(1, len(events) + 1)
        if (found := lost_after(cut, True)) is not None:
            broken.append((cut, found))
            print(f"cut after {cut} of {len(events)}: {found}")
        if (number + 1) % 100 == 0:
            print(f"{number + 1} of {arguments.count} images, {len(broken)} broken", file=sys.stderr, flush=True)
    print(f"images: {arguments.count}, broken: {len(broken)}")
    return not broken and any(ignoring)
