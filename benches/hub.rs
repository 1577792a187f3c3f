//! What the hub costs: 10,000 subscribers of one channel, of whom one in a hundred is dead and one in a hundred slow. Runs the
//! real program and real HTTP receivers on this machine, each with a loopback address of its own.
//!
//!     cargo bench --bench hub [-- SUBSCRIBERS]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TOPIC: &str = "http://127.0.0.1:8080/xa-hoi/atom.xml";
/// How long a slow subscriber takes to answer.
const SLOW: Duration = Duration::from_secs(8);
/// Changes that are measured.
const ROUNDS: usize = 5;
/// Threads that answer for the subscribers.
const RECEIVERS: usize = 16;

fn main() {
    let count = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().unwrap();
    let receivers = Receivers::start(count);
    let service = Service::start(folder.path(), count);
    let began = Instant::now();
    subscribe_all(&service, &receivers, count);
    let seconds = began.elapsed().as_secs_f64();
    println!("{count} subscriptions requested and confirmed in {seconds:.1} s");
    let quiet = poll_latencies(&service, Duration::from_secs(3), || {});
    println!("304 without deliveries: {}", shown(&quiet));
    println!("resident memory before: {}", service.memory());
    for round in 0..ROUNDS {
        receivers.forget();
        let published = Instant::now();
        service.publish(round);
        let busy = poll_latencies(&service, Duration::from_secs(60), || receivers.wait_for_the_living());
        let mut delays = receivers.delays(published);
        delays.sort();
        let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64();
        println!(
            "change {}: {} living, median {:.2} s, p99 {:.2} s, last {:.2} s; 304 meanwhile: {}",
            round + 1,
            delays.len(),
            at(0.5),
            at(0.99),
            at(1.0),
            shown(&busy)
        );
        // The slow ones end before the next change.
        std::thread::sleep(SLOW);
    }
    println!("resident memory at most: {}", service.memory());
}

fn shown(latencies: &[Duration]) -> String {
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    format!("median {:.2} ms, p99 {:.2} ms of {} polls", at(0.5), at(0.99), latencies.len())
}

/// The kind of a subscriber.
fn is_dead(number: usize) -> bool {
    number % 100 == 7
}

fn is_slow(number: usize) -> bool {
    number % 100 == 42
}

/// All subscribers: one listener on every loopback address.
struct Receivers {
    port: u16,
    /// When each was told last.
    told: Arc<Vec<Mutex<Option<Instant>>>>,
    living: usize,
    answered: Arc<AtomicU64>,
}

impl Receivers {
    fn start(count: usize) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let told: Arc<Vec<Mutex<Option<Instant>>>> = Arc::new((0..count).map(|_| Mutex::new(None)).collect());
        let answered = Arc::new(AtomicU64::new(0));
        let port = listener.local_addr().unwrap().port();
        for _ in 0..RECEIVERS {
            let (listener, told, answered) =
                (listener.try_clone().unwrap(), Arc::clone(&told), Arc::clone(&answered));
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let _ = answer(stream, &told, &answered);
                }
            });
        }
        let living = (0..count).filter(|number| !is_dead(*number) && !is_slow(*number)).count();
        Self { port, told, living, answered }
    }

    fn callback(&self, number: usize) -> String {
        let host = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number as u32);
        format!("http://{host}:{}/{number}", self.port)
    }

    fn forget(&self) {
        self.told.iter().for_each(|told| *told.lock().unwrap() = None);
        self.answered.store(0, Ordering::SeqCst);
    }

    fn wait_for_the_living(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while (self.answered.load(Ordering::SeqCst) as usize) < self.living && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn delays(&self, since: Instant) -> Vec<Duration> {
        let of_living =
            self.told.iter().enumerate().filter(|(number, _)| !is_dead(*number) && !is_slow(*number));
        let told: Vec<Instant> = of_living.filter_map(|(_, told)| *told.lock().unwrap()).collect();
        assert_eq!(told.len(), self.living, "every living subscriber was told");
        told.into_iter().map(|told| told - since).collect()
    }
}

fn answer(
    mut stream: TcpStream,
    told: &[Mutex<Option<Instant>>],
    answered: &AtomicU64,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = vec![0; 65_536];
    let end = loop {
        let read = stream.read(&mut buffer)?;
        request.extend_from_slice(&buffer[..read]);
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if read == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let number: usize =
        target.trim_start_matches('/').split('?').next().unwrap_or_default().parse().unwrap_or_default();
    if let Some(challenge) = target.split("hub.challenge=").nth(1) {
        let challenge = challenge.split('&').next().unwrap_or_default();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{challenge}", challenge.len());
        return stream.write_all(answer.as_bytes());
    }
    if is_dead(number) {
        return Ok(());
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.parse().unwrap_or_default());
    let mut received = request.len() - end;
    while received < length {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            read => received += read,
        }
    }
    let done = b"HTTP/1.1 204 No Content\r\n\r\n";
    if is_slow(number) {
        std::thread::spawn(move || {
            std::thread::sleep(SLOW);
            let _ = stream.write_all(done);
        });
        return Ok(());
    }
    if told[number].lock().unwrap().replace(Instant::now()).is_none() {
        answered.fetch_add(1, Ordering::SeqCst);
    }
    stream.write_all(done)
}

