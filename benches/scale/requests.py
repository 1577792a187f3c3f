"""What requests cost the running service: CPU time of the server for each, and the time until a change is in the feed."""

import http.client
import json
import re
import socket
import statistics
import time

CHANGES = 15
# Requests that are sent at once on one connection, so that waking up is not what is measured.
PIPELINED = 50
CACHED, FRESH = 3_000, 40


def changes(server, channel, secret):
    """Publishes articles over the API. Medians: ms until the feed shows one, ms of CPU that it cost the server."""
    poller = Poller(server, f"/{channel}/rss.xml")
    poller.poll()
    waits, costs = [], []
    for number in range(CHANGES):
        time.sleep(0.5)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        body = {"title": f"Bài gửi số {number} lúc {time.time_ns()}", "published": stamp, "channels": [channel]}
        paragraph = "Ủy ban nhân dân huyện tổ chức hội nghị tổng kết công tác xây dựng nông thôn mới. " * 5
        body["text"] = "\n\n".join([paragraph] * 6)
        before = server.cpu()
        accepted(server, secret, body)
        began = time.monotonic()
        while not poller.poll():
            time.sleep(0.0005)
        waits.append(time.monotonic() - began)
        time.sleep(0.3)
        costs.append(server.cpu_since(before))
    poller.close()
    return statistics.median(waits) * 1000, statistics.median(costs) / 1e6


def accepted(server, secret, body):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    connection.request("POST", "/api/articles", json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 201:
        raise SystemExit(f"publishing: {answer.status} {text.decode()[:500]}")


class Poller:
    """A client that keeps its connection and its copy, as a feed reader does."""

    def __init__(self, server, path):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.path, self.tag = path, None

    def poll(self):
        """True if the document has changed."""
        headers = {"Accept-Encoding": "gzip"} | ({"If-None-Match": self.tag} if self.tag else {})
        self.connection.request("GET", self.path, headers=headers)
        answer = self.connection.getresponse()
        answer.read()
        self.tag = answer.headers.get("ETag", self.tag)
        return answer.status == 200

    def close(self):
        self.connection.close()


def cost(server, paths, headers=None, expected=200):
    """CPU time of the server per request, in ms, for these paths on one connection."""
    before = server.cpu()
    for start in range(0, len(paths), PIPELINED):
        answers = pipelined(server, paths[start : start + PIPELINED], headers or {})
        wrong = [(status, path) for status, path in zip(answers, paths[start:]) if status != expected]
        if wrong:
            raise SystemExit(f"{wrong[0][1]}: {wrong[0][0]} instead of {expected}")
    return server.cpu_since(before) / len(paths) / 1e6


def pipelined(server, paths, headers):
    """The status of each answer."""
    head = "".join(f"{name}: {value}\r\n" for name, value in ({"Accept-Encoding": "gzip"} | headers).items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        requests = "".join(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n" for path in paths)
        connection.sendall(requests.encode())
        stream = connection.makefile("rb")
        return [one_answer(stream) for _ in paths]


def one_answer(stream):
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline().strip().lower()) != b"":
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        if line.startswith(b"transfer-encoding:"):
            raise SystemExit("an answer without a length")
    stream.read(0 if status == 304 else length)
    return status


def rows(server, channel, size, in_channel):
    """The cost of requests that read, by name: with so many articles, and so many of them in the channel."""
    feed = f"/{channel}/rss.xml"
    text = server.get(feed)[1].decode()
    article = re.findall(r"<link>http://[^/]+(/bai-viet/[^<]+)</link>", text)[0]
    tag = lambda path: server.get(path, {"Accept-Encoding": "gzip"})[0].headers["ETag"]
    ms = lambda value: f"{value:.3f} ms"
    found = {}
    for name, path in [("feed", feed), ("article page", article), ("sitemap", "/sitemap.xml")]:
        known = {"If-None-Match": tag(path)}
        found[f"{name}, 304, CPU"] = ms(cost(server, [path] * CACHED, known, 304))
        found[f"{name} in gzip, CPU"] = ms(cost(server, [path] * CACHED))
    sealed = in_channel // 50
    pages = [1 + number * max(1, sealed // FRESH) for number in range(min(FRESH, sealed))]
    archive = [f"/{channel}/archive/{page}/rss.xml" for page in pages]
    found["archive page, rendered, CPU"] = ms(cost(server, archive)) if archive else "–"
    # No two pages have a change in common: an article that was read once is remembered.
    pages = min(FRESH, size // 100)
    starts = [100 * (number * (size // 100) // pages) for number in range(pages)]
    changes = [f"/api/changes?after={start}&limit=100" for start in starts]
    plain = {"Accept-Encoding": "identity"}
    # The first one of a process also opens a connection to the database and compiles the statement.
    found["page of 100 changes, first of the process, CPU"] = ms(cost(server, changes[:1]))
    found["page of 100 changes, CPU"] = ms(cost(server, changes[2::2]))
    found["page of 100 changes, uncompressed, CPU"] = ms(cost(server, changes[1::2], plain))
    found["page of 100 changes, read again, CPU"] = ms(cost(server, changes))
    found["page of 100 changes, read again, uncompressed, CPU"] = ms(cost(server, changes, plain))
    return found
