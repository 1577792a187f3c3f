"""Generated articles and the running service, for the measurements beside this file."""

import contextlib
import dataclasses
import functools
import http.client
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import time

HOUSE = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 300  # Nothing that is waited for may take longer, in seconds.


def target_folder():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HOUSE / "target"))


# --- articles ------------------------------------------------------------------------------------------------

WORDS = """huyện xã thôn làng tỉnh thị trấn nhân dân cán bộ đảng viên đoàn viên thanh niên phụ nữ nông dân hội nghị
phong trào thi đua khen thưởng kế hoạch nhiệm vụ mục tiêu giải pháp chương trình quốc gia nông thôn mới phát triển
kinh tế xã hội văn hóa thể thao du lịch giáo dục y tế quốc phòng an ninh trật tự rừng đồng ruộng lúa cà phê cao su
sâm Ngọc Linh mắc ca chăn nuôi bò dê gà vịt thu hoạch sản lượng diện tích héc-ta triệu đồng tỷ đồng vốn đầu tư dự án
công trình đường giao thông cầu kênh mương thủy lợi điện nước sạch trường học bệnh viện nhà rông cồng chiêng lễ hội
mừng lúa dệt thổ cẩm nghệ nhân truyền thống bản sắc dân tộc Xơ Đăng Ba Na Giẻ Triêng tuyên truyền vận động tham gia
hưởng ứng tổ chức thực hiện triển khai kiểm tra giám sát đánh giá kết quả đạt được khó khăn thuận lợi trong đó với của
và các những cho được tại từ đến năm tháng ngày nay đã đang sẽ tiếp tục nâng cao chất lượng hiệu quả đời sống thu nhập
bình quân hộ nghèo giảm tăng so với cùng kỳ phần trăm chỉ đạo lãnh đạo chính quyền địa phương cơ quan đơn vị doanh
nghiệp hợp tác xã mô hình liên kết tiêu thụ sản phẩm OCOP chuyển đổi số công nghệ thông tin cải cách hành chính""".split()


@functools.cache
def sentences():
    """The sentences that articles are made of, always the same."""
    chance = random.Random(1)
    sentence = lambda words: " ".join(chance.choice(WORDS) for _ in range(words)).capitalize() + "."
    return [sentence(chance.randint(12, 30)) for _ in range(4000)]


def article(number, paragraphs=7):
    """An article of about 2,500 bytes, always the same for the same number."""
    chance = random.Random(number)
    paragraph = lambda count: " ".join(chance.choices(sentences(), k=count))
    # One every half hour of 17 years, so that no day has many more than another, and none is before 1990.
    stamp = time.strftime("%d/%m/%Y %H:%M", time.gmtime(1_683_913_140 - 1_800 * (number % 300_000)))
    title = f"Tin số {number}: " + " ".join(paragraph(1).split()[:9]).lower().rstrip(".")
    body = "\n\n".join(paragraph(chance.randint(2, 3)) for _ in range(paragraphs))
    return f"{title}\n\n{stamp}\n\n{paragraph(2)}\nHội nghị tổng kết. Ảnh: TL\n\n{body}\n\nTấn Lộc\n"


def write_articles(folder, count, channels, paragraphs=7):
    for channel in channels:
        (folder / channel).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / channels[number % len(channels)] / f"bai-viet-{number}.txt"
        path.write_text(article(number, paragraphs))
        # A file that has just been written is first watched for a while; here it is old.
        os.utime(path, (1_700_000_000, 1_700_000_000))


# --- programs ------------------------------------------------------------------------------------------------


def install(needed):
    """Installs the Debian packages of the programs that are missing."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    os.environ["PATH"] = path
    packages = [package for program, package in needed.items() if not shutil.which(program)]
    if not packages:
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run(root + ["apt-get", "update", "-q"], check=True)
    command = ["apt-get", "install", "-qy", "--no-install-recommends"]
    subprocess.run(root + environment + command + packages, check=True)
    if "nginx-light" in packages and shutil.which("systemctl"):
        # The package starts a server of its own, which nobody asked for.
        subprocess.run(root + ["systemctl", "disable", "--now", "-q", "nginx"], check=False)


# --- servers -------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Server:
    port: int
    pid: int
    admin: int = 0

    def get(self, path, headers=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "identity"} | (headers or {}))
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def cpu(self):
        """The CPU time of each thread so far, in nanoseconds."""
        times = {}
        for thread in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                times[thread.name] = int((thread / "schedstat").read_text().split()[0])
        return times

    def cpu_since(self, before):
        """The CPU time of all threads since then. A thread that has ended since was idle, or it would live."""
        return sum(time - before.get(thread, 0) for thread, time in self.cpu().items())

    def settle(self):
        """Waits until the check of the database, which follows each start, is over."""

        def rests():
            before = self.cpu()
            time.sleep(1)
            return self.cpu_since(before) < 20_000_000

        wait_for(rests, "the service rests")

    def memory(self):
        """Resident memory, in MB."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(done, what, pause=0.002):
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if done():
                return
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {PATIENCE} s")
        time.sleep(pause)


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def bantin(binary, folder, feeds, core=None, url=None):
    """The service as it is run, ready. Its store is in `folder` unless another `url` is given."""
    folder.mkdir(parents=True, exist_ok=True)
    url = url or f"sqlite:{folder}/bantin.db"
    port, admin = free_port(), free_port()
    config = folder / "config.toml"
    config.write_text(
        f'[site]\nurl = "http://127.0.0.1:{port}"\n'
        f'[server]\nlisten = "127.0.0.1:{port}"\nadmin = "127.0.0.1:{admin}"\n'
        f'[store]\nurl = "{url}"\n[folder]\npath = "{feeds}"\n'
    )
    pinned = ["taskset", "-c", core] if core else []
    with open(folder / "log", "a") as log:
        with running(pinned + [binary, "serve", "--config", config], stdout=log, stderr=log) as process:
            server = Server(port, process.pid, admin)

            def ready():
                if process.poll() is not None:
                    sys.exit(f"bantin has ended:\n{(folder / 'log').read_text()[-2000:]}")
                return server.get("/readyz", port=admin)[0].status == 200

            wait_for(ready, "bantin gets ready")
            yield server


def table_row(cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


# --- life ----------------------------------------------------------------------------------------------------