/// The real program.
struct Service {
    child: Child,
    address: SocketAddr,
    bearer: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(folder: &std::path::Path, count: usize) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[site]\ntag_authority = \"hub.example,2023\"\n\
             [server]\nlisten = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:0\"\n\
             [hub]\nenabled = true\nallow = [\"127.0.0.0/8\"]\nmax_subscriptions = {}\n\
             [[channel]]\nslug = \"xa-hoi\"\n",
            count + 10
        );
        std::fs::write(folder.join("config.toml"), config).unwrap();
        std::fs::create_dir_all(folder.join("feeds/xa-hoi")).unwrap();
        for number in 0..30 {
            let text = "Đoạn văn của bài, dài như một bài thường. ".repeat(60);
            let day = number % 28 + 1;
            let article = format!("Bài số {number}\n\n{day:02}/04/2023 08:00\n\n{text}\n\n{text}\n");
            std::fs::write(folder.join(format!("feeds/xa-hoi/bai-{number}.txt")), article).unwrap();
        }
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bantin"));
            command.args(arguments).arg("--config").arg(folder.join("config.toml"));
            command
        };
        let token = command(&["token", "new", "bench"]).output().unwrap();
        let bearer = format!("Bearer {}", String::from_utf8(token.stdout).unwrap().trim());
        let child = command(&["serve", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let service = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), bearer };
        let deadline = Instant::now() + Duration::from_secs(120);
        while !service
            .request("GET", "/readyz", "", "")
            .is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        {
            assert!(Instant::now() < deadline, "the service is not ready");
            std::thread::sleep(Duration::from_millis(100));
        }
        service
    }

    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    fn publish(&self, round: usize) {
        let headers = format!("Authorization: {}\r\nContent-Type: text/markdown\r\n", self.bearer);
        let article = format!("# Tin mới số {round}\n\n12/05/2023 1{round}:00\n\nĐoạn mở đầu của tin.\n");
        let answer = self.request("POST", "/api/articles?channel=xa-hoi", &headers, &article).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// The most that it has used.
    fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        line.trim_start_matches("VmHWM:").trim().to_owned()
    }
}

fn subscribe_all(service: &Service, receivers: &Receivers, count: usize) {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst) as usize;
                    if number >= count {
                        return;
                    }
                    let body = url::form_urlencoded::Serializer::new(String::new())
                        .extend_pairs([("hub.mode", "subscribe"), ("hub.topic", TOPIC)])
                        .append_pair("hub.callback", &receivers.callback(number))
                        .append_pair("hub.secret", &format!("secret {number}"))
                        .finish();
                    let answer = service.request("POST", "/hub", form, &body).unwrap();
                    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
                }
            });
        }
    });
    let deadline = Instant::now() + Duration::from_secs(300);
    let confirmed = || {
        let headers = format!("Authorization: {}\r\n", service.bearer);
        let list = service.request("GET", "/api/subscribers", &headers, "").unwrap();
        list.matches("\"subscription\"").count()
    };
    while confirmed() < count {
        assert!(Instant::now() < deadline, "{} of {count} are confirmed", confirmed());
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Sorted latencies of polls that get 304, while `work` runs, at least one second and at most `limit`.
fn poll_latencies(service: &Service, limit: Duration, work: impl FnOnce()) -> Vec<Duration> {
    let stop = AtomicBool::new(false);
    let mut latencies = std::thread::scope(|scope| {
        let polling = scope.spawn(|| {
            let (began, mut latencies) = (Instant::now(), Vec::new());
            while began.elapsed() < limit && (!stop.load(Ordering::SeqCst) || began.elapsed().as_secs() < 1) {
                let started = Instant::now();
                let headers = "If-None-Match: *\r\n";
                let answer = service.request("GET", "/xa-hoi/atom.xml", headers, "").unwrap();
                assert!(answer.starts_with("HTTP/1.1 304"), "{answer}");
                latencies.push(started.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            latencies
        });
        work();
        stop.store(true, Ordering::SeqCst);
        polling.join().unwrap()
    });
    latencies.sort();
    latencies
}
