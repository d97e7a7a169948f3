//! What can be wrong with a Redis, and what its operator does about it.

use std::fmt;
use std::time::Duration;

use redis::{ErrorKind, ServerError};

/// A cause, each with its own cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// It does not answer, or the connection broke: what was under way is done or not, nobody knows.
    Away,
    /// It was away a moment ago and is not asked again yet: nothing was sent.
    Waiting,
    /// It lost what it knew, or may have: nothing is sent until the caller has said so and begins again.
    Forgot,
    /// User or password are wrong.
    Denied,
    /// The user may not do this.
    Forbidden,
    /// It is a replica.
    ReadOnly,
    /// Its memory is full.
    Full,
    /// It cannot save, and takes no writes therefore.
    NotSaving,
    /// It has too few replicas, and takes no writes therefore.
    TooFewReplicas,
    /// It is reading its data set.
    Loading,
    /// A script of somebody's has kept it busy for long.
    Busy,
    /// The cluster has lost nodes or slots.
    ClusterDown,
    /// The slot is on its way to another node.
    Moving,
    /// It is a cluster, and the address says that it is not.
    IsCluster,
    /// It is none, and the address says that it is.
    IsNoCluster,
    /// It has no database of this number.
    NoDatabase,
    /// The sentinels do not take our user and password.
    DeniedBySentinels,
    /// The sentinels do not know the primary.
    NoPrimary,
    /// A Redis answers where a sentinel should.
    IsNoSentinel,
    /// A sentinel answers where a Redis should.
    IsSentinel,
    /// Nobody we trust vouches for its certificate, or it is another's.
    Distrusted,
    /// The address cannot be used: certificates, names.
    Address,
    /// Anything else.
    Unexpected,
}

impl Trouble {
    /// What the operator can do about it, in one line.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Away => {
                "see whether Redis runs and answers at store.url (rediss:// if it speaks TLS, else redis://); what is \
                 missing is sent again"
            }
            Self::Waiting => "nothing to do: Redis is asked again by itself",
            Self::Forgot => "nothing to do: the recent past is sent again; see why Redis lost it",
            Self::Denied => "correct user and password in store.url, or leave them out if it asks for none",
            Self::Forbidden => {
                "the user of store.url needs ~pm:* +@read +@write +@connection +@scripting +time +cluster|slots \
                 -@dangerous +info"
            }
            Self::ReadOnly => "store.url names a replica: name the primary, or use redis+sentinel://",
            Self::Full => "raise maxmemory of Redis; keep maxmemory-policy noeviction",
            Self::NotSaving => "Redis cannot write its snapshot: see its log, free disk space",
            Self::TooFewReplicas => "start the missing replicas, or lower min-replicas-to-write",
            Self::Loading => "nothing to do: Redis is reading its data and will answer when it is done",
            Self::Busy => "somebody's script keeps Redis busy: see its slow log",
            Self::ClusterDown => "see `redis-cli cluster info`: nodes or slots are missing",
            Self::Moving => "nothing to do: slots are on their way to another node",
            Self::IsCluster => "write redis+cluster:// in store.url",
            Self::IsNoCluster => "write redis:// in store.url",
            Self::NoDatabase => "store.url ends with a database's number: write a smaller one, or raise `databases`",
            Self::DeniedBySentinels => "correct store.sentinel_user and store.sentinel_password",
            Self::NoPrimary => {
                "see `redis-cli -p 26379 sentinel masters`: store.url names another primary, or there is none now"
            }
            Self::IsNoSentinel => "name the sentinels in store.url, or write it without +sentinel",
            Self::IsSentinel => "write redis+sentinel://HOST:PORT/PRIMARY in store.url",
            Self::Distrusted => {
                "name who signed its certificate in store.ca_file, and in store.url the host as the certificate has it"
            }
            Self::Address => "correct store.url or the certificates",
            Self::Unexpected => "see the log of Redis",
        }
    }

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Waiting => "waiting",
            Self::Forgot => "forgot",
            Self::Denied => "denied",
            Self::Forbidden => "forbidden",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
            Self::NotSaving => "not_saving",
            Self::TooFewReplicas => "too_few_replicas",
            Self::Loading => "loading",
            Self::Busy => "busy",
            Self::ClusterDown => "cluster_down",
            Self::Moving => "moving",
            Self::IsCluster => "is_cluster",
            Self::IsNoCluster => "is_no_cluster",
            Self::NoDatabase => "no_database",
            Self::DeniedBySentinels => "denied_by_sentinels",
            Self::NoPrimary => "no_primary",
            Self::IsNoSentinel => "is_no_sentinel",
            Self::IsSentinel => "is_sentinel",
            Self::Distrusted => "distrusted",
            Self::Address => "address",
            Self::Unexpected => "unexpected",
        }
    }

    /// Whether the connection is of no more use after it: the next call looks for the primary anew.
    pub(super) fn ends_connection(self) -> bool {
        matches!(self, Self::Away | Self::ReadOnly | Self::Loading | Self::ClusterDown | Self::Denied)
    }

    /// What an error of a server's means; old servers wrap the word in the text of the script's error.
    fn of_words(code: &str, text: &str) -> Self {
        let words = [
            ("READONLY", Self::ReadOnly),
            ("OOM", Self::Full),
            ("MISCONF", Self::NotSaving),
            ("NOREPLICAS", Self::TooFewReplicas),
            ("LOADING", Self::Loading),
            ("MASTERDOWN", Self::Loading),
            ("BUSY", Self::Busy),
            ("CLUSTERDOWN", Self::ClusterDown),
            ("TRYAGAIN", Self::Moving),
            ("MOVED", Self::Moving),
            ("ASK", Self::Moving),
            ("CROSSSLOT", Self::IsCluster),
            ("NOAUTH", Self::Denied),
            ("WRONGPASS", Self::Denied),
            ("NOPERM", Self::Forbidden),
        ];
        let is = |word: &str| code == word || text.contains(&format!("-{word} "));
        let known = words.into_iter().find_map(|(word, trouble)| is(word).then_some(trouble));
        let phrases = [
            ("invalid password", Self::Denied),
            ("user executing the script can't", Self::Forbidden),
            ("cluster support disabled", Self::IsNoCluster),
            ("DB index is out of range", Self::NoDatabase),
            ("unknown command 'SENTINEL'", Self::IsNoSentinel),
            ("unknown command `SENTINEL`", Self::IsNoSentinel),
            ("unknown command 'TIME'", Self::IsSentinel),
            ("unknown command `TIME`", Self::IsSentinel),
        ];
        let phrase = || phrases.into_iter().find_map(|(phrase, trouble)| text.contains(phrase).then_some(trouble));
        known.or_else(phrase).unwrap_or(Self::Unexpected)
    }
}

