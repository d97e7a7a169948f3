//! Who the primary is, by those who watch it.

use redis::{Connection, cmd};

use super::address::{self, Host};
use super::error::{RedisError, Trouble};
use super::node::Opening;

/// Who is asked for the primary.
pub(super) struct Sentinels {
    hosts: Vec<Host>,
    master: String,
    opening: Opening,
    asked: Option<(Host, Connection)>,
}

/// What is wrong with who we are to a sentinel is not mended where who we are to Redis is.
fn of_sentinels(mut error: RedisError) -> RedisError {
    if error.trouble == Trouble::Denied {
        error.trouble = Trouble::DeniedBySentinels;
    }
    error
}

impl Sentinels {
    pub(super) fn new(hosts: Vec<Host>, master: String, opening: Opening) -> Self {
        Self { hosts, master, opening, asked: None }
    }

    /// The primary, by the first sentinel that knows.
    pub(super) fn primary(&mut self) -> Result<Host, RedisError> {
        if let Some((host, mut connection)) = self.asked.take()
            && let Ok(primary) = self.ask(&host, &mut connection)
        {
            self.asked = Some((host, connection));
            return Ok(primary);
        }
        let mut worst = RedisError::new(Trouble::NoPrimary, None, "no sentinel is named");
        for at in 0..self.hosts.len() {
            let host = self.hosts[at].clone();
            let asked = self.opening.open(&host).and_then(|mut connection| {
                let primary = self.ask(&host, &mut connection)?;
                self.asked = Some((host.clone(), connection));
                Ok(primary)
            });
            match asked {
                Ok(primary) => {
                    // Who knew is asked first the next time.
                    self.hosts.swap(0, at);
                    return Ok(primary);
                }
                Err(error) => worst = of_sentinels(error),
            }
        }
        Err(worst)
    }

    fn ask(&self, host: &Host, connection: &mut Connection) -> Result<Host, RedisError> {
        let mut call = cmd("SENTINEL");
        call.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let said: Option<(String, String)> =
            call.query(connection).map_err(|error| RedisError::of_client(&host.to_string(), &error))?;
        let unknown = || format!("this sentinel knows no primary `{}`", self.master);
        let (name, port) =
            said.ok_or_else(|| RedisError::new(Trouble::NoPrimary, Some(host.to_string()), unknown()))?;
        let name = if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
        address::host(&name, 0).map_err(|_| RedisError::strange("SENTINEL GET-MASTER-ADDR-BY-NAME"))
    }
}
