//! Node programs got by their package managers, each in the release that this crate is tried with.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

/// Lines of a package manager's output quoted in an error.
const QUOTED_LINES: usize = 12;
/// What package managers say when they cannot reach anything.
const UNREACHABLE: [&str; 9] = [
    "no such host",
    "dial tcp",
    "i/o timeout",
    "proxyconnect",
    "TLS handshake timeout",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ETIMEDOUT",
];

/// A node program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// go-ethereum 1.13, the last that seals clique blocks.
    Geth,
    /// CometBFT 0.38.
    Cometbft,
    /// anvil, an EVM node of its own.
    Anvil,
    /// Kaia's consensus node; not every Go proxy serves it, so that it is never installed from here.
    Kcn,
}

/// A package manager, and where to get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Go,
    Npm,
}

impl By {
    fn program(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Npm => "npm",
        }
    }

    fn get(self) -> &'static str {
        match self {
            Self::Go => "Go 1.22 or later (https://go.dev/dl, or your system's package `golang`)",
            Self::Npm => "npm (https://nodejs.org, or your system's package `npm`)",
        }
    }
}

impl Tool {
    /// The name of its program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Geth => "geth",
            Self::Cometbft => "cometbft",
            Self::Anvil => "anvil",
            Self::Kcn => "kcn",
        }
    }

    /// The release that is installed.
    #[must_use]
    pub fn release(self) -> &'static str {
        match self {
            Self::Geth => "1.13.15",
            Self::Cometbft => "0.38.25",
            Self::Anvil => "1.7.1",
            Self::Kcn => "2.0.3",
        }
    }

    /// The way to get it, for a person.
    #[must_use]
    pub fn way(self) -> &'static str {
        match self {
            Self::Geth => {
                "touchstone localnet install geth, or by hand: go install -ldflags=-checklinkname=0 \
                 github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"
            }
            Self::Cometbft => {
                "touchstone localnet install cometbft, or by hand: CGO_ENABLED=0 go install \
                 github.com/cometbft/cometbft/cmd/cometbft@v0.38.25"
            }
            Self::Anvil => {
                "touchstone localnet install anvil, or by hand: npm install @foundry-rs/anvil@1.7.1 (then set \
                 ANVIL_DIR to that folder)"
            }
            Self::Kcn => {
                "go install github.com/kaiachain/kaia/cmd/kcn@59837ccdf6898fdbabb2ab0843027d938c1b36ec   (v2.0.3; needs \
                 a C compiler, and a Go proxy that serves it)"
            }
        }
    }

    /// Where it lies below a folder that it was installed into.
    #[must_use]
    pub fn place(self, dir: &Path) -> PathBuf {
        match self {
            Self::Anvil => {
                let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
                dir.join(format!("node_modules/@foundry-rs/anvil-linux-{machine}/bin/anvil"))
            }
            _ => dir.join("bin").join(self.name()),
        }
    }

    /// The package manager's command that installs it into `dir`; none for what is not installed from here.
    fn command(self, dir: &Path) -> Option<(By, Command)> {
        let go = |arguments: &[&str]| {
            let mut command = Command::new("go");
            // The flags of whoever calls must not send it to a folder of vendored packages.
            command.arg("install").args(arguments).env("GOBIN", dir.join("bin")).env("GOFLAGS", "-mod=mod");
            command
        };
        Some(match self {
            // The linker refuses a dependency of this release since Go 1.23, unless it is told not to look.
            Self::Geth => (
                By::Go,
                go(&["-v", "-ldflags=-checklinkname=0", "github.com/ethereum/go-ethereum/cmd/geth@v1.13.15"]),
            ),
            Self::Cometbft => {
                let mut command = go(&["-v", "github.com/cometbft/cometbft/cmd/cometbft@v0.38.25"]);
                command.env("CGO_ENABLED", "0");
                (By::Go, command)
            }
            Self::Anvil => {
                let mut command = Command::new("npm");
                command.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(dir);
                command.arg("@foundry-rs/anvil@1.7.1");
                (By::Npm, command)
            }
            Self::Kcn => return None,
        })
    }

    /// Whether it lies below `dir` already, in the release that would be installed.
    pub async fn is_installed(self, dir: &Path) -> bool {
        let asked = if self == Self::Anvil { "--version" } else { "version" };
        let output = Command::new(self.place(dir)).arg(asked).kill_on_drop(true).output().await;
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(self.release()))
    }

    /// Installs it into `dir`, and returns where it lies; `said` is told each line of the package manager's.
    ///
    /// # Errors
    /// In words, with what to do: the package manager is missing, cannot reach anything, or fails (it is quoted).
    pub async fn install(self, dir: &Path, mut said: impl FnMut(&str)) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let Some((by, mut command)) = self.command(&dir) else {
            bail!("{} is not installed from here: {}; then set KCN_BIN to it", self.name(), self.way());
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|why| absent(self, by, &why))?;
        let mut lines = Vec::new();
        let mut heard = |line: String| {
            said(&line);
            lines.push(line);
        };
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            hear(out, err, &mut heard).await?;
        }
        let status = child.wait().await?;
        let place = self.place(&dir);
        if status.success() && place.is_file() {
            return Ok(place);
        }
        bail!("{}", failed(self, by, &lines));
    }
}

