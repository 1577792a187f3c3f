"""Slow, stalled, idle and waiting clients, and an ordinary one beside them.

What they cost the ordinary client is measured against a machine that is as busy: the same crowd comes to another instance of
the service (A), then to the one that the ordinary client asks (B), in turn. The ratio of the two is the service's own share:
the processor time of this script and of the crowd is in both.
"""

import gc
import json
import multiprocessing
import os
import re
import resource
import select
import socket
import statistics
import time

from .site import Site, article, memory, percentile, stop

# The limits of the sample configuration, in seconds, and a quarter more.
TIMES = {"header": 15, "idle": 75, "send": 60}
# Each kind of client: which limit ends it.
SHAPES = {"silent": "header", "head byte by byte": "header", "head without end": "header", "body byte by byte": "send",
          "reads nothing": "send", "reads byte by byte": "send", "half closed": "header",
          "pipelines without reading": "send"}
GET = b"GET /xa-hoi/feed.json HTTP/1.1\r\nHost: a.example\r\n"
POST = (b"POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n")
MAX_MEMORY = 200
# Of the ordinary client's p99 beside a crowd of this service, by that beside the same crowd of another.
MAX_RATIO = 2
ROUND_SECONDS = 20
POLL = b"GET /xa-hoi/rss.xml HTTP/1.1\r\nHost: a.example\r\n\r\n"


class Client:
    """A client of a shape. A tick comes every second."""

    def __init__(self, shape, site):
        self.shape, self.site, self.ticks, self.received = shape, site, 0, b""
        self.socket = socket.socket()
        if "read" in shape:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", site.port))

    def tick(self):
        self.ticks += 1
        try:
            self.act(self.ticks == 1)
        except OSError:
            # Where the server has closed the connection, `Crowd` sees it.
            pass

    def act(self, first):
        match self.shape:
            case "head byte by byte":
                self.socket.send((GET + b"X: " + b"a" * 9999)[self.ticks:self.ticks + 1])
            case "head without end" if first:
                self.socket.send(GET)
            case "body byte by byte":
                self.socket.send(POST if first else b"x")
            case "reads nothing" | "reads byte by byte" | "idle" if first:
                self.socket.send(GET + b"\r\n")
            case "half closed" if first:
                self.socket.send(GET)
                self.socket.shutdown(socket.SHUT_WR)
            case "pipelines without reading":
                self.socket.send((GET + b"\r\n") * 50)
            case "reads byte by byte":
                self.socket.recv(1)
            case "idle":
                self.received = self.socket.recv(1 << 20)[:12] or self.received
            case "waiting":
                self.wait(first)

    def wait(self, first):
        """Asks for what comes after the newest change, and again once it is answered."""
        if first:
            self.after = self.site.newest
        else:
            self.received += self.socket.recv(65536)
            head, blank, body = self.received.partition(b"\r\n\r\n")
            if not blank or not body.endswith(b"}\n"):
                return
            assert head.startswith(b"HTTP/1.1 200"), head
            answer = json.loads(body)
            self.after, self.received = answer["next"], b""
            self.site.told += len(answer["changes"])
        self.socket.send(f"GET /api/changes?after={self.after}&wait=50 HTTP/1.1\r\nHost: a.example\r\n"
                         "Accept-Encoding: identity\r\n\r\n".encode())


class Crowd:
    """Many clients, and when the server has ended each."""

    def __init__(self, site, counts):
        self.started, self.clients, self.ended = time.monotonic(), {}, {}
        self.poll = select.poll()
        for number in range(max(counts.values())):
            for shape, count in counts.items():
                if number < count:
                    client = Client(shape, site)
                    self.clients[client.socket.fileno()] = client
                    self.poll.register(client.socket, select.POLLRDHUP)

    def tick(self):
        for client in self.clients.values():
            client.tick()
        for number, _ in self.poll.poll(0):
            client = self.clients.pop(number)
            self.poll.unregister(number)
            client.socket.close()
            self.ended.setdefault(client.shape, []).append(time.monotonic() - self.started)

    def left(self, shape):
        return sum(client.shape == shape for client in self.clients.values())


