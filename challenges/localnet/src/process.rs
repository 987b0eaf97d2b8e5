//! Child processes: found, started in a group of their own, and ended with us.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::install::{Tool, tools_dir};

/// Reads from a log's end at most this many bytes.
const TAIL_BYTES: u64 = 64 << 10;
/// Waits for its input to close, which the end of this process does, then kills group `$1`.
const LEASH: &str = "read _; kill -s KILL -- \"-$1\"";

/// A child in a process group of its own, which can be started anew, with other flags too. Dropping it kills the group
/// and waits for the child; should this process be killed, the leash does the same from outside.
#[derive(Debug)]
pub(crate) struct Process {
    started: Started,
    /// Flags behind the command's own.
    flags: Mutex<Vec<String>>,
    running: Mutex<Running>,
}

/// What a child is started with each time.
#[derive(Debug)]
pub(crate) struct Started {
    program: PathBuf,
    arguments: Vec<OsString>,
    home: PathBuf,
    log: PathBuf,
}

impl Started {
    /// A program that sees nothing of our environment but a home of its own, and writes into `log`.
    pub(crate) fn new(program: &Path, home: &Path, log: &Path) -> Self {
        let (program, home, log) = (program.to_owned(), home.to_owned(), log.to_owned());
        Self { program, arguments: Vec::new(), home, log }
    }

    /// With these arguments too.
    pub(crate) fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    fn command(&self, flags: &[String]) -> anyhow::Result<Command> {
        let log = File::options().append(true).open(&self.log);
        let log = log.with_context(|| format!("write {}", self.log.display()))?;
        let mut command = Command::new(&self.program);
        command.env_clear().env("HOME", &self.home).args(&self.arguments).args(flags);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        Ok(command)
    }
}

#[derive(Debug)]
struct Running {
    child: Child,
    leash: Child,
    group: Pid,
}

impl Process {
    /// Starts it with an empty log.
    pub(crate) fn spawn(started: Started) -> anyhow::Result<Self> {
        File::create(&started.log).with_context(|| format!("make {}", started.log.display()))?;
        let running = Mutex::new(Running::start(&mut started.command(&[])?)?);
        Ok(Self { started, flags: Mutex::default(), running })
    }

    /// From its next start on it has these flags behind its own.
    pub(crate) fn set_flags(&self, flags: Vec<String>) {
        *lock(&self.flags) = flags;
    }

    pub(crate) fn pid(&self) -> u32 {
        lock(&self.running).group.as_raw_nonzero().get().unsigned_abs()
    }

    /// The child's status once it has ended.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        lock(&self.running).reap()
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        // Held until the signal is sent: an unreaped child's id cannot pass to another process.
        let mut running = lock(&self.running);
        if let Some(status) = running.reap() {
            bail!("the node has ended ({status}); start it again");
        }
        kill_process_group(running.group, signal).context("send a signal to the node")
    }

    /// Ends the group at once, a stopped one too, and waits for the child. A second call does nothing.
    pub(crate) fn kill(&self) {
        lock(&self.running).kill();
    }

    /// Starts an ended child anew; this once with these flags behind all others.
    pub(crate) fn restart(&self, once: &[&str]) -> anyhow::Result<()> {
        let mut flags = lock(&self.flags).clone();
        flags.extend(once.iter().map(|flag| (*flag).to_owned()));
        let mut running = lock(&self.running);
        if running.reap().is_none() {
            bail!("the node is running");
        }
        *running = Running::start(&mut self.started.command(&flags)?)?;
        Ok(())
    }
}

