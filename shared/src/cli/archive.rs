//! The commands `backup` and `restore`.

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::output;
use super::progress::CopyBar;
use crate::archive::{
    Made, Manifest, RESTORED, Restored, Server, Source, Spool, State, Target, backup, backup_to, make_folder, restore,
};

const NOT_RESTORED: &str = "the backup was not restored";

/// Back everything up into a folder or a stream, while the server runs
///
/// The backup has the private key, the database, the files and the configuration, of one moment. Whoever has it can pose
/// as this server: keep it as safe as the server itself. It can be restored onto SQLite or PostgreSQL and onto a directory
/// or S3, whichever it was made from.
///
/// Name the same folder again to bring the backup up to date: only new files are copied, those that are gone are removed,
/// and if that is broken off the older state is still there.
///
/// Files whose bytes are missing or damaged are left out and named; the exit code is 0 all the same.
#[derive(Args)]
pub struct Backup {
    /// The folder: a new one, an empty one or one with an older backup; or - for a tar archive to standard output
    #[arg(value_name = "DIR|-")]
    folder: PathBuf,
    /// Print JSON (to standard error, if the archive goes to standard output)
    #[arg(long)]
    json: bool,
}

/// Restore a backup into an empty database, with the server stopped
///
/// Everything is verified before anything is done. Nothing is ever written over: a database in which there is something
/// and another key are refused. A restore that was broken off can be run again. The configuration is put into the data
/// folder under a name that ends in `.restored`, where it has no effect: it may name the database and the bucket of the
/// server that was backed up. Read it, and take `.restored` off its name if this server is to run with it.
#[derive(Args)]
pub struct Restore {
    /// The folder with the backup, or a tar archive of it; - for one from standard input
    #[arg(value_name = "DIR|FILE|-")]
    from: PathBuf,
    /// Restore the rest if uploaded files are damaged in the backup; the exit code is 1 then
    #[arg(long)]
    leave_out_damaged: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    /// Makes the backup and says what it came to.
    ///
    /// # Errors
    ///
    /// When none was made.
    pub async fn run<S: Server>(&self, server: &S, source: Source<'_>) -> Result<ExitCode> {
        super::keep_private();
        let to_stream = is_dash(&self.folder);
        if to_stream && stdout().is_terminal() {
            bail!("an archive is nothing for a terminal; send it into a file or another program");
        }
        let mut bar = CopyBar::new();
        let made = if to_stream {
            let mut stream = BufWriter::new(stdout());
            backup_to(server, source, &mut stream, &mut bar).await
        } else {
            backup(server, source, &self.folder, &mut bar).await
        };
        bar.finish();
        let made = made.context("no backup was made")?;
        for id in &made.damaged {
            eprintln!("{}: left out {id}: its bytes are missing or damaged", S::NAME);
        }
        let report = self.report(&made, to_stream)?;
        if to_stream {
            eprint!("{report}");
        } else {
            print!("{report}");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn report(&self, made: &Made, to_stream: bool) -> Result<String> {
        if self.json {
            return Ok(format!("{}\n", serde_json::to_string_pretty(made)?));
        }
        let place = if to_stream {
            "standard output".to_owned()
        } else {
            self.folder.display().to_string()
        };
        let Made {
            files, bytes, copied, ..
        } = made;
        let mut report = format!("backed up into {place}\n");
        report += &line(
            "files",
            &format!("{files} ({}), {copied} of them copied now", output::size(*bytes)),
        );
        report += &others(&made.others);
        report += "It contains the private key of the server: keep it where only you can read it.\n";
        Ok(report)
    }
}

impl Restore {
    /// What the backup is in, with the data folder made if there is none. A wrong folder leaves nothing behind; a stream is
    /// laid down in the data folder.
    ///
    /// # Errors
    ///
    /// When there is no backup, or no data folder can be made.
    pub fn open<S: Server>(&self, data: &Path) -> Result<Opened> {
        super::keep_private();
        let is_stream = is_dash(&self.from) || self.from.is_file();
        if !is_stream {
            Manifest::to_restore::<S>(&self.from).context(NOT_RESTORED)?;
        }
        make_folder(data).context(NOT_RESTORED)?;
        let spool = || data.join("restore.stream");
        if is_dash(&self.from) {
            if stdin().is_terminal() {
                bail!("an archive is expected from standard input; redirect one into this command");
            }
            return Ok(Opened::Stream(
                Spool::read(BufReader::new(stdin()), spool()).context(NOT_RESTORED)?,
            ));
        }
        if self.from.is_file() {
            let file = File::open(&self.from).with_context(|| format!("cannot read {}", self.from.display()))?;
            return Ok(Opened::Stream(
                Spool::read(BufReader::new(file), spool()).context(NOT_RESTORED)?,
            ));
        }
        Ok(Opened::Folder(self.from.clone()))
    }

    /// Whether to restore what is not damaged.
    #[must_use]
    pub const fn leaves_out_damaged(&self) -> bool {
        self.leave_out_damaged
    }

    /// Restores the backup and says what it came to.
    ///
    /// # Errors
    ///
    /// When it was not restored.
    pub async fn run<S: Server>(&self, server: &S, opened: &Opened, target: Target<'_>) -> Result<ExitCode> {
        let mut bar = CopyBar::new();
        let restored = restore(server, opened.folder(), target, &mut bar).await;
        bar.finish();
        let restored = restored.context(NOT_RESTORED)?;
        for id in &restored.damaged {
            let name = S::NAME;
            eprintln!("{name}: could not restore {id}: its bytes are missing or damaged in the backup");
        }
        if self.json {
            output::json(&restored)?;
        } else {
            print(&restored);
        }
        Ok(if restored.damaged.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// A backup to be restored; a stream is laid down in a folder, which goes with this value.
pub enum Opened {
    /// It is in this folder.
    Folder(PathBuf),
    /// It came as a stream.
    Stream(Spool),
}

impl Opened {
    fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Stream(spool) => spool.folder(),
        }
    }
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn line(name: &str, value: &str) -> String {
    format!("{:<17}{value}\n", name.replace('_', " "))
}

fn others(state: &State) -> String {
    state
        .iter()
        .map(|(name, count)| line(name, &count.to_string()))
        .collect()
}

fn print(restored: &Restored) {
    let Restored {
        files,
        bytes,
        expired,
        public_key,
        made,
        ..
    } = restored;
    println!("restored the backup made {made}");
    let over = match expired {
        0 => String::new(),
        over => format!("; {over} have expired since"),
    };
    print!(
        "{}",
        line("files", &format!("{files} ({}){over}", output::size(*bytes)))
    );
    print!("{}", others(&restored.others));
    for path in &restored.configuration {
        let path = path.display();
        match path.to_string().strip_suffix(RESTORED) {
            Some(usual) => println!("put the configuration into {path}; it has no effect before you call it {usual}"),
            None => println!("put {path} there"),
        }
    }
    println!("Public key: {public_key}");
}
