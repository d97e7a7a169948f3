//! The command line: names, options, and which command they lead to.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroI32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;

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
    /// Prove every number of a month again: totals, records, corrections, usage files
    #[command(after_help = RECOUNTED)]
    Recount(RecountArgs),
    /// Book a correction by hand, with author and reason; prints its id
    #[command(after_help = CORRECTED)]
    Correct(CorrectArgs),
    /// What the configuration holds of an operator's password, or of a new token
    HashPassword {
        /// Make a token for a machine: prints it and, below it, its hash
        #[arg(long)]
        token: bool,
    },
    /// Journals of nodes that are gone
    #[command(subcommand)]
    Journal(JournalCommand),
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Count what a node that never comes back had written down and not committed
    #[command(after_help = APPLIED)]
    Apply(ApplyArgs),
    /// Say what is in journal files; changes nothing
    Show(ShowArgs),
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
    /// The seed of the made-up visitors, and of the history
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many days of made-up history there are when it starts, today included
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub(crate) history: u32,
    /// About how many sessions that history has; 150,000 a year if absent
    #[arg(long, value_name = "N")]
    pub(crate) sessions: Option<u64>,
    /// Start with an empty ledger
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Write the history into a folder, with the configuration and the names of its accounts, and end
    #[arg(long, value_name = "DIR", hide = true, conflicts_with_all = ["data_dir", "no_history"])]
    pub(crate) write_history: Option<PathBuf>,
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

#[derive(Debug, Args)]
pub(crate) struct RecountArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// Which month: this, last, 2026-03
    #[arg(long, value_name = "M")]
    pub(crate) month: String,
    /// Only this portal; may be given several times
    #[arg(long, value_name = "P")]
    pub(crate) portal: Vec<String>,
    /// A folder of journals, if not the configured archive; to be given for every node there was
    #[arg(long, value_name = "DIR")]
    pub(crate) archive: Vec<PathBuf>,
    /// How to answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: Output,
}

const RECOUNTED: &str = "Prints every difference: of what, expected, found. Exit code 0 if there is none, 1 if there is one \
                         or something cannot be read. Changes nothing, and may run beside `run`.";

#[derive(Debug, Args)]
pub(crate) struct CorrectArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// Which portal
    #[arg(long, value_name = "P")]
    pub(crate) portal: String,
    /// Which module, where sessions are counted per module
    #[arg(long, value_name = "M")]
    pub(crate) module: Option<String>,
    /// The day that is corrected: today, yesterday, 2026-03-12
    #[arg(long, value_name = "D")]
    pub(crate) day: String,
    /// As what the difference counts
    #[arg(long, value_enum)]
    pub(crate) class: ClassArg,
    /// The difference: -3 takes three sessions away, 12 adds twelve
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = command::correct::amount)]
    pub(crate) amount: NonZeroI32,
    /// The company it is for, where bills are by company
    #[arg(long, value_name = "A")]
    pub(crate) account: Option<String>,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    pub(crate) author: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The id that a try was given which broke off: booked once, however often it is tried
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<Name>,
    /// Say what would be booked, and book nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

const CORRECTED: &str = "A sealed day stays as it is: the difference is booked on an open day, and names the day it corrects. \
                         Exit code 0 if it is booked, 1 if the ledger cannot be reached, 2 if it makes no sense.";

/// What a session counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassArg {
    /// Nobody was signed in; billable
    Guest,
    /// A signed-in customer; billable
    External,
    /// A signed-in member of staff; not billed
    Internal,
    /// A bot; not billed
    Bot,
}

impl From<ClassArg> for Class {
    fn from(class: ClassArg) -> Self {
        match class {
            ClassArg::Guest => Self::Guest,
            ClassArg::External => Self::External,
            ClassArg::Internal => Self::Internal,
            ClassArg::Bot => Self::Bot,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// Segments (*.journal), or a node's folder of them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

const APPLIED: &str = "For a node whose machine is lost and whose disk was saved. What was committed already is not counted \
                       again, so the same files may be applied twice. Run it where `run` runs, with its configuration.";

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// How to answer
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) output: Output,
    /// Segments (*.journal), or a node's folder of them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

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
        Command::Recount(args) => command::recount::recount(&args),
        Command::Correct(args) => command::correct::correct(&args),
        Command::HashPassword { token } => command::hash_password::hash_password(token),
        Command::Journal(JournalCommand::Apply(args)) => command::journal::apply(&args),
        Command::Journal(JournalCommand::Show(args)) => command::journal::show(&args),
    }
}
