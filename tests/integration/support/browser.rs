//! Headless Chromium, driven over WebDriver.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::RunningServer;

/// A browser with its own profile; closed when dropped.
pub struct Browser {
    driver: Child,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: apt-get install chromium chromium-driver, or run tests/run");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver ended before it listened").unwrap();
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // The driver keeps writing, so its output must be read.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            &data,
        ];
        let mut browser =
            Self { driver, session: format!("http://127.0.0.1:{port}/session"), _profile: profile };
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let opened = browser.post("", &json!({ "capabilities": { "alwaysMatch": options } }));
        let id = opened["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {opened}")).to_owned();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body).unwrap_or_else(|refusal| panic!("{path}: {refusal}"))
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let request = ureq::post(format!("{}{path}", self.session))
            .config()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(90)))
            .build()
            .content_type("application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let value = value["value"].take();
        if answer.status().is_success() { Ok(value) } else { Err(value) }
    }

    pub fn go(&self, serving: &RunningServer, path: &str) -> &Self {
        self.post("/url", &json!({ "url": format!("http://{}{path}", serving.address()) }));
        self
    }

    /// What a script returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// What a script's promise resolves to.
    pub fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Emulates a phone's or a desktop's screen, in CSS pixels.
    pub fn set_screen(&self, width: u32, height: u32) -> &Self {
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 800 });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen)
    }

    /// Emulates a preference: `prefers-color-scheme`, `prefers-reduced-motion` …
    pub fn set_preference(&self, name: &str, value: &str) -> &Self {
        let features = json!({ "features": [{ "name": name, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", &features)
    }

    fn devtools(&self, command: &str, parameters: &Value) -> &Self {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
        self
    }

    /// Presses a key, by its code point in WebDriver.
    pub fn press(&self, key: char) -> &Self {
        let actions = ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key }));
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }),
        );
        self
    }

    pub fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        found.as_object().and_then(|found| found.values().next()?.as_str()).unwrap().to_owned()
    }

    /// Clicks as a person does: hidden or covered elements cannot be clicked.
    pub fn click(&self, selector: &str) -> &Self {
        self.act(selector, "click", &json!({}))
    }

    pub fn write(&self, selector: &str, text: &str) -> &Self {
        self.act(selector, "value", &json!({ "text": text }))
    }

    fn act(&self, selector: &str, action: &str, body: &Value) -> &Self {
        loop {
            match self.try_post(&format!("/element/{}/{action}", self.element(selector)), body) {
                Ok(_) => return self,
                // The page that answers the last click has come since the element was found.
                Err(refusal) if refusal["error"] == "stale element reference" => {}
                Err(refusal) => panic!("{action} {selector}: {refusal}"),
            }
        }
    }

    /// The visible text of the page.
    pub fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap().to_owned()
    }

    pub fn path(&self) -> String {
        self.run("return location.pathname + location.search").as_str().unwrap().to_owned()
    }

    pub fn says(&self, text: &str) -> &Self {
        // The answer to a form may still be on its way.
        let until = Instant::now() + Duration::from_secs(20);
        while !self.text().contains(text) {
            assert!(Instant::now() < until, "{text} is not in\n{}", self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
        self
    }

    /// The browser's console errors since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        log.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
