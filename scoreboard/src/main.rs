//! `touchstone-verify`: works a published ranking out again, offline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use scoreboard::disk::{read_dir, read_key};
use scoreboard::{Mismatch, Signer, Verified, VerifyingNote, verify};
use serde::Serialize;

/// Work a published ranking out again from its evidence.
///
/// Needs no network. Reads the bundle, checks every digest and signature, and works out again
/// whether each run counts, every point and every place, of every publication of the season so far.
#[derive(Parser)]
#[command(name = "touchstone-verify", version, after_help = EXITS)]
struct Arguments {
    /// Folder of the bundle (the one that holds manifest.json)
    bundle: PathBuf,
    /// Key of the foundation, NAME+HASH+BASE64 (C2SP signed-note), or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE")]
    key: Option<String>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
}

const EXITS: &str = "\
Exit code: 0 the same comes out; 1 something differs, the first difference is named; 2 no bundle could be read.

Without --key the bundle is checked against the key that it names itself, and the answer is
`self-consistent, signer unchecked`: whoever made it was free to make all of it. Get the key from
the foundation, not from where the bundle came from.";

/// What is printed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Same(Verified),
    Differs(Mismatch),
    Unreadable(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let answer = answer(&arguments.bundle, arguments.key.as_deref());
    let (text, code) = match &answer {
        Answer::Same(verified) => (in_words(verified), 0),
        Answer::Differs(mismatch) => (format!("differs: {mismatch}"), 1),
        Answer::Unreadable(why) => (format!("unreadable: {why}"), 2),
    };
    if arguments.json {
        let json = model::digest::canonical_json(&answer);
        println!("{}", String::from_utf8_lossy(&json));
    } else {
        println!("{text}");
    }
    ExitCode::from(code)
}

fn answer(bundle: &Path, key: Option<&str>) -> Answer {
    let key = match key.map(parse_key).transpose() {
        Ok(key) => key,
        Err(why) => return Answer::Unreadable(why),
    };
    match read_dir(bundle) {
        Err(error) => Answer::Unreadable(error.to_string()),
        Ok(files) => match verify(&files, key.as_ref()) {
            Ok(verified) => Answer::Same(verified),
            Err(mismatch) => Answer::Differs(mismatch),
        },
    }
}

fn parse_key(text: &str) -> Result<VerifyingNote, String> {
    let text = match text.strip_prefix('@') {
        Some(path) => read_key(Path::new(path)).map_err(|error| error.to_string())?,
        None => text.to_owned(),
    };
    text.parse().map_err(|error| format!("--key: {error}"))
}

fn in_words(verified: &Verified) -> String {
    let who = match &verified.signer {
        Signer::Checked(name) => format!("same, signed by {name}"),
        Signer::Unchecked => "self-consistent, signer unchecked".to_owned(),
    };
    let sealed = if verified.sealed > 0 { format!(", {} sealed", verified.sealed) } else { String::new() };
    let stage = if verified.last { "final" } else { "provisional: the season goes on" };
    let known =
        if verified.known_rulebook { "" } else { " (not one this programme was built with: read it)" };
    format!(
        "{who}{sealed}\nseason        {}\npublications  {} ({stage})\nwindows       {}\nruns          {}\ndecisions     {}\nrulebook      {}{known}\nlast digest   {}",
        verified.season,
        verified.publications,
        verified.windows,
        verified.runs,
        verified.decisions,
        verified.rulebook,
        verified.publication,
    )
}
