//! Which community, as whom and which way.

use std::env::VarError;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use zeroize::Zeroizing;

use crate::remote::{Community, Home, IdentityError, JoinLink, Proxy, Remembered, Seed};

/// What these options stand under in the help of each command.
const HEADING: &str = "Which community, and as whom";

#[derive(Args)]
pub(super) struct Access {
    /// The community: its short name or a join link; needed if more than one is remembered
    #[arg(long, value_name = "NAME|LINK", global = true, help_heading = HEADING)]
    at: Option<String>,
    /// Read the account from this file (mode 0600) instead: a recovery phrase, or a seed in hex
    #[arg(long, value_name = "FILE", global = true, help_heading = HEADING)]
    identity: Option<PathBuf>,
    /// Connect through this SOCKS proxy, such as socks5://127.0.0.1:9050 of Tor
    #[arg(long, value_name = "URL", global = true, env = PROXY, help_heading = HEADING)]
    pub(super) proxy: Option<Proxy>,
}

/// The variable that names a proxy.
pub(in crate::cli) const PROXY: &str = "SOGS_REMOTE_PROXY";

/// A phrase or a seed may be in this variable, where it is not on disk.
pub(in crate::cli) const IDENTITY: &str = "SOGS_REMOTE_IDENTITY";

impl Access {
    /// The community, which has been asked how one shows oneself there.
    pub(super) async fn reach(&self) -> Result<Community> {
        let Remembered { link, proxy } = self.community()?;
        let account = self.seed()?.account();
        let proxy = self.proxy.as_ref().or(proxy.as_ref());
        Ok(Community::reach(link, proxy, &account).await?)
    }

    fn community(&self) -> Result<Remembered> {
        let mut communities = Home::of_user()?.communities()?;
        if let Some(link) = self.at.as_ref().filter(|at| at.contains("://")) {
            let link: JoinLink = link.parse()?;
            // What hides the moderator from a server does so however it is named.
            let mut known = communities.into_values();
            let proxy = known.find_map(|known| known.proxy.filter(|_| known.link.base_url == link.base_url));
            return Ok(Remembered { link, proxy });
        }
        let names: Vec<String> = communities.keys().map(ToString::to_string).collect();
        if names.is_empty() {
            bail!("no community is remembered; `sogs remote add LINK` remembers one");
        }
        match &self.at {
            Some(at) => match communities.remove(&at.parse()?) {
                Some(remembered) => Ok(remembered),
                None => bail!("no community is remembered as {at}; there are: {}", names.join(", ")),
            },
            None if names.len() > 1 => bail!("which community? --at NAME says so: {}", names.join(", ")),
            None => match communities.pop_first() {
                Some((_, remembered)) => Ok(remembered),
                None => bail!("no community is remembered; `sogs remote add LINK` remembers one"),
            },
        }
    }

    /// The account: from the file that was named, from the environment, or the one that was added.
    pub(super) fn seed(&self) -> Result<Seed> {
        if let Some(path) = &self.identity {
            return Ok(Seed::read_file(path)?);
        }
        match std::env::var(IDENTITY).map(Zeroizing::new) {
            Ok(text) => return Ok(Seed::read(&text)?),
            Err(VarError::NotUnicode(_)) => return Err(IdentityError::NotText.into()),
            Err(VarError::NotPresent) => {}
        }
        let path = Home::of_user()?.identity();
        if !path.exists() {
            bail!(
                "no account to moderate with yet; `sogs remote identity new` makes one for this, `sogs remote identity add` \
                 takes the recovery phrase of yours"
            );
        }
        Ok(Seed::read_file(&path)?)
    }
}
