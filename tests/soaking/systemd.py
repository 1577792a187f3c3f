"""The Debian package in a system that a real systemd has booted: a container (systemd-nspawn) whose files are those of this
machine, with all changes in memory. Nothing of this machine is changed. Needs root and the packages systemd, systemd-container,
dpkg, adduser and python3."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

from .site import Site

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "packaging" / "build"
# What is seen of it inside.
INSIDE = "/trial"
# For the boot, the trial and the shutdown.
SECONDS = 600

TARGET = """[Unit]
Requires=basic.target trial.service
"""
SERVICE = f"""[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 {INSIDE}/trial.py
ExecStopPost=/bin/sh -c 'journalctl --no-pager -o cat -u bantin.service -u bantin-backup.service >{INSIDE}/journal'
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:{INSIDE}/result
StandardError=inherit
"""


def systemd(arguments):
    missing = [name for name in ("systemd-nspawn", "dpkg-deb", "adduser") if shutil.which(name) is None]
    if os.geteuid() != 0:
        missing.append("root")
    if missing:
        sys.exit(f"missing: {', '.join(missing)}. Run as root: apt install systemd systemd-container dpkg adduser")
    site = Site(arguments.program)
    with changes_in_memory(site.folder / "system") as root:
        trial = root / INSIDE[1:]
        prepare(trial, root, arguments.program)
        boot(root)
        result = (trial / "result").read_text() if (trial / "result").exists() else "the trial did not begin\n"
        right = result.endswith("end of the trial\n")
        print(result, end="")
        if not right and (trial / "journal").exists():
            print((trial / "journal").read_text())
    return right


@contextlib.contextmanager
def changes_in_memory(folder):
    """The files of this machine, without what is mounted below them."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    try:
        upper, work, root = (folder / name for name in ("upper", "work", "root"))
        for directory in (upper, work, root):
            directory.mkdir()
        layers = f"lowerdir=/,upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
        try:
            yield root
        finally:
            subprocess.run(["umount", root], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def prepare(trial, root, program):
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir()
    environment = {**os.environ, "BANTIN_BINARY": program}
    subprocess.run([BUILD, "--parts", "deb", trial / "package"], env=environment, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(HERE / "systemd_trial.py", trial / "trial.py")
    units = root / "etc/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    (units / "trial.target").write_text(TARGET)
    (units / "trial.service").write_text(SERVICE)


def boot(root):
    command = ["systemd-nspawn", "--quiet", f"--directory={root}", "--machine=bantin-trial", "--private-network",
               "--register=no", "--boot"]
    # Where systemd does not run outside, there is no unit to put the container into.
    if not pathlib.Path("/run/systemd/system").exists():
        command.append("--keep-unit")
    console = root.parent / "console"
    with open(console, "wb") as output:
        try:
            subprocess.run([*command, "--", "systemd.unit=trial.target"], stdin=subprocess.DEVNULL, stdout=output,
                           stderr=output, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            print(f"not ended after {SECONDS} s; the console:\n{console.read_text(errors='replace')}")