/// Tells each line of both streams, as they come, until both end.
async fn hear(
    out: impl AsyncRead + Unpin,
    err: impl AsyncRead + Unpin,
    said: &mut impl FnMut(String),
) -> anyhow::Result<()> {
    let (mut out, mut err) = (BufReader::new(out).lines(), BufReader::new(err).lines());
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        let line = tokio::select! {
            line = out.next_line(), if out_open => { let line = line?; out_open = line.is_some(); line }
            line = err.next_line(), if err_open => { let line = line?; err_open = line.is_some(); line }
        };
        line.into_iter().for_each(&mut *said);
    }
    Ok(())
}

fn absent(tool: Tool, by: By, why: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "{} is installed by `{}`, which cannot be started ({why}): get {}, and run the same command again",
        tool.name(),
        by.program(),
        by.get()
    )
}

/// What is to be said of an installation that failed with these lines.
fn failed(tool: Tool, by: By, lines: &[String]) -> String {
    let tail = lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n  ");
    let (name, by) = (tool.name(), by.program());
    let unreachable = UNREACHABLE.iter().any(|sign| lines.iter().any(|line| line.contains(sign)));
    if unreachable {
        return format!(
            "{name} could not be installed: `{by}` reaches no package server from here. Look at the network (and at \
             GOPROXY or npm's `registry`, where they are set), and run the same command again; `{by}` said:\n  {tail}"
        );
    }
    format!("{name} could not be installed; `{by}` said:\n  {tail}")
}

/// Where node programs are installed unless another folder is given, and where they are looked for:
/// `$XDG_DATA_HOME/touchstone/nodes`, or `~/.local/share/touchstone/nodes`; none where there is no home.
#[must_use]
pub fn tools_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data =
        absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("touchstone/nodes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Tool; 4] = [Tool::Geth, Tool::Cometbft, Tool::Anvil, Tool::Kcn];

    #[test]
    fn what_is_installed_is_what_the_way_says() {
        for tool in ALL {
            let Some((_, command)) = tool.command(Path::new("/tools")) else {
                assert_eq!(tool, Tool::Kcn);
                continue;
            };
            let package = command.as_std().get_args().last().unwrap().to_string_lossy().into_owned();
            assert!(tool.way().contains(&package), "{package}");
            assert!(package.ends_with(tool.release()), "{package}");
            assert!(tool.place(Path::new("/tools")).ends_with(tool.name()));
        }
    }

    #[test]
    fn failures_say_what_to_do() {
        let lines = |text: &str| vec![text.to_owned()];
        let far =
            failed(Tool::Geth, By::Go, &lines("go: x: dial tcp: lookup proxy.golang.org: no such host"));
        assert!(far.contains("reaches no package server") && far.contains("no such host"), "{far}");
        let other = failed(Tool::Anvil, By::Npm, &lines("npm error code EINTEGRITY"));
        assert!(!other.contains("reaches no") && other.contains("EINTEGRITY"), "{other}");
        let gone = absent(Tool::Geth, By::Go, &std::io::ErrorKind::NotFound.into()).to_string();
        assert!(gone.contains("https://go.dev/dl"), "{gone}");
    }

    #[tokio::test]
    async fn kcn_is_told_and_nothing_is_there_before_it_is_installed() {
        let dir = std::env::temp_dir().join(format!("localnet-install-{}", std::process::id()));
        let error = Tool::Kcn.install(&dir, |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("KCN_BIN") && error.contains("go install"), "{error}");
        for tool in ALL {
            assert!(!tool.is_installed(&dir).await);
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[tokio::test]
    async fn lines_of_both_streams_are_heard() {
        let mut heard = Vec::new();
        hear(&b"a\nb\n"[..], &b"c\n"[..], &mut |line| heard.push(line)).await.unwrap();
        heard.sort();
        assert_eq!(heard, ["a", "b", "c"]);
    }
}