/// How the client tells of a certificate that it does not take; it does not tell it otherwise.
const CERTIFICATE: &str = "invalid peer certificate";

/// Why a Redis did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisError {
    /// The cause.
    pub trouble: Trouble,
    /// Which server, if one.
    pub server: Option<String>,
    /// What it said.
    pub said: String,
    /// When another try makes sense, from now.
    pub again_in: Duration,
}

impl RedisError {
    pub(super) fn new(trouble: Trouble, server: Option<String>, said: impl Into<String>) -> Self {
        Self { trouble, server, said: said.into(), again_in: Duration::ZERO }
    }

    /// What an error reply of a server means.
    pub(super) fn of_reply(server: &str, reply: &ServerError) -> Self {
        let (code, text) = (reply.code(), reply.details().unwrap_or_default());
        Self::new(Trouble::of_words(code, text), Some(server.to_owned()), format!("{code} {text}"))
    }

    /// What a failure of the client means.
    pub(super) fn of_client(server: &str, error: &redis::RedisError) -> Self {
        let said = error.to_string();
        let trouble = match error.kind() {
            ErrorKind::Io | ErrorKind::Parse if said.contains(CERTIFICATE) => Trouble::Distrusted,
            ErrorKind::Io | ErrorKind::Parse => Trouble::Away,
            ErrorKind::AuthenticationFailed => Trouble::Denied,
            ErrorKind::InvalidClientConfig => Trouble::Address,
            _ => Trouble::of_words(error.code().unwrap_or_default(), error.detail().unwrap_or_default()),
        };
        // Servers of other types answer otherwise than Redis does; so does one behind a broken connection.
        Self::new(trouble, Some(server.to_owned()), said)
    }

    /// An answer that no server of the right kind gives.
    pub(super) fn strange(what: &str) -> Self {
        Self::new(Trouble::Unexpected, None, format!("an answer to {what} that cannot be read"))
    }

    /// The key holds another type than ours.
    pub(super) fn is_foreign(&self) -> bool {
        self.trouble == Trouble::Unexpected && self.said.contains("WRONGTYPE")
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> &'static str {
        self.trouble.hint()
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "Redis at {server}: {}", self.said),
            None => write!(f, "Redis: {}", self.said),
        }
    }
}

impl std::error::Error for RedisError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_found_where_old_servers_hide_it() {
        let old = "Error running script (call to f_1): @user_script:12: -OOM command not allowed when used memory";
        assert_eq!(Trouble::of_words("ERR", old), Trouble::Full);
        assert_eq!(Trouble::of_words("READONLY", "You can't write against a read only replica."), Trouble::ReadOnly);
        assert_eq!(Trouble::of_words("ERR", "unknown command"), Trouble::Unexpected);
    }
}
