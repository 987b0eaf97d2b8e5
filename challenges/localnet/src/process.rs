//! Child processes: found, started in a group of their own, and ended with us.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// Reads from a log's end at most this many bytes.
const TAIL_BYTES: u64 = 64 << 10;
/// Waits for its input to close, which the end of this process does, then kills group `$1`.
const LEASH: &str = "read _; kill -s KILL -- \"-$1\"";

/// A child in a process group of its own, which can be started anew. Dropping it kills the group and waits for the
/// child; should this process be killed, the leash does the same from outside.
#[derive(Debug)]
pub(crate) struct Process {
    command: Mutex<Command>,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    leash: Child,
    group: Pid,
}

impl Process {
    pub(crate) fn spawn(mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).process_group(0);
        let running = Mutex::new(Running::start(&mut command)?);
        Ok(Self { command: Mutex::new(command), running })
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

    /// Starts an ended child anew, with all that it was started with.
    pub(crate) fn restart(&self) -> anyhow::Result<()> {
        let mut running = lock(&self.running);
        if running.reap().is_none() {
            bail!("the node is running");
        }
        *running = Running::start(&mut lock(&self.command))?;
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

/// Different TCP ports of 127.0.0.1 that were free a moment ago: `COUNT` for each of `nodes` nodes.
pub(crate) fn free_ports<const COUNT: usize>(nodes: usize) -> io::Result<Vec<[u16; COUNT]>> {
    let mut held = Vec::with_capacity(COUNT * nodes);
    let mut all = vec![[0; COUNT]; nodes];
    for port in all.iter_mut().flatten() {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(all)
}

/// As [`free_ports`], for one node.
pub(crate) fn ports_of_one<const COUNT: usize>() -> io::Result<[u16; COUNT]> {
    Ok(free_ports(1)?.pop().unwrap_or([0; COUNT]))
}

/// Where go installs programs: `$GOPATH/bin`, `$HOME/go/bin`.
pub(crate) fn go_folders() -> Vec<PathBuf> {
    let paths = std::env::var_os("GOPATH").unwrap_or_default();
    let paths = std::env::split_paths(&paths).filter(|path| path.is_absolute()).map(|path| path.join("bin"));
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin"));
    paths.chain(home).collect()
}

/// Where `name` lies: the path in variable `named` if set, else on PATH, else in one of `folders`.
pub(crate) fn find(
    name: &str,
    named: &str,
    variable: impl Fn(&str) -> Option<OsString>,
    folders: Vec<PathBuf>,
    install: &str,
) -> anyhow::Result<PathBuf> {
    if let Some(path) = variable(named).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("{named} names {}, which is not a file; correct or unset it", path.display());
        }
        return Ok(path);
    }
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .with_context(|| format!("no {name} found: set {named} to it, or install it with\n  {install}"))
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

/// Whether a log says that a port was taken, so that another try with other ports may do.
pub(crate) fn port_taken(log: &str) -> bool {
    log.to_lowercase().contains("address already in use")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn sleeper() -> Process {
        let mut command = Command::new("sleep");
        command.arg("60");
        Process::spawn(command).unwrap()
    }

    #[test]
    fn a_stopped_child_is_killed_and_reaped() {
        let process = sleeper();
        process.signal(Signal::STOP).unwrap();
        assert_eq!(process.ended(), None);
        process.kill();
        assert!(process.ended().is_some());
        assert!(process.signal(Signal::CONT).is_err());
    }

    #[test]
    fn an_ended_child_can_be_started_anew_and_a_running_one_not() {
        let process = sleeper();
        assert!(process.restart().is_err());
        let first = process.pid();
        process.kill();
        process.restart().unwrap();
        assert_eq!(process.ended(), None);
        assert_ne!(process.pid(), first);
    }

    #[test]
    fn the_leash_ends_the_child_when_its_holder_is_gone() {
        let process = sleeper();
        drop(lock(&process.running).leash.stdin.take());
        let start = Instant::now();
        while process.ended().is_none() {
            assert!(start.elapsed() < Duration::from_secs(5), "the child outlived its leash");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn free_ports_differ() {
        let ports = free_ports::<5>(4).unwrap();
        let distinct: std::collections::BTreeSet<_> = ports.iter().flatten().collect();
        assert_eq!(distinct.len(), 20);
    }

    #[test]
    fn a_named_binary_that_is_missing_is_not_replaced_by_another() {
        let only = |wanted: &'static str, value: &'static str| {
            move |name: &str| (name == wanted).then(|| OsString::from(value))
        };
        let error = find("sh", "SH_BIN", only("SH_BIN", "/no/sh"), vec!["/bin".into()], "-").unwrap_err();
        assert!(error.to_string().contains("/no/sh"), "{error}");
        assert_eq!(
            find("sh", "SH_BIN", only("PATH", "/no:/bin"), vec![], "-").unwrap(),
            Path::new("/bin/sh")
        );
        assert_eq!(find("sh", "SH_BIN", |_| None, vec!["/bin".into()], "-").unwrap(), Path::new("/bin/sh"));
        let error = find("sh", "SH_BIN", |_| None, vec![], "apt install dash").unwrap_err();
        assert!(error.to_string().contains("apt install dash"), "{error}");
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