impl Running {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let program = command.get_program().to_owned();
        let mut child = command.spawn().with_context(|| format!("start {}", program.display()))?;
        let group = Pid::from_child(&child);
        let leash = Command::new("/bin/sh")
            .args(["-c", LEASH, "leash", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match leash {
            Ok(leash) => Ok(Self { child, leash, group }),
            Err(error) => {
                end(&mut child);
                Err(error).context("start /bin/sh, which ends the node should this process die")
            }
        }
    }

    /// The status of an ended child. Its id is free from now on, so the leash must not use it any more.
    fn reap(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        end(&mut self.leash);
        Some(status)
    }

    /// The leash goes after the group: at no moment could the end of this process leave the group behind.
    fn kill(&mut self) {
        if self.reap().is_none() {
            let _ = kill_process_group(self.group, Signal::KILL);
            end(&mut self.leash);
            end(&mut self.child);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn end(child: &mut Child) {
    // Both fail only for a child that is gone, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where go installs programs: `$GOPATH/bin`, `$HOME/go/bin`.
pub(crate) fn go_folders() -> Vec<PathBuf> {
    let paths = std::env::var_os("GOPATH").unwrap_or_default();
    let paths = std::env::split_paths(&paths).filter(|path| path.is_absolute()).map(|path| path.join("bin"));
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin"));
    paths.chain(home).collect()
}

/// Where a tool's program lies: the path in variable `named` if set, else on PATH, in one of `folders`, or where it was
/// installed.
pub(crate) fn find(
    tool: Tool,
    named: &str,
    variable: impl Fn(&str) -> Option<OsString>,
    folders: Vec<PathBuf>,
) -> anyhow::Result<PathBuf> {
    if let Some(path) = variable(named).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("{named} names {}, which is not a file; correct or unset it", path.display());
        }
        return Ok(path);
    }
    let (path, name) = (variable("PATH").unwrap_or_default(), tool.name());
    let installed = tools_dir().map(|dir| tool.place(&dir));
    std::env::split_paths(&path)
        .chain(folders)
        .map(|folder| folder.join(name))
        .chain(installed)
        .find(|file| file.is_file())
        .with_context(|| format!("no {name} found: set {named} to it, or install it:\n  {}", tool.way()))
}

/// The last `lines` lines of the file, or why it cannot be read.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    File::open(path)
        .and_then(|mut file| tail_of(&mut file, lines))
        .unwrap_or_else(|error| format!("(no log at {}: {error})", path.display()))
}

fn tail_of(file: &mut File, lines: usize) -> io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn sleeper(name: &str) -> Process {
        let log = std::env::temp_dir().join(format!("localnet-{name}-{}", std::process::id()));
        let started = Started::new(Path::new("/bin/sleep"), Path::new("/"), &log).args(["60"]);
        let process = Process::spawn(started);
        std::fs::remove_file(log).unwrap();
        process.unwrap()
    }

    #[test]
    fn a_stopped_child_is_killed_and_reaped() {
        let process = sleeper("stopped");
        process.signal(Signal::STOP).unwrap();
        assert_eq!(process.ended(), None);
        process.kill();
        assert!(process.ended().is_some());
        assert!(process.signal(Signal::CONT).is_err());
    }

    #[test]
    fn an_ended_child_can_be_started_anew_with_other_flags_and_a_running_one_not() {
        let log = std::env::temp_dir().join(format!("localnet-again-{}", std::process::id()));
        let started = Started::new(Path::new("/bin/sh"), Path::new("/"), &log);
        let process = Process::spawn(started.args(["-c", "echo \"$0 $*\"; exec sleep 60", "own"])).unwrap();
        assert!(process.restart(&[]).is_err());
        let (first, said) = (process.pid(), || std::fs::read_to_string(&log).unwrap());
        let wait = |lines: usize| {
            let start = Instant::now();
            while said().lines().count() < lines {
                assert!(start.elapsed() < Duration::from_secs(5), "{}", said());
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        wait(1);
        process.kill();
        process.set_flags(vec!["more".into()]);
        process.restart(&[]).unwrap();
        wait(2);
        assert_eq!(process.ended(), None);
        assert_ne!(process.pid(), first);
        assert_eq!(said(), "own \nown more\n");
        for (once, lines) in [(&["once"][..], 3), (&[], 4)] {
            process.kill();
            process.restart(once).unwrap();
            wait(lines);
        }
        assert_eq!(said(), "own \nown more\nown more once\nown more\n");
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn the_leash_ends_the_child_when_its_holder_is_gone() {
        let process = sleeper("leash");
        drop(lock(&process.running).leash.stdin.take());
        let start = Instant::now();
        while process.ended().is_none() {
            assert!(start.elapsed() < Duration::from_secs(5), "the child outlived its leash");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_named_binary_that_is_missing_is_not_replaced_by_another() {
        let only = |wanted: &'static str, value: &'static str| {
            move |name: &str| (name == wanted).then(|| OsString::from(value))
        };
        let tool = Tool::Geth;
        let error = find(tool, "GETH_BIN", only("GETH_BIN", "/no/geth"), vec!["/bin".into()]).unwrap_err();
        assert!(error.to_string().contains("/no/geth"), "{error}");
        let dir = std::env::temp_dir().join(format!("localnet-find-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("kcn"), "").unwrap();
        let found = find(Tool::Kcn, "KCN_BIN", |_| None, vec!["/no".into(), dir.clone()]);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found.unwrap(), dir.join("kcn"));
        let error = find(Tool::Kcn, "KCN_BIN", |_| None, vec![]).unwrap_err();
        assert!(error.to_string().contains(Tool::Kcn.way()), "{error}");
    }

    #[test]
    fn a_tail_is_the_last_lines() {
        let path = std::env::temp_dir().join(format!("localnet-tail-{}", std::process::id()));
        std::fs::write(&path, "a\n".repeat(100_000) + "b\nc\n").unwrap();
        assert_eq!(tail(&path, 3), "a\nb\nc");
        std::fs::remove_file(&path).unwrap();
        assert!(tail(&path, 3).contains("no log"));
    }
}
