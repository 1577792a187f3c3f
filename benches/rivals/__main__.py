"""Measures bantin against programs that do the same job: making a feed, and building a site of static files.

    python3 benches/rivals                      # about ten minutes
    python3 benches/rivals --only feeds
    python3 benches/rivals --binary target/measure/bantin --profile measure

Installs feedgen and Django (PyPI) and feed and feedsmith (npm) below the target folder, Hugo and brotli as Debian
packages. What cannot be had is skipped, and the output says so. All measure CPU time (user and system); the programs take
turns, so that whatever else the machine does falls on all.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hugo  # noqa: E402
from service import HOUSE, install, table_row, target_folder, write_articles  # noqa: E402

ITEMS, ARTICLES = 30, 10_000


def main():
    arguments = read_arguments()
    if not arguments.binary:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=HOUSE, check=True)
    binary = pathlib.Path(arguments.binary or target_folder() / "release" / "bantin").resolve()
    print(f"{os.cpu_count()} cores; load: {', '.join(f'{one:.1f}' for one in os.getloadavg())}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="bantin-rivals-", dir=arguments.tmp) as folder:
        if arguments.only in (None, "feeds"):
            feeds(binary, pathlib.Path(folder, "feeds"), arguments)
        if arguments.only in (None, "site"):
            site(binary, pathlib.Path(folder, "site"), arguments)


def read_arguments():
    parser = argparse.ArgumentParser(prog="benches/rivals", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["feeds", "site"], help="one of the two comparisons")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program (default 3)")
    parser.add_argument("--articles", type=int, default=ARTICLES, help=f"articles of the site (default {ARTICLES})")
    parser.add_argument("--binary", help="measure this program and do not build it")
    parser.add_argument("--profile", default="bench", help="cargo profile of the rendering (default bench)")
    parser.add_argument("--tmp", help="where to work")
    return parser.parse_args()


# --- feeds ---------------------------------------------------------------------------------------------------


def feeds(binary, folder, arguments):
    """A feed of 30 articles in each format: from objects in memory to its text."""
    run = Bantin(binary, folder, ITEMS)
    run.command("scan")
    source = folder / "feed.json"
    source.write_bytes(run.command("render", "-", "json").stdout)
    bench = ["cargo", "bench", "--locked", "--profile", arguments.profile, "--bench", "rival_feed", "--", run.store]
    subprocess.run(bench[:-2] + ["--no-run"], cwd=HOUSE, check=True)
    programs = {"bantin": bench} | python_libraries(source) | npm_packages(source)
    rounds = [
        {name: json.loads(output(command)) for name, command in programs.items()} for _ in range(arguments.rounds)
    ]
    figures = {}
    for program in programs:
        for name in rounds[0][program]:
            figures[name] = statistics.median(one[program][name] for one in rounds)
    print(f"A feed of {ITEMS} articles, CPU time in µs\n")
    table_row(["", "RSS", "Atom", "JSON Feed", "together", "of bantin"])
    table_row(["---"] + ["---:"] * 5)
    formats = ["rss", "atom", "json"]
    for name in ["feed", "feedsmith", "feedgen", "Django"]:
        costs = [figures.get(f"{name} {form}") for form in formats]
        if any(costs):
            together = sum(cost for cost in costs if cost)
            shown = [f"{cost:,.0f}" if cost else "–" for cost in costs]
            table_row([name, *shown, f"{together:,.0f}", f"{together / figures['all']:.1f}"])
    alone = [f"{figures[form]:,.0f}" for form in formats]
    for name, key in [("", "all"), (", verified by a parser", "all verified"), (", one article changed", "one changed")]:
        together = [f"{figures[key]:,.0f}", f"{figures[key] / figures['all']:.1f}"]
        table_row([f"bantin{name}", *(alone if key == "all" else [""] * 3), *together])
    print(flush=True)


def output(command):
    return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]


def python_libraries(source):
    place = target_folder() / "rivals" / "python"
    python = place / "bin" / "python"
    try:
        if not python.exists():
            venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "feedgen", "django"], check=True)
    except (OSError, subprocess.CalledProcessError) as cause:
        return skipped("feedgen and Django", cause)
    return {"python": [python, HOUSE / "benches/rivals/feeds.py", source]}


def npm_packages(source):
    place = target_folder() / "rivals" / "npm"
    place.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["npm", "install", "--silent", "--prefix", place, "feed", "feedsmith"], check=True)
    except (OSError, subprocess.CalledProcessError) as cause:
        return skipped("feed and feedsmith", cause)
    return {"npm": ["node", HOUSE / "benches/rivals/feeds.mjs", source, place]}


def skipped(what, cause):
    print(f"skipped {what}: {cause}", file=sys.stderr, flush=True)
    return {}


# --- a site --------------------------------------------------------------------------------------------------


def site(binary, folder, arguments):
    """A site of static files from a folder of articles."""
    run = Bantin(binary, folder, arguments.articles)
    programs = {
        "bantin, from the folder": lambda out: run.built(out, "--no-compress", from_folder=True),
        "bantin, from the log": lambda out: run.built(out, "--no-compress"),
        "bantin, from the log, gzip and Brotli": lambda out: run.built(out),
    }
    try:
        install({"hugo": "hugo", "brotli": "brotli"})
        theirs = hugo.Site(folder / "hugo", arguments.articles)
        programs["Hugo, from its folder"] = theirs.built
        programs["Hugo, from its folder, gzip and Brotli"] = lambda out: theirs.built(out) + theirs.compressed(out)
    except (OSError, subprocess.CalledProcessError) as cause:
        skipped("Hugo", cause)
    run.command("scan")
    costs = {name: [] for name in programs}
    outputs = {}
    for number in range(arguments.rounds):
        for name, build in programs.items():
            out = folder / f"out-{number}-{len(outputs)}-{name.split(',')[0]}"
            costs[name].append(build(out))
            outputs.setdefault(name, described(out))
            # NOTE: nothing is removed between two runs: ext4 creates files slowly beside ones that were just removed.
    print(f"A site of {arguments.articles:,} articles; medians of {arguments.rounds}\n")
    table_row(["", "CPU time", "wall clock", "peak memory", "files", "size"])
    table_row(["---"] + ["---:"] * 5)
    for name, runs in costs.items():
        cpu, wall, memory = (statistics.median(getattr(one, part) for one in runs) for part in ["cpu", "wall", "memory"])
        files, size = outputs[name]
        table_row([name, f"{cpu:.1f} s", f"{wall:.1f} s", f"{memory:.0f} MB", f"{files:,}", f"{size / 1e6:.0f} MB"])
    print(flush=True)


def described(folder):
    """The number of files and their size."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


class Bantin:
    """The program over a folder of generated articles."""

    def __init__(self, binary, folder, articles):
        self.binary, self.folder = binary, folder
        self.store, self.config = folder / "bantin.db", folder / "config.toml"
        write_articles(folder / "feeds", articles, ["tin-tuc"])
        self.config.write_text(
            f'[site]\nurl = "https://example.vn"\ntag_authority = "rivals.example,2023"\n'
            f'[folder]\npath = "{folder / "feeds"}"\n[store]\nurl = "sqlite:{self.store}"\n'
        )

    def command(self, *arguments, **environment):
        command = [self.binary, *arguments, "-q", "--config", self.config]
        return subprocess.run(command, env=os.environ | environment, capture_output=True, check=True)

    def built(self, out, *options, from_folder=False):
        command = [self.binary, "build", "-q", "--config", self.config, "--out", out, *options]
        environment = {"BANTIN_FOLDER__WATCH": "off"}
        if from_folder:
            # A new log refuses a folder that has the marker of another one.
            for marker in (self.folder / "feeds").glob(".bantin-log*"):
                marker.unlink()
            environment = {"BANTIN_STORE__URL": f"sqlite:{out}.db"}
        return hugo.measured(command, env=os.environ | environment)


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
