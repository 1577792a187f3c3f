"""What `tests/soak systemd` runs in the booted system: an operator's way from the first installation to the purge."""

import http.client
import pathlib
import re
import subprocess
import sys
import threading
import time

CONFIG = pathlib.Path("/etc/bantin/config.toml")
FEEDS = pathlib.Path("/srv/bantin/feeds")
STATE = pathlib.Path("/var/lib/bantin")
BACKUPS = STATE / "backups"
PATIENCE = 60


def main():
    package = next(pathlib.Path("/trial/package").glob("*.deb"))
    for step in (installed, published, confined, reloaded, killed, hung, refused, backed_up, socket_activated):
        step(package)
        print(f"kept: {step.__doc__}", flush=True)
    upgraded(package)
    removed(package)
    print("end of the trial", flush=True)


def installed(package):
    """the installation starts the service and the timer of the backups, and both start with the machine"""
    run("dpkg", "--install", package)
    for unit in ("bantin.service", "bantin-backup.timer"):
        assert told("is-active", unit) == "active" and told("is-enabled", unit) == "enabled", unit
    # `Type=notify`: it was started when it was ready.
    assert get("/readyz")[0] == 200


def published(_):
    """an article in the folder is in the feed"""
    (FEEDS / "xa-hoi").mkdir()
    write("mot")
    wait("the article", lambda: "mot" in get("/xa-hoi/rss.xml")[1])


def confined(_):
    """the process has its own user, no capability, a filter of system calls, and writes to its folders only"""
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid()}/status").read_text().splitlines() if ":\t" in line)
    user = run("id", "--user", "bantin").strip()
    assert status["Uid"].split() == [user] * 4 and user != "0", status["Uid"]
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2") and int(status["CapBnd"], 16) == 0, status
    mounts = [line.split() for line in pathlib.Path(f"/proc/{pid()}/mounts").read_text().splitlines()]
    writable = {where for _, where, kind, options, *_ in mounts if "rw" in options.split(",") and kind in ("overlay", "tmpfs")}
    assert "/var/lib/bantin" in writable and "/srv/bantin/feeds" in writable, writable
    assert not writable & {"/", "/usr", "/etc", "/var", "/home", "/root"}, writable
    assert (STATE / "bantin.db").stat().st_mode & 0o077 == 0


def reloaded(_):
    """a reload takes a new configuration; one that is refused fails and changes nothing"""
    before, good = pid(), CONFIG.read_text()
    CONFIG.write_text(good + "\n[nonsense]\n")
    failed = systemctl("reload", "bantin.service")
    assert failed.returncode != 0 and get("/readyz")[0] == 200
    CONFIG.write_text(re.sub('(?m)^title = "Bản tin"', 'title = "Xã Đăk Tô"', good, count=1))
    run("systemctl", "reload", "bantin.service")
    wait("the new title", lambda: "Xã Đăk Tô" in get("/rss.xml")[1])
    assert pid() == before


def killed(_):
    """a killed service is started again, with all it had"""
    before = pid()
    run("kill", "-KILL", before)
    wait("another process", lambda: pid() not in (before, "0") and told("is-active", "bantin.service") == "active")
    wait("the article", lambda: "mot" in get("/xa-hoi/rss.xml")[1])


def hung(_):
    """a service that hangs is ended by the watchdog and started again"""
    setting("WatchdogSec=3s")
    run("systemctl", "restart", "bantin.service")
    before = pid()
    time.sleep(5)
    assert pid() == before, "it reports in time"
    run("kill", "-STOP", before)
    wait("another process", lambda: pid() not in (before, "0") and told("is-active", "bantin.service") == "active")
    setting("")
    run("systemctl", "restart", "bantin.service")
    assert get("/readyz")[0] == 200


def refused(_):
    """a start with a configuration that is refused ends at once, and is not tried again and again"""
    good = CONFIG.read_text()
    CONFIG.write_text(good + "\n[nonsense]\n")
    failed = systemctl("restart", "bantin.service")
    assert failed.returncode != 0 and told("is-active", "bantin.service") == "failed"
    assert shown("ExecMainStatus") in ("2", "78")
    time.sleep(3)
    assert told("is-active", "bantin.service") == "failed"
    CONFIG.write_text(good)
    run("systemctl", "start", "bantin.service")
    assert get("/readyz")[0] == 200


def backed_up(_):
    """the unit of the timer makes a backup that is whole and nobody else reads"""
    run("systemctl", "start", "bantin-backup.service")
    made = list(BACKUPS.glob("*.backup"))
    assert len(made) == 1 and made[0].stat().st_mode & 0o077 == 0, made
    run("runuser", "--user", "bantin", "--", "bantin", "verify", made[0])
    assert "bantin-backup.timer" in run("systemctl", "list-timers", "--no-pager")


def socket_activated(_):
    """with the socket of systemd, no request fails while the service restarts"""
    run("systemctl", "enable", "bantin.socket")
    run("systemctl", "stop", "bantin.service")
    run("systemctl", "start", "bantin.socket", "bantin.service")
    asked, failed, stop = [0], [], threading.Event()

    def poll():
        while not stop.is_set():
            try:
                status = get("/xa-hoi/rss.xml")[0]
                asked[0] += 1
            except OSError as error:
                status = error
            if status != 200:
                failed.append(status)

    polling = threading.Thread(target=poll)
    polling.start()
    for _ in range(5):
        run("systemctl", "restart", "bantin.service")
        time.sleep(0.5)
    stop.set()
    polling.join()
    assert asked[0] > 20 and not failed, (asked, failed[:9])
    print(f"      {asked[0]} requests, {len(failed)} failed, in five restarts")


def upgraded(package):
    before, config = pid(), CONFIG.read_text()
    run("dpkg", "--install", package)
    wait("another process", lambda: pid() not in (before, "0"))
    assert "mot" in get("/xa-hoi/rss.xml")[1] and CONFIG.read_text() == config
    print("kept: an upgrade restarts the service and keeps log, articles and configuration")


def removed(package):
    run("dpkg", "--remove", "bantin")
    assert told("is-active", "bantin.service") != "active" and told("is-active", "bantin.socket") != "active"
    run("dpkg", "--install", package)
    wait("the article", lambda: "mot" in get("/xa-hoi/rss.xml")[1])
    print("kept: a package that was removed and comes back starts what was enabled, with all it had")
    purged = run("dpkg", "--purge", "bantin")
    assert "is kept" in purged and (STATE / "bantin.db").exists() and not CONFIG.exists(), purged
    assert not list(pathlib.Path("/etc/systemd/system").glob("*.wants/bantin*"))
    print("kept: a purge stops it, asks nothing, and keeps log and articles")


def write(title):
    text = f"{title}\n\n12/05/2023 17:39\n\nĐoạn mở đầu.\n\nĐoạn thứ hai, dài hơn một dòng tiêu đề.\n\nTấn Lộc\n"
    (FEEDS / "xa-hoi" / f"{title}.txt").write_text(text)


def setting(line):
    """Puts a line into the unit, as an operator would; none takes it out again."""
    drop_in = pathlib.Path("/etc/systemd/system/bantin.service.d/trial.conf")
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(f"[Service]\n{line}\n")
    run("systemctl", "daemon-reload")


def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def wait(what, is_there):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if is_there():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"waited in vain for {what}")


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE * 2)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def systemctl(*arguments):
    return subprocess.run(["systemctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def told(verb, unit):
    return systemctl(verb, unit).stdout.strip()


def shown(name):
    return run("systemctl", "show", "--property", name, "--value", "bantin.service").strip()


def pid():
    return shown("MainPID")


main()
