"""A disk that fails for a while: writes are refused, reads are served, and afterwards all is well (strace injects errors)."""

import json
import pathlib
import sqlite3
import subprocess
import time

from .site import Site, article

# What fails, how, and for which of the calls of each thread.
FAULTS = [("pwrite64", "EIO", "60..140"), ("pwrite64", "ENOSPC", "60..140"), ("fsync,fdatasync", "EIO", "6..20"),
          ("fsync,fdatasync,pwrite64,ftruncate", "EIO", "40+5"), ("pwrite64", "EROFS", "50..90"), ("pread64", "EIO", "30..45")]
SECONDS = 120


def child_of(strace):
    """The process that strace runs."""
    children = pathlib.Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()
    return int(children[0])


def fault(program, calls, error, when):
    site = Site(program)
    (site.feeds / "dau.txt").write_text(article("Tin đầu"))
    headers = site.token()
    site.ok("scan")
    files = [argument for name in ("bantin.db", "bantin.db-wal")
             for argument in ("-P", site.folder / "data" / name)]
    command = ["strace", "-f", "-o", site.folder / "trace", *files, "-e", f"trace={calls}",
               "-e", f"inject={calls}:error={error}:when={when}", program, "serve", "--config", site.config]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site.wait_ready(running)
    accepted, refused, unread, in_row = [], [], 0, 0
    deadline, number = time.monotonic() + SECONDS, 0
    # Ends once it has failed and healed.
    while time.monotonic() < deadline and (not refused or in_row < 30) and not ("+" in when and len(refused) > 500):
        title = f"Bài {number}"
        status, answer = site.request("POST", "/api/articles?channel=xa-hoi", article(title).encode(), headers)
        assert status in (201, 500, 503), (status, answer)
        (accepted if status == 201 else refused).append(title)
        in_row = in_row + 1 if status == 201 else 0
        unread += any(site.request("GET", path)[0] != 200 for path in ("/rss.xml", "/xa-hoi/atom.xml", "/", "/healthz"))
        number += 1
        time.sleep(0.02)
    subprocess.run(["kill", "-TERM", str(child_of(running))], check=True)
    running.wait(60)
    injected = (site.folder / "trace").read_text(errors="replace").count("(INJECTED)")
    titles = [entry["title"] for entry in json.loads(site.ok("list", "--json"))]
    lost, doubled = set(accepted) - set(titles), len(titles) - len(set(titles))
    published = len(set(refused) & set(titles))
    with sqlite3.connect(site.folder / "data" / "bantin.db") as database:
        state = database.execute("PRAGMA integrity_check").fetchone()[0]
    # Where each fifth call fails for ever, it never heals.
    healed = in_row >= 30 or "+" in when
    right = injected > 0 and not lost and not doubled and not unread and not published and state == "ok" and healed
    print(f"{calls} fails with {error} ({when}): {injected} errors, {len(accepted)} writes accepted, {len(refused)} refused, "
          f"of them {published} published all the same, lost {len(lost)}, doubled {doubled}, documents not served {unread}, "
          f"{'healed' if in_row >= 30 else 'not healed'}, integrity {state}" + ("" if right else "  WRONG"), flush=True)
    return right


def errors(arguments):
    return all([fault(arguments.program, *one) for one in FAULTS])
