//! The command line: names, options, and which command they lead to.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command;
use crate::config;
use crate::log::Format;

/// Meters portal sessions: a reverse proxy that counts by exact rules.
#[derive(Debug, Parser)]
#[command(name = "portalmeter", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy and the admin listener
    Run(RunArgs),
    /// Show it all on this machine: a demo portal, the proxy before it, made-up visitors
    Demo(DemoArgs),
    /// Read everything `run` would read, and say what is wrong
    Check(ConfigArg),
    /// Meter access logs offline, by the very same rules
    Replay(ReplayArgs),
    /// For each request, say what the meter makes of it, and by which rule
    Explain(ExplainArgs),
    /// Tell bots from people, one User-Agent a line
    Agents {
        /// A file of User-Agents; standard input if absent
        file: Option<PathBuf>,
    },
    /// Usage from the ledger
    Report(ReportArgs),
    /// Two usage files side by side: rows and columns that differ
    #[command(after_help = COMPARED)]
    Compare(CompareArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArg {
    /// The configuration file
    #[arg(long, value_name = "F", default_value = config::DEFAULT_FILE)]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The configuration file
    #[arg(long, value_name = "F", conflicts_with_all = ["listen", "upstream", "data_dir"])]
    pub(crate) config: Option<PathBuf>,
    /// Without a file: where visitors come in
    #[arg(long, value_name = "ADDR", requires = "upstream")]
    pub(crate) listen: Option<String>,
    /// Without a file: the portal
    #[arg(long, value_name = "URL", requires = "listen")]
    pub(crate) upstream: Option<String>,
    /// Without a file: journal, store and secret
    #[arg(long, value_name = "D", requires = "upstream")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the metered portal is served
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where the admin listener is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub(crate) admin: SocketAddr,
    /// Journal and ledger; a folder that is removed in the end if absent
    #[arg(long, value_name = "D")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The seed of the made-up visitors
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// Comma-separated values
    Csv,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// JSON lines
    Jsonl,
    /// Apache's and nginx's combined format
    Combined,
    /// Whichever the first line is in
    Auto,
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Jsonl => Self::Jsonl,
            LogFormat::Combined => Self::Combined,
            LogFormat::Auto => Self::Auto,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// How the logs are written
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) format: LogFormat,
    /// How to answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: Output,
    /// The logs; `-` is standard input; .gz and .zst are read
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// How to answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: Output,
    /// Requests as JSON lines; standard input if absent
    #[arg(value_name = "REQUEST.jsonl")]
    pub(crate) requests: Option<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// Without a file: the data of `run --listen --upstream`
    #[arg(long, value_name = "D", conflicts_with = "config")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    /// A row a day or a month
    #[arg(long, value_enum, default_value = "day")]
    pub(crate) by: ByArg,
    /// Only this portal; may be given several times
    #[arg(long, value_name = "P")]
    pub(crate) portal: Vec<String>,
    /// How to answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// How to answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: Output,
    /// CSV, JSON lines, or the JSON of a report
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// CSV, JSON lines, or the JSON of a report
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
}

const COMPARED: &str = "Exit code 0 if they say the same, 1 if they do not or cannot be read. Rows are told apart by portal, \
                        module and day or month; columns are compared by name. The time of a report is not compared.";

/// Which days: a month, a day, or a range.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct RangeArgs {
    /// A month: this, last, 2026-03
    #[arg(long, value_name = "M", conflicts_with_all = ["day", "from", "to"])]
    pub(crate) month: Option<String>,
    /// A day: today, yesterday, 2026-03-12
    #[arg(long, value_name = "D", conflicts_with_all = ["from", "to"])]
    pub(crate) day: Option<String>,
    /// The first day
    #[arg(long, value_name = "D", requires = "to")]
    pub(crate) from: Option<String>,
    /// The day after the last
    #[arg(long, value_name = "D", requires = "from")]
    pub(crate) to: Option<String>,
}

/// How usage is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByArg {
    /// By day
    Day,
    /// By month
    Month,
}

/// Reads the command line and does as it says.
pub(crate) fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => command::run::run(&args),
        Command::Demo(args) => command::demo::demo(&args),
        Command::Check(args) => command::check::check(&args.config),
        Command::Replay(args) => command::replay::replay(&args),
        Command::Explain(args) => command::explain::explain(&args),
        Command::Agents { file } => command::agents::agents(file.as_deref()),
        Command::Report(args) => command::report::report(&args),
        Command::Compare(args) => command::compare::compare(&args),
    }
}