def ordinary(site, seconds, answer):
    """Polls a feed, each time on a new connection, in a process of its own with as little work as possible: what the crowd
    costs its script is none of the server's."""
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    gc.disable()
    durations, deadline = [], time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            started = time.monotonic()
            poll_once(site)
            durations.append(time.monotonic() - started)
            time.sleep(0.005)
    except (OSError, ValueError) as cause:
        durations = f"the ordinary client: {cause!r} after {len(durations)} requests"
    answer.put(durations)


def poll_once(site):
    with socket.create_connection(("127.0.0.1", site.port), 30) as connection:
        connection.sendall(POLL)
        received = connection.recv(1 << 20)
        head, blank, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if not head.startswith(b"HTTP/1.1 200") or not blank or not length:
            raise ValueError(head)
        left = int(length[1]) - len(body)
        while left > 0:
            more = connection.recv(1 << 20)
            if not more:
                raise ValueError("the response is cut")
            left -= len(more)


class Measurement:
    """An ordinary client for so many seconds."""

    def __init__(self, site, seconds):
        self.answer = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=ordinary, args=(site, seconds, self.answer))
        self.process.start()

    def percentiles(self):
        """p50 and p99 in ms."""
        durations = self.answer.get()
        self.process.join()
        assert isinstance(durations, list), durations
        return percentile(durations, .5) * 1e3, percentile(durations, .99) * 1e3


def beside(crowded, measured, counts, seconds):
    """p50 and p99 of an ordinary client of one site while the crowd is at another, or at the same."""
    measurement, clients, ended = Measurement(measured, seconds), Crowd(crowded, counts), time.monotonic() + seconds
    for second in range(seconds):
        clients.tick()
        time.sleep(max(0.0, ended - seconds + second + 1 - time.monotonic()))
    times = measurement.percentiles()
    for client in clients.clients.values():
        client.socket.close()
    # What is left of one crowd must not be in the way of the next.
    time.sleep(3)
    return times


def share(arguments, name, counts):
    """The service's own share in what the crowd costs an ordinary client; true if it is small enough."""
    with Program(arguments) as measured, Program(arguments) as other:
        for program in (measured, other):
            program.site.newest, program.site.told = newest(program.site), 0
        alone = Measurement(measured.site, ROUND_SECONDS).percentiles()
        pairs = []
        for number in range(arguments.rounds):
            elsewhere = beside(other.site, measured.site, counts, ROUND_SECONDS)
            here = beside(measured.site, measured.site, counts, ROUND_SECONDS)
            pairs.append((elsewhere, here))
            print(f"{name}, round {number + 1}: p50 and p99 {elsewhere[0]:.2f} and {elsewhere[1]:.2f} ms beside the crowd of "
                  f"another instance, {here[0]:.2f} and {here[1]:.2f} ms beside its own", flush=True)
    ratios = [statistics.median(here[which] / elsewhere[which] for elsewhere, here in pairs) for which in (0, 1)]
    p99 = [statistics.median(pair[which][1] for pair in pairs) for which in (0, 1)]
    print(f"{name}: alone p50 {alone[0]:.2f}, p99 {alone[1]:.2f} ms; medians of {arguments.rounds} rounds: p99 {p99[0]:.2f} ms "
          f"beside the crowd of another instance, {p99[1]:.2f} ms beside its own, ratio {ratios[1]:.2f} (p50 {ratios[0]:.2f})",
          flush=True)
    return ratios[1] < MAX_RATIO


def newest(site):
    return json.loads(site.request("GET", "/api/changes?after=0&limit=1000")[1])["next"]


def open_files(running):
    return len(os.listdir(f"/proc/{running.pid}/fd"))


