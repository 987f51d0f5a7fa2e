//! The command line of trusted applications: makes keys, signs requests, and explains what a server
//! would decide about one.

mod applications;
mod apps;
mod audit;
mod author;
mod capture;
mod certificate;
mod client;
mod columns;
mod comparison;
mod completions;
mod details;
mod doctor;
mod document;
mod duration;
mod explain;
mod input;
mod keygen;
mod kind;
mod man;
mod output;
mod public_url;
mod question;
mod request;
mod sign;
mod signature_key;
mod signer;
mod span;
mod store;
mod url;
mod users;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Makes and examines trusted requests: those that an application signs to act as one of its users
///
/// Two applications trust each other by exchanging certificate documents, which hold an id and a public
/// key. The calling one signs each request and names a user; the other answers as that user. This speaks
/// the protocol of Atlassian's Trusted Applications (Seraph, versions 3 and 2), and HTTP message signatures
/// (RFC 9421).
#[derive(Debug, Parser)]
#[command(name = "trusted-app", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  trusted-app keygen --id wiki:1 --out wiki.pem
  trusted-app certificate --identity wiki.pem
  trusted-app details https://wiki.example.com
  trusted-app sign --identity wiki.pem --user alice --curl \\
    https://tracker.example.com/rest/issues
  trusted-app verify --apps apps.toml --user alice \\
    --remote-addr 10.1.2.3 < request.txt
  trusted-app explain sent.txt received.txt
  trusted-app doctor --identity wiki.pem --user alice \\
    https://tracker.example.com/rest/issues
  trusted-app request https://wiki.example.com --store sqlite:trust.db
  trusted-app apps list --store sqlite:trust.db
  trusted-app audit tail --store sqlite:trust.db --refused

Exit status: 0 when done, 2 when something was wrong with the options, a file or the network.
`verify`, `explain`, `doctor` and `apps check` have more: see their --help.";

#[derive(Debug, Subcommand)]
enum Command {
    Keygen(keygen::Keygen),
    Certificate(certificate::Certificate),
    Details(details::Details),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Explain(explain::Explain),
    Doctor(doctor::Doctor),
    Request(request::Request),
    #[command(subcommand)]
    Apps(apps::Apps),
    #[command(subcommand)]
    Audit(audit::Audit),
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    let done = match cli.command {
        Command::Keygen(keygen) => keygen.run().map(|()| ExitCode::SUCCESS),
        Command::Certificate(certificate) => certificate.run().map(|()| ExitCode::SUCCESS),
        Command::Details(details) => wait(details.run()).map(|()| ExitCode::SUCCESS),
        Command::Sign(sign) => sign.run().map(|()| ExitCode::SUCCESS),
        Command::Verify(verify) => verify.run(),
        Command::Explain(explain) => explain.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Request(request) => wait(request.run()).map(|()| ExitCode::SUCCESS),
        Command::Apps(apps) => wait(apps.run()),
        Command::Audit(audit) => wait(audit.run()).map(|()| ExitCode::SUCCESS),
        Command::Completions(completions) => completions.run(Cli::command()).map(|()| ExitCode::SUCCESS),
        Command::Man(man) => man.run(Cli::command()).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| output::failure(&error))
}

/// Runs what asks a database or another application.
fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
