"""Ten years ahead and back (needs faketime), other zones and locales."""

import pathlib

from .site import Site, article, stop

def clock(arguments):
    site = Site(arguments.program)
    (site.feeds / "tin.txt").write_text(article("Tin đầu"))
    headers = site.token()

    def serve(shift, **environment):
        # Not by the program `faketime`: it starts another process, which a signal would not reach.
        library = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
        assert library, "faketime is missing: apt install faketime"
        faked = {"LD_PRELOAD": str(library), "FAKETIME": shift} if shift else {}
        return site.command("serve", env={**environment, **faked})

    def feed():
        return {path: site.request("GET", path)[1] for path in ("/rss.xml", "/atom.xml", "/feed.json", "/")}

    running = serve("")
    site.wait_ready(running)
    reference, right = feed(), True
    stop(running)
    for name, shift, environment in [
        ("same clock", "", {}), ("UTC", "", {"TZ": "UTC"}), ("New York", "", {"TZ": "America/New_York"}),
        ("Turkish locale", "", {"LC_ALL": "tr_TR.UTF-8"}), ("no locale", "", {"LC_ALL": "C"}),
        ("ten years ahead", "+3650d", {}), ("ten years back", "-3650d", {}),
        ("a leap day", "@2028-02-29 23:59:58", {}), ("the end of 32 bits", "@2038-01-19 03:14:06", {}),
    ]:
        running = serve(shift, **environment)
        site.wait_ready(running)
        same = feed() == reference
        right &= same
        print(f"{name}: {'the same bytes' if same else 'OTHER BYTES'}")
        if name == "ten years back":
            status, _ = site.request("POST", "/api/articles?channel=xa-hoi", article("Tin lùi").encode(), headers)
            print(f"{name}: a write is answered with {status}")
            right &= status == 503 and feed() == reference
        stop(running)
    running = serve("")
    site.wait_ready(running)
    status, _ = site.request("POST", "/api/articles?channel=xa-hoi", article("Tin sau").encode(), headers)
    print(f"after all: a write is answered with {status}")
    stop(running)
    return right and status == 201