def crowd(site, running, name, counts, seconds, each_second=lambda second: None):
    """Lets the clients come and measures; true if the bounds hold."""
    ordinary_client, peak = Measurement(site, seconds), 0.0
    clients, ended = Crowd(site, counts), time.monotonic() + seconds
    for second in range(seconds):
        clients.tick()
        each_second(second)
        peak = max(peak, memory(running))
        time.sleep(max(0.0, ended - seconds + second + 1 - time.monotonic()))
    times_beside = ordinary_client.percentiles()
    for shape in counts:
        times = clients.ended.get(shape, [])
        print(f"{shape}: {counts[shape]} came, {len(times)} were ended after {min(times, default=0):.0f} to "
              f"{max(times, default=0):.0f} s, {clients.left(shape)} open after {seconds} s")
    print(f"{name}: {sum(counts.values())} clients, memory at most {peak:.0f} MB; an ordinary client beside them: "
          f"p50 {times_beside[0]:.2f}, p99 {times_beside[1]:.2f} ms", flush=True)
    open_now = open_files(running)
    for client in clients.clients.values():
        client.socket.close()
    return clients, peak < MAX_MEMORY, open_now


class Program:
    """A site of its own for each crowd: what one has cost is not counted for the next."""

    def __init__(self, arguments):
        self.site = Site(arguments.program)
        for number in range(60):
            (self.site.feeds / f"tin-{number}.txt").write_text(article(f"Tin {number}") + "Đoạn dài. " * 500)
        self.headers = self.site.token()

    def __enter__(self):
        # This script is nice, and must not take the processor from the server.
        self.running, _ = self.site.serve(preexec_fn=lambda: os.nice(-10) if os.geteuid() == 0 else None)
        print(f"memory before: {memory(self.running):.0f} MB")
        return self

    def __exit__(self, *_):
        time.sleep(2)
        print(f"memory after they have gone: {memory(self.running):.0f} MB", flush=True)
        stop(self.running)


def slow(arguments):
    with Program(arguments) as program:
        before = open_files(program.running)
        crowded, within, left = crowd(program.site, program.running, "slow and stalled",
                                      dict.fromkeys(SHAPES, arguments.each), arguments.seconds)
        in_time = [max(crowded.ended.get(shape, [0])) < TIMES[limit] * 1.25 + 10 for shape, limit in SHAPES.items()]
        # What a client that reads nothing was not sent yet keeps it from seeing the end: there the server is asked.
        print(f"open on the server: {left - before} more than before them")
        seen = sum(crowded.left(shape) for shape in SHAPES if not shape.startswith("reads"))
        return within and all(in_time) and not seen and left - before < max(arguments.each / 10, 10)


def idle(arguments):
    with Program(arguments) as program:
        count = 10 * arguments.each
        crowded, within, _ = crowd(program.site, program.running, "idle", {"idle": count}, max(arguments.seconds, 110))
        times = crowded.ended.get("idle", [])
        return within and len(times) == count and min(times) > TIMES["idle"] * 0.9


def waiting(arguments):
    with Program(arguments) as program:
        site, count, published = program.site, 5 * arguments.each, []
        site.newest, site.told = newest(site), 0

        def publish(second):
            if second in (30, 75):
                published.append(second)
                status, answer = site.request("POST", "/api/articles?channel=xa-hoi", article(f"Bài {second}").encode(),
                                              program.headers)
                assert status == 201, answer
            elif second in (33, 78):
                print(f"{site.told} of {count * len(published)} were told of an article within 3 s")

        crowded, within, _ = crowd(site, program.running, "waiting for changes", {"waiting": count}, 100, publish)
        return within and site.told == 2 * count and crowded.left("waiting") == count


def clients(arguments):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    os.nice(10)
    crowds = {"slow and stalled": (slow, dict.fromkeys(SHAPES, arguments.each)),
              "idle": (idle, {"idle": 10 * arguments.each}),
              "waiting for changes": (waiting, {"waiting": 5 * arguments.each})}
    right = []
    for name, (run, counts) in crowds.items():
        if not arguments.only or arguments.only in name:
            right += [run(arguments)] if not arguments.share_only else []
            right += [share(arguments, name, counts)]
    print("bounds held: " + " ".join("yes" if one else "NO" for one in right))
    return all(right)
