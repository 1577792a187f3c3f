"""Measures what grows with the number of articles, from the folder of files to the running service.

    python3 benches/scale                          # 1,000, 10,000 and 100,000 articles on SQLite
    python3 benches/scale --million                # and 1,000,000
    python3 benches/scale --sizes 10000 --folders 200
    tests/postgres python3 benches/scale --postgres

Builds `cargo build --release` unless `--binary` names a program, works in a temporary folder on loopback, and ends what
it starts. The articles are generated: a number always gives the same article, of about 2.5 kB.
"""

import argparse
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import requests  # noqa: E402
from service import HOUSE, bantin, table_row, target_folder, wait_for, write_articles  # noqa: E402

STARTS, SAVES = 3, 5
# What tells when a revision was made.
MOMENTS = [("log", "head_at"), ("revision", "at"), ("article", "at"), ("channel", "head_at"), ("channel_revision", "at")]
# Building the site of more articles takes too long.
MOST_BUILT = 10_000
IDLE_SECONDS = 60
# The costs that must not grow with the number of articles, and by how much they may.
FLAT = ["feed, 304, CPU", "API accepted to feed, ordinary week, CPU", "archive page, rendered, CPU", "page of 100 changes, CPU"]
MOST_GROWTH = 1.3


def main():
    arguments = read_arguments()
    if not arguments.binary:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=HOUSE, check=True)
    binary = pathlib.Path(arguments.binary or target_folder() / "release" / "bantin").resolve()
    columns = []
    with tempfile.TemporaryDirectory(prefix="bantin-scale-", dir=arguments.tmp) as folder:
        for size in arguments.sizes:
            place = pathlib.Path(folder, str(size))
            columns.append(measure(binary, place, size, arguments))
            print(f"{size:,}: {columns[-1]}", file=sys.stderr, flush=True)
            shutil.rmtree(place)
    engine = "PostgreSQL" if arguments.postgres else "SQLite"
    table_row([engine] + [f"{size:,}" for size in arguments.sizes])
    table_row(["---"] + ["---:"] * len(columns))
    for name in columns[0]:
        table_row([name] + [column[name] for column in columns])
    if len(columns) > 1:
        flat(arguments.sizes, columns)


def flat(sizes, columns):
    """Says whether the costs that must not grow with the number of articles do."""
    print(f"\nFlat costs, as a ratio of {sizes[0]:,} articles; at most {MOST_GROWTH}:\n")
    table_row([""] + [f"{size:,}" for size in sizes[1:]] + ["at most"])
    table_row(["---"] + ["---:"] * len(sizes))
    number = lambda cell: float(cell.split()[0].replace(",", ""))
    for name in FLAT:
        if any(column[name] == "–" for column in columns):
            continue
        ratios = [number(column[name]) / number(columns[0][name]) for column in columns[1:]]
        verdict = "yes" if max(ratios) <= MOST_GROWTH else "NO"
        table_row([name] + [f"{ratio:.2f}" for ratio in ratios] + [verdict])


def read_arguments():
    parser = argparse.ArgumentParser(prog="benches/scale", description=__doc__.splitlines()[0])
    sizes = lambda text: [int(size) for size in text.split(",")]
    parser.add_argument("--sizes", type=sizes, default=[1_000, 10_000, 100_000], help="default 1000,10000,100000")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 articles")
    parser.add_argument("--folders", type=int, default=1, help="channel folders (default 1: the hardest case)")
    parser.add_argument("--postgres", action="store_true", help="on the server of tests/postgres instead of SQLite")
    parser.add_argument("--binary", help="measure this one and build nothing")
    parser.add_argument("--tmp", help="where to work")
    parser.add_argument("--idle", type=int, default=IDLE_SECONDS, help=f"seconds at rest (default {IDLE_SECONDS})")
    arguments = parser.parse_args()
    if arguments.million:
        arguments.sizes.append(1_000_000)
    if arguments.postgres and "BANTIN_TEST_POSTGRES" not in os.environ:
        parser.error("run it as: tests/postgres python3 benches/scale --postgres")
    return arguments


