//! A browser that a test holds the wheel of, by way of the W3C WebDriver protocol.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::testing::Browser;

/// A browser window. It closes with the driver.
pub(crate) struct Window {
    http: reqwest::Client,
    /// The address of the session, without a slash at its end.
    session: String,
}

impl Window {
    pub(crate) async fn open(browser: &Browser) -> Self {
        let http = shared::client::http().unwrap();
        let options = json!({ "args": browser.arguments() });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let answer = send(&http, &format!("{}/session", browser.url), &body).await;
        let id = answer["sessionId"].as_str().unwrap();
        Self {
            session: format!("{}/session/{id}", browser.url),
            http,
        }
    }

    /// Has the driver do something.
    async fn command(&self, name: &str, body: Value) -> Value {
        send(&self.http, &format!("{}/{name}", self.session), &body).await
    }

    /// Opens an address and waits until everything is there.
    pub(crate) async fn go(&self, url: &str) {
        self.command("url", json!({ "url": url })).await;
    }

    /// What a script returns that is run in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.command("execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    /// What a script hands to its last argument.
    pub(crate) async fn await_script(&self, script: &str) -> Value {
        self.command("execute/async", json!({ "script": script, "args": [] }))
            .await
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("goog/cdp/execute", body).await;
    }

    /// Presses and releases a key.
    pub(crate) async fn press(&self, key: &str) {
        let actions = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.command("actions", body).await;
    }

    /// Ends the browser.
    pub(crate) async fn close(self) {
        self.http.delete(&self.session).send().await.unwrap();
    }

    /// What the console has said since the last time, errors only.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().unwrap().iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The whole page as a PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let body = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } });
        let answer = self.command("goog/cdp/execute", body).await;
        STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }
}

async fn send(http: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = http.post(url).body(body.to_string()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{url}: {text}");
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    answer["value"].take()
}
