"""Bodies, heads, files and feeds that are huge, or become so when they are read."""

import contextlib
import gzip
import http.server
import io
import itertools
import json
import os
import pathlib
import socket
import stat
import struct
import subprocess
import threading
import time
import zipfile
import zlib

from .site import Site, article, memory, percentile, stop

GB = 1 << 30
ZEROS = bytes(1 << 20)
# More than the service has before the first input, in MB.
MAX_GROWTH = 150
SOURCE = """
[[source]]
name = "Nguồn"
url = "http://127.0.0.1:{port}/feed.xml"
channels = ["xa-hoi"]
every = "1m"
kind = "feed"
allow_private = true
"""


def chunked(blocks):
    return (b"%x\r\n%s\r\n" % (len(block), block) for block in blocks)


def blocks(size, block=ZEROS):
    return (block for _ in range(size // len(block)))


def sent(site, head, pieces=(), seconds=120):
    """Sends as much as is taken; the status of the answer, and how many bytes were sent."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=seconds) as client:
        count, deadline = 0, time.monotonic() + seconds
        try:
            client.sendall(head)
            for piece in pieces:
                if time.monotonic() > deadline:
                    break
                client.sendall(piece)
                count += len(piece)
        except OSError:
            pass
        answer = b""
        with contextlib.suppress(OSError):
            while part := client.recv(65536):
                answer += part
                if b"\r\n\r\n" in answer:
                    break
    return (int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else None), count


def package(name, *members):
    """A zip archive with members of zeros or of their bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for member, content in members:
            with archive.open(member, "w", force_zip64=True) as out:
                for block in (content if not isinstance(content, bytes) else [content]):
                    out.write(block)
    return made.getvalue()


RELATIONS = (b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
             b'<Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
             b' Target="word/document.xml"/></Relationships>')
WORD = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b0 "haha">' + b"".join(
    b'<!ENTITY b%d "%s">' % (n, b"&b%d;" % (n - 1) * 10) for n in range(1, 10)) + b"]>"


def word(document):
    return package("x.docx", ("_rels/.rels", RELATIONS), ("word/document.xml", document))


def png(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width // 8 + 1)) for _ in range(height)) + packer.flush()
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
            + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def gif(side):
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + b"," + struct.pack(
        "<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x44\x01\x00;"


def jpeg(side):
    """The head of a JPEG of this size, and a scan that ends at once."""
    frame = struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00"
    table = bytes([1] * 64)
    codes = b"\x00" + bytes([1] + [0] * 15) + b"\x00"
    return (b"\xff\xd8\xff\xdb" + struct.pack(">H", 67) + b"\x00" + table + b"\xff\xc0" + struct.pack(">H", len(frame) + 2)
            + frame + b"\xff\xc4" + struct.pack(">H", len(codes) + 2) + codes + b"\xff\xc4"
            + struct.pack(">H", len(codes) + 2) + b"\x10" + codes[1:] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
            + bytes(64) + b"\xff\xd9")


def webp(side):
    bits = (side - 1) | (side - 1) << 14
    body = b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", bits) + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def form(*parts):
    """A multipart body: (name, file name, media type, bytes)."""
    body = b"".join(b'--grenze\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n'
                    % part for part in parts)
    return body + b"--grenze--\r\n"


class Feeds(threading.Thread):
    """A publisher whose feed is whatever was set last: a head, and blocks."""

    def __init__(self):
        super().__init__(daemon=True)
        self.head, self.blocks, self.asked = {}, lambda: [b""], 0
        feeds = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                feeds.asked += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/rss+xml")
                for name, value in feeds.head.items():
                    self.send_header(name, value)
                with contextlib.suppress(OSError):
                    self.end_headers()
                    for block in feeds.blocks():
                        self.wfile.write(block)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def run(self):
        self.server.serve_forever()


def gzipped(size):
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=9) as out:
        for block in blocks(size):
            out.write(block)
    return made.getvalue()


class Others(threading.Thread):
    """An ordinary client beside all of it."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site, self.durations, self.wrong, self.stopped = site, [], 0, threading.Event()

    def run(self):
        while not self.stopped.wait(0.02):
            started = time.monotonic()
            try:
                self.wrong += self.site.request("GET", "/xa-hoi/rss.xml", timeout=10)[0] != 200
            except OSError:
                self.wrong += 1
            self.durations.append(time.monotonic() - started)


def peak(running):
    """The largest memory since the last reset, in MB."""
    with open(f"/proc/{running.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def reset_peak(running):
    pathlib.Path(f"/proc/{running.pid}/clear_refs").write_text("5")


class Run:
    def __init__(self, arguments):
        self.feeds = Feeds()
        self.feeds.start()
        self.site = Site(arguments.program, more=SOURCE.format(port=self.feeds.port))
        (self.site.feeds / "tin.txt").write_text(article("Tin"))
        self.token = self.site.token()
        with open(self.site.folder / "log", "wb") as output:
            self.running, _ = self.site.serve(stderr=output)
        self.size = int(arguments.gigabytes * GB)
        self.only, self.wrong, self.before = arguments.only, [], memory(self.running)
        self.others = Others(self.site)
        self.others.start()

    def log(self):
        return (self.site.folder / "log").read_text(errors="replace")

    @contextlib.contextmanager
    def measured(self, name):
        """Prints a line for an input: what became of it (`answer`), the time and the largest memory."""
        reset_peak(self.running)
        answer, started = [], time.monotonic()
        yield answer
        largest, seconds = peak(self.running), time.monotonic() - started
        right = bool(answer) and answer[-1] and self.running.poll() is None and largest < self.before + MAX_GROWTH
        if not right:
            self.wrong.append(name)
        print(f"{name}: {', '.join(str(one) for one in answer[:-1])}; {seconds:.1f} s, {largest:.0f} MB"
              + ("" if right else "  WRONG"), flush=True)

    def request(self, name, head, pieces=(), expected=(), seconds=120):
        if self.only and self.only not in name:
            return
        with self.measured(name) as answer:
            status, count = sent(self.site, head, pieces, seconds)
            answer += [f"{count / 1e6:.1f} MB taken", status, status in expected]

    def post(self, name, media_type, body, expected, more=b""):
        if self.only and self.only not in name:
            return
        head = (b"POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\nContent-Type: %s\r\n%s"
                b"Content-Length: %d\r\n\r\n" % (self.token["Authorization"].encode(), media_type, more, len(body)))
        self.request(name, head, (body[at:at + 65536] for at in range(0, len(body), 65536)), expected)

    def file(self, name, content, word=None):
        """A file in the folder: it is refused or taken, and said so, and goes again."""
        what = f"in the folder, {name}"
        if self.only and self.only not in what:
            return
        path = self.site.feeds / name
        with self.measured(what) as answer:
            before = len(self.log())
            part = self.site.feeds / ".part"
            with open(part, "wb") as out:
                for block in content:
                    out.write(block) if block is not ZEROS else out.seek(len(ZEROS), os.SEEK_CUR)
                out.truncate()
            part.rename(path)
            deadline = time.monotonic() + 90
            while time.monotonic() < deadline and (word or name) not in self.log()[before:]:
                time.sleep(0.05)
            lines = [line for line in self.log()[before:].splitlines() if (word or name) in line]
            answer += [(lines or ["nothing said"])[0][20:170], bool(lines)]
            path.unlink()
            time.sleep(0.5)

    def feed(self, name, head, content, code=1, seconds=90):
        what = f"feed of a source, {name}"
        if self.only and self.only not in what:
            return
        with self.measured(what) as answer:
            self.feeds.head, self.feeds.blocks = head, content
            pulled = self.site.command("pull", "Nguồn", "--json", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            limit = time.monotonic() + seconds
            highest = 0.0
            while pulled.poll() is None and time.monotonic() < limit:
                with contextlib.suppress(OSError, StopIteration):
                    highest = max(highest, memory(pulled))
                time.sleep(0.01)
            if pulled.poll() is None:
                pulled.kill()
            said = pulled.communicate()[0].decode(errors="replace")
            answer += [f"exit code {pulled.returncode}", f"{highest:.0f} MB in `bantin pull`",
                       " ".join(said.split())[:160], pulled.returncode == code and highest < self.before + MAX_GROWTH]


def bodies(run):
    size, name = run.size, f"{run.size / GB:g} GB"
    token = run.token["Authorization"].encode()
    head = (b"POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: a\r\nAuthorization: " + token
            + b"\r\nContent-Type: text/plain\r\n")
    run.request(f"{name} with Content-Length", head + b"Content-Length: %d\r\n\r\n" % (size), blocks(size), (413,))
    run.request(f"{name} in chunks", head + b"Transfer-Encoding: chunked\r\n\r\n", chunked(blocks(size)), (413,))
    run.request(f"{name} in chunks of one byte", head + b"Transfer-Encoding: chunked\r\n\r\n",
                (b"1\r\na\r\n" * 16384 for _ in range(size // 16384)), (413,))
    run.request(f"{name} of a chunk's extension", head + b"Transfer-Encoding: chunked\r\n\r\n1;",
                (b"a" * 65536 for _ in range(size // 65536)), (400, 413, None), 60)
    run.request(f"{name} of a form", head.replace(b"text/plain", b"multipart/form-data; boundary=x")
                + b"Transfer-Encoding: chunked\r\n\r\n", chunked(blocks(size)), (413, 422, 400))
    run.request(f"{name} as the body of a GET", b"GET /rss.xml HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (size),
                blocks(size), (200, 413))
    run.request(f"{name} to the hub's address", b"POST /hub HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                chunked(blocks(size)), (404, 405, 413))
    bomb = gzipped(min(size, GB))
    run.post(f"{min(size, GB) / GB:g} GB as a gzip", b"text/plain", bomb, (400, 413, 415, 422), b"Content-Encoding: gzip\r\n")


def heads(run):
    get = b"GET /rss.xml HTTP/1.1\r\nHost: a\r\n"
    run.request("a header of 1 MB", get + b"X: ", [b"a" * (1 << 20), b"\r\n\r\n"], (431,))
    run.request("a header without end", get + b"X: ", blocks(GB, b"a" * 65536), (431,))
    run.request("10,000 headers", get, [b"".join(b"X-%d: a\r\n" % n for n in range(10_000)), b"\r\n"], (431,))
    run.request("900 headers of one name", get, [b"X: a\r\n" * 900, b"\r\n"], (200, 431))
    run.request("a path of 100,000 segments", b"GET ", [b"/a" * 100_000, b" HTTP/1.1\r\nHost: a\r\n\r\n"], (414, 431))
    run.request("a path of 15,000 segments", b"GET ", [b"/a" * 15_000, b" HTTP/1.1\r\nHost: a\r\n\r\n"], (404, 414))
    run.request("10,000 parameters", b"GET /api/changes?", [b"after=1&" * 6_000, b" HTTP/1.1\r\nHost: a\r\n\r\n"], (400, 414))
    run.request("20,000 tags", get + b"If-None-Match: ", [b'"a",' * 14_000, b"\r\n\r\n"], (200, 431))
    run.request("10,000 ranges", get + b"Range: bytes=", [b"0-0," * 10_000, b"0-0\r\n\r\n"], (200, 206, 416, 431))
    run.request("a search of 50,000 letters", b"GET /tim-kiem?q=", [b"a+" * 25_000, b" HTTP/1.1\r\nHost: a\r\n\r\n"],
                (200, 400, 414))


def bombs(run):
    docx = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    text = article("Tin").encode()
    run.post("a docx of 1 GB, 1000:1", docx, word((WORD if n == 0 else b"a" * (1 << 20) for n in range(1025))), (413, 422))
    run.post("a docx with an entity bomb", docx, word(ENTITIES + b"<a>&b9;</a>"), (422,))
    run.post("a docx nested 100,000 deep", docx, word(WORD[:-15] + b"<w:sdt>" * 100_000), (422,))
    run.post("a docx in a docx in a docx", docx, word(word(word(WORD))), (422,))
    run.post("html nested 100,000 deep", b"text/html", b"<h1>T</h1>" + b"<div>" * 100_000 + text, (200, 201, 413, 422))
    run.post("html of 200,000 open tables", b"text/html", b"<table><tr><td>" * 100_000, (413, 422))
    run.post("md nested 100,000 deep", b"text/markdown", b"# T\n\n12/05/2023\n\n" + b">" * 100_000 + b" a", (200, 201, 422))
    run.post("md of 400,000 open brackets", b"text/markdown", b"# T\n\n12/05/2023\n\n" + b"[" * 400_000, (200, 201, 422))
    run.post("json nested 500,000 deep", b"application/json", b"[" * 500_000, (400, 422))
    run.post("json with 100,000 tags", b"application/json", json.dumps(
        {"title": "T", "published": "12/05/2023 08:00", "text": "a", "tags": [f"t{n}" for n in range(100_000)]}).encode(),
        (200, 201, 400, 413, 422))
    for name, image in (("PNG", png(65_500, 65_500)), ("GIF", gif(65_500)), ("JPEG", jpeg(65_500)), ("WebP", webp(16_383))):
        part = name.lower().encode()
        body = form((b"article", b"tin.txt", b"text/plain", article(f"Tin {name}").encode()),
                    (b"image", b"tin." + part, b"image/" + part, image))
        run.post(f"{name} of {16_383 if name == 'WebP' else 65_500}² pixels in {len(image) / 1e6:.1f} MB",
                 b"multipart/form-data; boundary=grenze", body, (200, 201, 422))


def files(run):
    for ending in ("txt", "md", "html", "htm", "docx", "odt", "doc", "pdf", "zip"):
        run.file(f"lon-500-mb.{ending}", blocks(500 << 20))
    (run.site.feeds / "anh-lon.txt").write_text(article("Có ảnh lớn"))
    for ending in ("jpg", "png", "gif", "webp"):
        run.file(f"anh-lon.{ending}", blocks(500 << 20), "anh-lon")
    run.file("mot-dong-100-mb.md", [b"# T\n\n12/05/2023\n\n", *[b"a " * (1 << 19)] * 100])
    run.file("bom.docx", [word((WORD if n == 0 else b"a" * (1 << 20) for n in range(1025)))])
    run.file("thuc-the.docx", [word(ENTITIES + b"<a>&b9;</a>")])
    run.file("sau.html", [b"<html><body><h1>T</h1>" + b"<div>" * 300_000])
    (run.site.feeds / "anh.txt").write_text(article("Có ảnh"))
    run.file("anh.png", [png(65_500, 65_500)], "anh")
    special(run)


def special(run):
    """What is no file: a pipe, a socket, a device, links in a circle."""
    what = "in the folder, a pipe, a socket, a device, links in a circle"
    if run.only and run.only not in what:
        return
    with run.measured(what) as answer:
        folder, before = run.site.feeds, len(run.log())
        os.mkfifo(folder / "ong.txt")
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(folder / "o-cam.txt"))
        with contextlib.suppress(PermissionError):
            os.mknod(folder / "thiet-bi.txt", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        (folder / "vong.txt").symlink_to("vong.txt")
        (folder / "vong").symlink_to("..")
        (folder / "khong").symlink_to("/dev/zero")
        (folder / "vo-han.txt").symlink_to("/dev/zero")
        names = ("ong.txt", "o-cam.txt", "thiet-bi.txt", "vong.txt", "vo-han.txt")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not all(name in run.log()[before:] for name in names):
            time.sleep(0.1)
        said = [name for name in names if name in run.log()[before:]]
        checked = run.site.command("check", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        report = checked.communicate(timeout=60)[0].decode(errors="replace")
        reported = [name for name in names if name in report]
        title = "Sau các tệp lạ"
        (folder / "sau.txt").write_text(article(title))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and title not in run.site.request("GET", "/xa-hoi/rss.xml")[1].decode():
            time.sleep(0.1)
        published = title in run.site.request("GET", "/xa-hoi/rss.xml")[1].decode()
        answer += [f"named in the log: {', '.join(said)}", f"named by `bantin check`: {', '.join(reported)}",
                   "the next article is published" if published else "the next article is NOT published", published]
        listening.close()


def sources(run):
    start = b'<?xml version="1.0"?><rss version="2.0"><channel><title>'
    run.feed(f"{run.size / GB:g} GB", {}, lambda: itertools.chain([start], blocks(run.size, b"a" * 65536)))
    run.feed(f"{min(run.size, GB) / GB:g} GB as a gzip", {"Content-Encoding": "gzip"},
             lambda bomb=gzipped(min(run.size, GB)): [bomb])
    # Its declarations are left out, which the answer tells under `repairs`.
    run.feed("an entity bomb", {}, lambda: [ENTITIES + b"<rss><channel><title>&b9;</title></channel></rss>"], code=0)
    run.feed("nested 500,000 deep", {}, lambda: [start[:-7] + b"<a>" * 500_000])
    run.feed("a head without end", {f"X-{n}": "a" * 60_000 for n in range(50)}, lambda: [b""])


def huge(arguments):
    run = Run(arguments)
    print(f"memory before: {run.before:.0f} MB", flush=True)
    for part in (heads, bodies, bombs, files, sources):
        part(run)
    run.others.stopped.set()
    run.others.join()
    time.sleep(1)
    durations = run.others.durations
    print(f"memory before: {run.before:.0f} MB, at the end: {memory(run.running):.0f} MB; an ordinary client meanwhile: "
          f"{len(durations)} requests, {run.others.wrong} not answered, p99 {percentile(durations, .99) * 1e3:.0f} ms, "
          f"longest {max(durations):.1f} s")
    panics = run.log().count("panicked")
    print(f"panics: {panics}; wrong: {', '.join(run.wrong) or 'none'}")
    stop(run.running)
    return not run.wrong and not panics and not run.others.wrong
