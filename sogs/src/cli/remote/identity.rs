//! `sogs remote identity`.

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use shared::cli::output;
use zeroize::Zeroizing;

use super::access::Access;
use crate::cli::confirm::confirm;
use crate::remote::{Home, Seed};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an account that is for moderating alone
    New,
    Add(Add),
    Show(Show),
    Remove(Remove),
}

/// Take your account from its recovery phrase
///
/// The phrase is asked for and not shown, or comes from a file that only you can read. What is kept is the account's seed,
/// in a file that only you can read. It is as good as the phrase: with `sogs remote identity new` you moderate with an
/// account that is for nothing else.
#[derive(Args)]
pub(super) struct Add {
    /// A file with the phrase or with a seed of 64 hex digits; "-" is the standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Not to be given; here so that words of a phrase are refused without being repeated
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Show the ids of your account
#[derive(Args)]
pub(super) struct Show {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Forget your account
#[derive(Args)]
pub(super) struct Remove {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Command {
    pub(super) fn run(&self, access: &Access) -> Result<ExitCode> {
        match self {
            Self::New => keep(&Seed::generate()),
            Self::Add(add) => add.run(),
            Self::Show(show) => show.run(access),
            Self::Remove(remove) => remove.run(),
        }
    }
}

fn keep(seed: &Seed) -> Result<ExitCode> {
    let home = Home::of_user()?;
    let path = home.identity();
    refuse_second(&path)?;
    home.prepare()?;
    seed.write_file(&path)?;
    println!("{}", seed.account().session_id());
    eprintln!(
        "The account is kept in {}; whoever has that file is you. An admin makes you a moderator by this id.",
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn refuse_second(path: &Path) -> Result<()> {
    if path.exists() {
        bail!(
            "there is an account already, in {}; `sogs remote identity remove` forgets it",
            path.display()
        );
    }
    Ok(())
}

impl Add {
    fn run(&self) -> Result<ExitCode> {
        if !self.words.is_empty() {
            bail!(
                "a phrase does not belong on the command line, where everybody on this machine can see it and your shell \
                 remembers it (remove it there); give none, and it is asked for unseen"
            );
        }
        // Nobody types a phrase for nothing.
        refuse_second(&Home::of_user()?.identity())?;
        let seed = match &self.from {
            Some(path) if path.as_os_str() != "-" => Seed::read_file(path)?,
            Some(_) if !stdin().is_terminal() => Seed::read_file(Path::new("/dev/stdin"))?,
            _ => ask()?,
        };
        keep(&seed)
    }
}

fn ask() -> Result<Seed> {
    let typed = rpassword::prompt_password("Recovery phrase (it is not shown): ");
    let typed =
        typed.context("there is no terminal to ask for the recovery phrase; --from FILE reads it from a file")?;
    Ok(Seed::read(&Zeroizing::new(typed))?)
}

impl Show {
    fn run(&self, access: &Access) -> Result<ExitCode> {
        let account = access.seed()?.account();
        let id = account.session_id().to_string();
        let mut blinded = Vec::new();
        for (name, remembered) in Home::of_user()?.communities()? {
            let id = account.blinded_id(&remembered.link.key)?.to_string();
            blinded.push((name.to_string(), id));
        }
        if self.json {
            let blinded: serde_json::Map<_, _> = blinded.into_iter().map(|(name, id)| (name, id.into())).collect();
            output::json(&json!({ "id": id, "communities": blinded }))?;
            return Ok(ExitCode::SUCCESS);
        }
        println!("{id}  (account)");
        for (name, id) in blinded {
            println!("{id}  at {name}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    fn run(&self) -> Result<ExitCode> {
        let path = Home::of_user()?.identity();
        if !path.exists() {
            bail!("there is no account to forget");
        }
        let question = format!(
            "Forget the account in {}? If there is no other copy of its seed and you have no phrase, it is gone for good.",
            path.display()
        );
        confirm(self.yes, &question)?;
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        println!("forgot the account");
        Ok(ExitCode::SUCCESS)
    }
}