def measure(binary, place, size, arguments):
    """All rows of one column, by name."""
    feeds = place / "feeds"
    channels = [f"kenh-{number}" for number in range(arguments.folders)]
    write_articles(feeds, size, channels)
    store = Database(place, f"scale_{size}" if arguments.postgres else None)
    config = place / "command.toml"
    config.write_text(f'[site]\ntag_authority = "scale.example,2023"\n[folder]\npath = "{feeds}"\n')
    run = lambda *command: timed([binary, *command, "-q", "--config", config], store)
    rows = {}
    seconds, cpu, memory = run("scan")
    rows["first scan, articles/s"] = f"{size / seconds:,.0f}"
    rows["first scan, CPU"] = f"{cpu:.1f} s"
    rows["first scan, CPU per article"] = f"{cpu / size * 1e6:.0f} µs"
    rows["first scan, peak memory"] = f"{memory:.0f} MB"
    rows["database per article"] = f"{store.size() / size / 1000:.1f} kB"
    seconds, cpu, memory = run("scan")
    rows["scan of an unchanged folder"] = f"{seconds * 1000:,.0f} ms"
    rows["scan of an unchanged folder, CPU"] = f"{cpu * 1000:,.0f} ms"
    starts = []
    for _ in range(STARTS):
        began = time.monotonic()
        with bantin(binary, place, feeds, url=store.url) as server:
            starts.append(time.monotonic() - began)
            time.sleep(3)
            memory = server.memory()
    rows["start to ready"] = f"{statistics.median(starts) * 1000:,.0f} ms"
    rows["memory at rest (VmRSS)"] = f"{memory:.0f} MB"
    with bantin(binary, place, feeds, url=store.url) as server:
        server.settle()
        before = server.cpu()
        time.sleep(arguments.idle)
        rows["idle with the folder watched, of a core"] = f"{server.cpu_since(before) / arguments.idle / 1e7:.2f} %"
        saves = [new_file_in_feed(server, feeds / channels[0], number) for number in range(SAVES)]
        rows["new file to feed, median"] = f"{statistics.median(saves) * 1000:,.0f} ms"
        rows["new file to feed, slowest"] = f"{max(saves) * 1000:,.0f} ms"
        rows["memory after that (VmRSS)"] = f"{server.memory():.0f} MB"
        rows |= requests.rows(server, channels[0], size, size // len(channels))
        rows["memory after all requests (VmRSS)"] = f"{server.memory():.0f} MB"
    token = [binary, "token", "new", "bench", "-q", "--config", config]
    secret = subprocess.run(token, env=os.environ | {"BANTIN_STORE__URL": store.url}, capture_output=True, text=True, check=True)
    # Everything came in today: the week after an import. Then a month passes: an ordinary week.
    for when in ["just imported", "ordinary week"]:
        if when == "ordinary week":
            store.run_all(f"UPDATE {table} SET {column} = {column} - 30 * 86400" for table, column in MOMENTS)
            # Revisions without a checksum get one when the log is opened.
            store.run_all(["UPDATE revision SET checksum = NULL"])
        with bantin(binary, place, feeds, url=store.url) as server:
            server.settle()
            wait, cpu = requests.changes(server, channels[0], secret.stdout.strip())
            rows[f"API accepted to feed, {when}, median"] = f"{wait:.1f} ms"
            rows[f"API accepted to feed, {when}, CPU"] = f"{cpu:.1f} ms"
    for name, change in [("", None), (" after one change", feeds / channels[0] / "them.txt"), (", nothing changed", None)]:
        if change:
            change.write_text("Bài thêm\n\n13/05/2023 08:00\n\nĐoạn mở đầu.\n\nĐoạn thứ hai.\n")
        built = size <= MOST_BUILT and run("build", "--out", place / "public")
        rows[f"`bantin build`{name}, CPU"] = f"{built[1]:.1f} s" if built else "–"
    store.drop()
    return rows


class Database:
    """An SQLite file, or a schema on the server of tests/postgres."""

    def __init__(self, place, schema):
        self.place, self.schema = place, schema
        self.url = f"sqlite:{place}/bantin.db"
        if schema:
            self.server = os.environ["BANTIN_TEST_POSTGRES"]
            self.url = f"{self.server}?options[search_path]={schema}"
            self.run(f"CREATE SCHEMA {schema}")

    def run(self, sql):
        command = ["psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", sql, self.server]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def run_all(self, statements):
        """Changes the database while nothing uses it."""
        if self.schema:
            for sql in statements:
                self.run(f"SET search_path = {self.schema}; {sql}")
            return
        connection = sqlite3.connect(self.place / "bantin.db")
        with connection:
            for sql in statements:
                connection.execute(sql)
        connection.close()

    def size(self):
        if not self.schema:
            return sum(path.stat().st_size for path in self.place.glob("bantin.db*"))
        sql = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        return int(self.run(f"{sql} WHERE nspname = '{self.schema}' AND relkind = 'r'"))

    def drop(self):
        if self.schema:
            self.run(f"DROP SCHEMA {self.schema} CASCADE")


def timed(command, store):
    """Runs a command. Returns how long it took and its CPU time, in seconds, and its peak memory in MB."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | {"BANTIN_STORE__URL": store.url})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command}: exit code {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def new_file_in_feed(server, folder, number):
    """Saves a new article, newer than all others, and asks until the feed shows it."""
    time.sleep(2)
    now = time.strftime("%d/%m/%Y %H:%M", time.gmtime(time.time() + 7 * 3600 - 60))
    title = f"Bài mới số {number} lúc {time.time_ns()}"
    began = time.monotonic()
    (folder / f"bai-moi-{time.time_ns()}.txt").write_text(f"{title}\n\n{now}\n\nĐoạn mở đầu.\n\nĐoạn thứ hai.\n")
    wait_for(lambda: title in server.get(f"/{folder.name}/rss.xml")[1].decode(), "the new article is in the feed", 0.01)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
