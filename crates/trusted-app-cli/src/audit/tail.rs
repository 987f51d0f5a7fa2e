//! `trusted-app audit tail`

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use trusted_app_sqlx::{DecisionFilter, RecordedDecision};

use crate::output;
use crate::store::StoreOption;

/// Show the newest decisions about trusted requests, oldest first
///
/// Each has its time, its code or `ok`, the scheme by which its signature holds (- if none does), the application and
/// the user; and below these the request, and why it was rejected.
///
/// Reads the records that a server with `SqlAudit` keeps in the store's database. A server without it has
/// its decisions in its log only.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Tail {
    #[command(flatten)]
    store: StoreOption,

    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,

    /// Only those about this application, or about who claimed to be it
    #[arg(long = "app", value_name = "ID")]
    application: Option<String>,

    /// Only rejections
    #[arg(long)]
    refused: bool,

    /// Go on, and show further ones as they are recorded
    #[arg(short, long)]
    follow: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
Example:
  trusted-app audit tail --store sqlite:trust.db --app wiki --refused --follow";

/// How long to wait before the database is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How many records that came since are shown at most, each time.
const MOST_NEW: usize = 1000;

#[derive(Serialize)]
struct Shown<'a> {
    at: String,
    outcome: &'a str,
    code: Option<&'a str>,
    reason: Option<&'a str>,
    application: Option<&'a str>,
    claimed_application: Option<&'a str>,
    user: Option<&'a str>,
    claimed_user: Option<&'a str>,
    scheme: Option<&'a str>,
    key_fingerprint: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    url: Option<&'a str>,
    addresses: &'a [String],
    age_ms: Option<i64>,
    seen_before: bool,
}

impl Tail {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let store = self.store.open().await?;
        let mut filter = DecisionFilter::default();
        filter.application.clone_from(&self.application);
        filter.refused = self.refused;
        let decisions = store.decisions(&filter, self.lines).await?;
        if decisions.is_empty() && !self.json && !self.follow {
            return output::line("no decision is recorded");
        }
        self.print(&decisions, &mut filter)?;
        if !self.follow {
            return Ok(());
        }
        loop {
            tokio::time::sleep(PAUSE).await;
            let decisions = store.decisions(&filter, MOST_NEW).await?;
            self.print(&decisions, &mut filter)?;
        }
    }

    fn print(&self, decisions: &[RecordedDecision], filter: &mut DecisionFilter) -> anyhow::Result<()> {
        for decision in decisions {
            filter.after = decision.number;
            if self.json {
                output::json(&Shown::from(decision))?;
            } else {
                for line in lines(decision) {
                    output::line(line)?;
                }
            }
        }
        Ok(())
    }
}

/// Two lines: what was decided about whom, and about which request or why.
fn lines(decision: &RecordedDecision) -> [String; 2] {
    let application = decision.application.as_deref();
    let claimed = decision.claimed_application.as_deref();
    let who = application.map(str::to_owned).or(claimed.map(|id| format!("{id} (as it claims)")));
    let user = decision.user.as_deref().or(decision.claimed_user.as_deref());
    let acting = user.map(|user| format!(" as {user}")).unwrap_or_default();
    let outcome = decision.code.as_deref().unwrap_or("ok");
    let who = who.unwrap_or_else(|| "an unknown application".to_owned());
    let scheme = decision.scheme.as_deref().unwrap_or("-");
    let first = format!("{}  {outcome}  {scheme}  {who}{acting}", decision.at.to_rfc3339());
    // The reason repeats the code.
    let reason = decision.reason.as_deref().zip(decision.code.as_deref());
    let reason = reason.map(|(reason, code)| reason.strip_prefix(code).unwrap_or(reason));
    let second = format!("    {} {}{}", decision.method, decision.path, reason.unwrap_or_default());
    [first, second]
}

impl<'a> From<&'a RecordedDecision> for Shown<'a> {
    fn from(decision: &'a RecordedDecision) -> Self {
        Self {
            at: decision.at.to_rfc3339(),
            outcome: &decision.outcome,
            code: decision.code.as_deref(),
            reason: decision.reason.as_deref(),
            application: decision.application.as_deref(),
            claimed_application: decision.claimed_application.as_deref(),
            user: decision.user.as_deref(),
            claimed_user: decision.claimed_user.as_deref(),
            scheme: decision.scheme.as_deref(),
            key_fingerprint: decision.key_fingerprint.as_deref(),
            method: &decision.method,
            path: &decision.path,
            url: decision.url.as_deref(),
            addresses: &decision.addresses,
            age_ms: decision.age_ms,
            seen_before: decision.seen_before,
        }
    }
}
