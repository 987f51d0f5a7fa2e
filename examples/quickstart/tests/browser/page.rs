//! A browser's one page, used as people use it: by the words that stand there.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::accessibility;
use crate::driver::{Driver, target};
use crate::emulation::DevTools;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A telephone's width and a desk's, in CSS pixels.
const WIDTHS: [u32; 2] = [360, 1280];

pub(crate) struct Page {
    client: Client,
    walk: String,
    scripts: bool,
}

impl Page {
    /// A new browser that knows nobody, for a walk of that name.
    pub(crate) async fn open(driver: &Driver, walk: &str, scripts: bool) -> Self {
        let mut options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"],
        });
        if !scripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(driver.url())
            .await
            .unwrap();
        let walk = format!("{walk}{}", if scripts { "" } else { "-without-scripts" });
        Self { client, walk, scripts }
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }

    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn title(&self) -> String {
        self.client.title().await.unwrap()
    }

    /// The words on the page.
    pub(crate) async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// That these words come to stand on the page, which may not have arrived as a whole.
    pub(crate) async fn shows(&self, words: &str) {
        let has_come = async {
            while !self.text().await.contains(words) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, has_come).await.is_err() {
            panic!("`{words}` should be on the page of {}:\n{}", self.walk, self.text().await);
        }
    }

    pub(crate) async fn does_not_show(&self, words: &str) {
        let text = self.text().await;
        assert!(!text.contains(words), "`{words}` should not be on the page of {}:\n{text}", self.walk);
    }

    /// Presses the button of that name, which leads to another page.
    pub(crate) async fn press(&self, name: &str) {
        self.leave_by(&format!("//button[normalize-space()={}]", quoted(name))).await;
    }

    /// Follows the link of that name, outside of lists.
    pub(crate) async fn follow(&self, name: &str) {
        self.leave_by(&format!(
            "//*[self::p or self::header or self::nav]//a[normalize-space()={}]",
            quoted(name)
        ))
        .await;
    }

    /// Follows the link of that id.
    pub(crate) async fn follow_id(&self, id: &str) {
        self.leave_by(&format!("//a[@id={}]", quoted(id))).await;
    }

    /// Clicks, and waits until the next page has come.
    async fn leave_by(&self, xpath: &str) {
        let left = self.client.find(Locator::Css("html")).await.unwrap();
        self.one(xpath).await.click().await.unwrap();
        let has_come = async {
            while left.tag_name().await.is_ok() || self.client.find(Locator::Css("body")).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, has_come)
            .await
            .unwrap_or_else(|_| panic!("{}: {xpath} leads nowhere", self.walk));
    }

    /// Writes into the field of that label, in the place of what is there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// What stands in the field of that label.
    pub(crate) async fn value(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// What kind of element the field of that label is.
    pub(crate) async fn kind(&self, label: &str) -> String {
        self.field(label).await.tag_name().await.unwrap()
    }

    /// Unfolds the part of that name.
    pub(crate) async fn unfold(&self, name: &str) {
        self.one(&format!("//summary[normalize-space()={}]", quoted(name))).await.click().await.unwrap();
    }

    /// Ticks the box of that label.
    pub(crate) async fn tick(&self, label: &str) {
        self.field(label).await.click().await.unwrap();
    }

    /// The field of a label, which names it or stands around it.
    async fn field(&self, label: &str) -> Element {
        let label = format!("//label[starts-with(normalize-space(), {})]", quoted(label));
        match self.one(&label).await.attr("for").await.unwrap() {
            Some(id) => self.client.find(Locator::Id(&id)).await.unwrap(),
            None => self.one(&format!("{label}//*[self::input or self::textarea or self::select]")).await,
        }
    }

    async fn one(&self, xpath: &str) -> Element {
        let mut found = self.client.find_all(Locator::XPath(xpath)).await.unwrap();
        assert_eq!(found.len(), 1, "{xpath} on the page of {}:\n{}", self.walk, self.text().await);
        found.remove(0)
    }

    /// That the page keeps its layout at every width, and that everybody can use it. Keeps a picture of each.
    pub(crate) async fn judge(&self, name: &str) {
        for width in WIDTHS {
            let overflow = self.overflow(width).await;
            self.keep_picture(&format!("{}-{name}-{width}.png", self.walk)).await;
            assert_eq!(overflow, None, "{}: {name} is wider than {width} px", self.walk);
            // The judge is a script.
            if self.scripts {
                let violations = self.violations().await;
                assert!(violations.is_empty(), "{}: {name} at {width} px: {violations:#?}", self.walk);
            }
        }
    }

    /// By how many pixels the page is wider than a window of that width, if it is.
    pub(crate) async fn overflow(&self, width: u32) -> Option<i64> {
        let parameters = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        let resize = DevTools { command: "Emulation.setDeviceMetricsOverride", parameters };
        self.client.issue_cmd(resize).await.unwrap();
        let measure = DevTools { command: "Page.getLayoutMetrics", parameters: json!({}) };
        let metrics = self.client.issue_cmd(measure).await.unwrap();
        let pixels =
            |what: &str| metrics[what]["width"].as_f64().or(metrics[what]["clientWidth"].as_f64()).unwrap();
        let overflow = pixels("cssContentSize") - pixels("cssLayoutViewport");
        (overflow > 0.0).then_some(overflow.ceil() as i64)
    }

    pub(crate) async fn violations(&self) -> Vec<String> {
        accessibility::violations(&self.client).await
    }

    async fn keep_picture(&self, name: &str) {
        let directory = target().join("browser");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), self.client.screenshot().await.unwrap()).unwrap();
    }
}

/// A text of XPath, which knows no escapes.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
