//! Drives a headless Chromium over its DevTools protocol, through two named pipes: enough to open a
//! page at a width and a colour scheme, to ask it questions and to take its picture.
//!
//! The protocol: <https://chromedevtools.github.io/devtools-protocol/>; with `--remote-debugging-pipe`
//! messages are JSON that end with a zero byte, read from descriptor 3 and written to descriptor 4.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use portstory_testkit::skip::skipped;
use serde_json::{Value, json};

pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    next_id: u64,
    /// What the page did, since it was last asked.
    pub(crate) events: Vec<Value>,
    session: Option<String>,
    _dir: tempfile::TempDir,
}

/// The name of the program. Where there is none, the test is skipped; with `PORTSTORY_NEEDS_CHROMIUM` it fails.
pub(crate) fn installed() -> Option<&'static str> {
    let mut names = ["chromium", "chromium-browser", "google-chrome"].into_iter();
    let name = names.find(|name| {
        let found = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        found.is_ok_and(|output| output.status.success())
    });
    if name.is_none() {
        skipped("PORTSTORY_NEEDS_CHROMIUM", "no chromium here; apt-get install chromium");
    }
    name
}

impl Browser {
    pub(crate) fn start(program: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (down, up) = (dir.path().join("down"), dir.path().join("up"));
        for pipe in [&down, &up] {
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        let script = format!(
            "exec {program} --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
             --no-first-run --disable-background-networking --disable-component-update \
             --user-data-dir={}/profile --remote-debugging-pipe about:blank 3<{} 4>{}",
            dir.path().display(),
            down.display(),
            up.display()
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Each end waits for the other; the shell opens them in this order.
        let to = OpenOptions::new().write(true).open(&down).unwrap();
        let from = BufReader::new(File::open(&up).unwrap());
        let mut browser =
            Self { child, to, from, next_id: 0, events: Vec::new(), session: None, _dir: dir };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let id = &target["targetId"];
        let attached =
            browser.call("Target.attachToTarget", json!({"targetId": id, "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Opens a file at a width in CSS pixels, in light or dark.
    pub(crate) fn open(&mut self, page: &Path, width: u32, scheme: &str) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}),
        );
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        );
        self.events.clear();
        let url = format!("file://{}", page.display());
        self.call("Page.navigate", json!({"url": url}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// What an expression comes to in the page.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let answer =
            self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The page as a picture, from its top on or whole.
    pub(crate) fn picture(&mut self, file: &Path, whole: bool) {
        let picture = self.call("Page.captureScreenshot", json!({"captureBeyondViewport": whole}));
        let data = picture["data"].as_str().unwrap();
        std::fs::write(file, base64::engine::general_purpose::STANDARD.decode(data).unwrap())
            .unwrap();
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let mut message = json!({"id": self.next_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap();
        loop {
            let answer = self.receive();
            if answer["id"] == json!(self.next_id) {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser has gone");
        serde_json::from_slice(&bytes).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
