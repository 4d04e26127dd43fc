//! `sogs message show`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use shared::cli::output::{self, plain};
use shared::clock::Timestamp;

use super::list::object;
use super::words::{attachment, gist, said};
use crate::cli::beside::Server;
use crate::cli::file;
use crate::content::Decoded;
use crate::store::{FileEntry, Former, FoundMessage, MessageDossier};

/// Show all that is known about a message
///
/// What it said before it was edited or deleted is kept for as long as messages.history_prune_threshold says.
#[derive(Args)]
pub(in crate::cli) struct Show {
    /// Its number
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(&self, server: &Server<'_>) -> Result<ExitCode> {
        let found = server.store.message_dossier(self.id).await?;
        let unknown = || format!("there is no message {}; `sogs message list` lists them", self.id);
        let dossier = found.with_context(unknown)?;
        let said = said(&dossier.message);
        if self.json {
            output::json(&dossier_object(&dossier, said.as_ref()))?;
        } else {
            print(&dossier, said.as_ref());
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn moment(nanos: i64) -> String {
    output::time(Timestamp::from_nanos(nanos))
}

fn print(dossier: &MessageDossier, said: Option<&Decoded>) {
    let message = &dossier.message;
    println!("number       {}", message.id);
    println!("room         {}", message.room);
    println!("author       {}", message.author);
    if let Some(name) = said.and_then(|said| said.display_name.as_deref()) {
        println!("name         {}", plain(name));
    }
    println!("posted       {}", moment(message.posted));
    if let Some(edited) = message.edited {
        let what = if message.data.is_some() { "edited" } else { "deleted" };
        println!("{what:<12} {}", moment(edited));
    }
    println!("seqno        {}", seqnos(message));
    if let Some(size) = message.size.and_then(|size| u64::try_from(size).ok()) {
        println!("size         {}", output::size(size));
    }
    if message.filtered {
        println!("filtered     nobody sees it");
    }
    match (&message.whisper_to, message.whisper_mods) {
        (Some(to), true) => println!("whisper to   {to} and the moderators"),
        (Some(to), false) => println!("whisper to   {to}"),
        (None, true) => println!("whisper to   the moderators"),
        (None, false) => {}
    }
    if let Some(pin) = &dossier.pin {
        println!("pinned       {} by {}", moment(pin.at), pin.session_id);
    }
    for (reaction, count) in &dossier.reactions {
        println!("reaction     {} {count}", plain(reaction));
    }
    for file in &dossier.files {
        println!("file         {}", file_line(file));
    }
    if let Some(said) = said {
        print_claims(said);
    }
    print_text("text", &gist(message, said));
    for former in &dossier.history {
        let text = Decoded::read(&former.content()).and_then(|said| said.body);
        let until = format!("until {}", moment(former.replaced));
        print_text(&until, text.as_deref().unwrap_or("(no text)"));
    }
}

fn seqnos(message: &FoundMessage) -> String {
    let FoundMessage {
        seqno,
        seqno_data,
        seqno_reactions,
        ..
    } = message;
    if *seqno_reactions == 0 {
        seqno.to_string()
    } else {
        format!("{seqno} (text {seqno_data}, reactions {seqno_reactions})")
    }
}

fn file_line(file: &FileEntry) -> String {
    let size = output::size(file.size.unsigned_abs());
    let name = plain(file.filename.as_deref().unwrap_or("(no name)"));
    format!("{}: {name}, {size}, expires: {}", file.id, file::expires(file))
}

/// What the sender says there is besides the text.
fn print_claims(said: &Decoded) {
    if let Some(quote) = &said.quote {
        println!("answers      {}", plain(&quote.author));
    }
    for link in said.previews.iter().chain(&said.invitation) {
        println!("link         {}", plain(&link.url));
    }
    for file in &said.attachments {
        println!("attachment   {}", plain(&attachment(file)));
    }
}

/// A text with its lines, each harmless.
fn print_text(what: &str, text: &str) {
    println!("\n{what}:");
    for line in text.lines() {
        println!("  {}", plain(line));
    }
}

fn dossier_object(dossier: &MessageDossier, said: Option<&Decoded>) -> Value {
    let mut all = object(&dossier.message, said);
    let pin = dossier.pin.as_ref();
    let pin = pin.map(|pin| json!({ "at": Timestamp::from_nanos(pin.at), "by": pin.session_id }));
    let reactions = dossier.reactions.iter();
    let reactions = reactions.map(|(reaction, count)| json!({ "reaction": reaction, "count": count }));
    let files = dossier.files.iter().map(file::object);
    let history = dossier.history.iter().map(former_object);
    if let Some(fields) = all.as_object_mut() {
        fields.insert("seqno_data".to_owned(), dossier.message.seqno_data.into());
        fields.insert("seqno_reactions".to_owned(), dossier.message.seqno_reactions.into());
        fields.insert("pin".to_owned(), pin.into());
        fields.insert("reactions".to_owned(), reactions.collect());
        fields.insert("files".to_owned(), files.collect());
        fields.insert("history".to_owned(), history.collect());
    }
    all
}

fn former_object(former: &Former) -> Value {
    let text = Decoded::read(&former.content()).and_then(|said| said.body);
    json!({ "until": Timestamp::from_nanos(former.replaced), "text": text, "size": former.size })
}
