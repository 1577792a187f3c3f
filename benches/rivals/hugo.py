"""A Hugo site of the generated articles, with the documents that both programs make."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import time

from service import article

# What a connection sends at once; see `FIRST_FLIGHT` in src/export/output_dir.rs.
FIRST_FLIGHT = 14_600

LAYOUTS = {
    "_default/baseof.html": """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>{{ .Title }} – {{ site.Title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="description" content="{{ .Summary }}">
<link rel="canonical" href="{{ .Permalink }}">
{{ range .AlternativeOutputFormats }}<link rel="{{ .Rel }}" type="{{ .MediaType.Type }}" href="{{ .Permalink }}">{{ end }}
</head><body><header><a href="/">{{ site.Title }}</a><nav><a href="/tin-tuc/">Tin tức</a></nav></header>
<main>{{ block "main" . }}{{ end }}</main><footer>{{ site.Title }}</footer></body></html>
""",
    "_default/single.html": """{{ define "main" }}<article><h1>{{ .Title }}</h1>
<p><time datetime="{{ .Date.Format "2006-01-02T15:04:05-07:00" }}">{{ .Date.Format "15:04 02/01/2006" }}</time></p>
{{ .Content }}<p>{{ .Params.author }}</p></article>{{ end }}
""",
    # The home page and the section: the newest 30.
    "_default/list.html": """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ range first 30 .RegularPages }}<article><h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>
<p><time>{{ .Date.Format "15:04 02/01/2006" }}</time></p><p>{{ .Params.lead }}</p></article>{{ end }}{{ end }}
""",
    # A month: all of its articles, as `bantin build` writes it.
    "_default/term.html": """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ range .Pages }}<article><h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>
<p><time>{{ .Date.Format "15:04 02/01/2006" }}</time></p><p>{{ .Params.lead }}</p></article>{{ end }}{{ end }}
""",
    "_default/terms.html": """{{ define "main" }}<h1>{{ .Title }}</h1>
<ul>{{ range .Pages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul>{{ end }}
""",
    "_default/rss.xml": """{{ printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>{{ .Title }}</title><link>{{ .Permalink }}</link><description>{{ site.Title }}</description>
{{ range first 30 .RegularPages }}<item><title>{{ .Title }}</title><link>{{ .Permalink }}</link>
<guid isPermaLink="false">{{ .Permalink }}</guid><pubDate>{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" }}</pubDate>
<description>{{ .Params.lead }}</description><content:encoded>{{ .Content | html }}</content:encoded></item>
{{ end }}</channel></rss>
""",
}

CONFIG = """
baseURL = "https://example.vn/"
title = "Huyện Đăk Tô"
languageCode = "vi"
timeZone = "Asia/Ho_Chi_Minh"
disableKinds = ["404"]
uglyURLs = true
[permalinks]
tin-tuc = "/bai-viet/:year/:month/:day/:filename/"
[taxonomies]
month = "months"
[outputs]
home = ["HTML", "RSS"]
section = ["HTML", "RSS"]
taxonomy = ["HTML"]
term = ["HTML"]
"""


@dataclasses.dataclass
class Cost:
    cpu: float  # seconds, user and system
    wall: float  # seconds
    memory: float  # MB at the peak

    def __add__(self, other):
        return Cost(self.cpu + other.cpu, self.wall + other.wall, max(self.memory, other.memory))


def measured(command, **options):
    """Runs a command, with all processes that it starts."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss / 1024)


class Site:
    """The articles of `service.article` in Markdown, in one section."""

    def __init__(self, folder, articles):
        self.folder = folder
        for name, text in LAYOUTS.items():
            path = folder / "layouts" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "config.toml").write_text(CONFIG)
        content = folder / "content" / "tin-tuc"
        content.mkdir(parents=True)
        for number in range(articles):
            (content / f"bai-viet-{number}.md").write_text(markdown(article(number)))

    def built(self, out):
        return measured(["hugo", "--quiet", "--source", self.folder, "--destination", out])

    def compressed(self, out):
        """The same compressed files as those of `bantin build`: gzip for all, Brotli for the long ones."""
        texts = [str(path) for path in out.rglob("*") if path.suffix in (".html", ".xml")]
        cost = self.packed(["gzip", "-6", "-k"], texts)
        long = [path for path in texts if pathlib.Path(path + ".gz").stat().st_size > FIRST_FLIGHT]
        return cost + self.packed(["brotli", "-q", "5", "-k"], long) if long else cost

    def packed(self, command, paths):
        names = self.folder / "names"
        names.write_bytes(b"\0".join(os.fsencode(path) for path in paths))
        with open(names) as source:
            return measured(["xargs", "-0", *command], stdin=source)


def markdown(text):
    """An article of the generator with front matter."""
    title, stamp, lead_and_caption, *body = text.strip().split("\n\n")
    lead, caption = lead_and_caption.split("\n")
    day, month, year, clock = re.fullmatch(r"(\d+)/(\d+)/(\d+) (.*)", stamp).groups()
    author = body.pop()
    values = {
        "title": title,
        "date": f"{year}-{month}-{day}T{clock}:00+07:00",
        "lead": lead,
        "author": author,
        "months": [f"{year}-{month}"],
    }
    front_matter = "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return f"+++\n{front_matter}\n+++\n\n" + "\n\n".join([lead, caption, *body]) + "\n"
