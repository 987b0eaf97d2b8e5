//! A PostgreSQL server of our own: on a Unix socket in a temporary directory, gone with the tests.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// The oldest release that is supported.
const OLDEST: u32 = 15;
/// Waits for its input to close, which the end of this process does, then stops server `$1` and
/// removes `$2`.
const LEASH: &str = "read _; kill -s QUIT \"$1\"; sleep 2; rm -rf \"$2\"";

/// Where the server's programs are, and as whom they run.
pub(crate) struct Programs {
    folder: PathBuf,
    /// The server refuses to run as root: user and group to run as.
    as_user: Option<(u32, u32)>,
}

impl Programs {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let mut folders: Vec<PathBuf> =
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
        folders.extend(debian()?);
        let folder = folders.into_iter().find(|folder| {
            folder.join("initdb").is_file()
                && release(&folder.join("postgres")).is_some_and(|it| it >= OLDEST)
        });
        let folder = folder.context("no initdb and postgres of release 15 or later found")?;
        let as_user = if rustix::process::getuid().is_root() { Some(unprivileged()?) } else { None };
        Ok(Self { folder, as_user })
    }

    fn command(&self, program: &str) -> Command {
        let program = self.folder.join(program);
        let Some((user, group)) = self.as_user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()]);
        command.arg(program);
        command
    }
}

/// Where Debian keeps the programs, newest release first.
fn debian() -> anyhow::Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir("/usr/lib/postgresql") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let release = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        found.extend(release.map(|release| (release, path.join("bin"))));
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

/// `postgres (PostgreSQL) 15.18 (Debian …)`: 15.
fn release(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.split_whitespace().nth(2)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn unprivileged() -> anyhow::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").context("cannot look for an unprivileged user")?;
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Some((ids.next()?.ok()?, ids.next()?.ok()?))
    };
    of("postgres")
        .or_else(|| of("nobody"))
        .context("the server does not run as root, and there is no other user")
}

/// A running server; dropped, it ends.
pub(crate) struct Cluster {
    directory: TempDir,
    server: Child,
    leash: Child,
    _leash_input: Option<ChildStdin>,
}

impl Cluster {
    pub(crate) fn start(programs: &Programs) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("touchstone-pg-").tempdir()?;
        if let Some((user, group)) = programs.as_user {
            chown(directory.path(), Some(user), Some(group))?;
        }
        initialise(programs, directory.path())?;
        let log = File::create(directory.path().join("log"))?;
        let server = programs
            .command("postgres")
            .arg("-D")
            .arg(directory.path().join("data"))
            .arg("-k")
            .arg(directory.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start postgres")?;
        let mut leash = Command::new("/bin/sh")
            .args(["-c", LEASH, "leash", &server.id().to_string()])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start /bin/sh, which ends the server should the tests be killed")?;
        let _leash_input = leash.stdin.take();
        let mut cluster = Self { directory, server, leash, _leash_input };
        cluster.ready()?;
        Ok(cluster)
    }

    /// The address of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.directory.path().display())
    }

    fn ready(&mut self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let begun = Instant::now();
        let url = self.url("postgres");
        while let Err(error) = runtime.block_on(PgConnection::connect(&url)) {
            let log = || fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            if let Some(status) = self.server.try_wait()? {
                bail!("postgres ended ({status}):\n{}", log());
            }
            if begun.elapsed() > PATIENCE {
                bail!("postgres does not answer ({error}):\n{}", log());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Makes the server's files. Text is ordered as people order it, not by its bytes, where the
/// server can do that: what rests on an order of bytes shows then.
fn initialise(programs: &Programs, directory: &Path) -> anyhow::Result<()> {
    let data = directory.join("data");
    let mut said = String::new();
    for locale in
        [&["--locale-provider=icu", "--icu-locale=en-US-u-ka-shifted", "--locale=C"][..], &["--locale=C"][..]]
    {
        let output = programs
            .command("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"])
            .arg(&data)
            .args(locale)
            .current_dir(directory)
            .output()
            .context("cannot start initdb")?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        let _ = fs::remove_dir_all(&data);
    }
    bail!("initdb: {said}")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Each fails only for a process that is gone, which is what is wanted.
        let _ = self.leash.kill();
        let _ = self.leash.wait();
        let _ = kill_process(Pid::from_child(&self.server), Signal::QUIT);
        let _ = self.server.wait();
    }
}
