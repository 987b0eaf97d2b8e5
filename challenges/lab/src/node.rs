//! A lab node as a process of its own.

use std::io::{Read, Write};
use std::net::SocketAddr;

use clap::Subcommand;
use tokio::sync::oneshot;

use crate::error::LabError;
use crate::ingress::{Ingress, IngressConfig};
use crate::sequencer::{Sequencer, SequencerConfig};

/// Which node this process is.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum LabNode {
    /// Makes blocks; the reference.
    Sequencer(SequencerConfig),
    /// Stands before a sequencer with a known character.
    Ingress(IngressConfig),
}

impl LabNode {
    /// Runs until `stop` is done or standard input closes, whichever is first. Once it listens it writes one line to
    /// standard output: `listening 127.0.0.1:PORT`.
    ///
    /// # Errors
    /// The node cannot start, or the line cannot be written.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), LabError> {
        let closed = closed(std::io::stdin())?;
        let running = match self {
            Self::Sequencer(config) => Sequencer::start(config).await?,
            Self::Ingress(config) => Ingress::start(config).await?,
        };
        announce(running.addr)?;
        tokio::select! {
            () = stop => {}
            _ = closed => {}
        }
        running.stop().await;
        Ok(())
    }
}

fn announce(addr: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening {addr}")?;
    out.flush()
}

/// Done when the stream is at its end. A thread of its own: a read that blocks must not hold up the runtime's end.
fn closed(mut stream: impl Read + Send + 'static) -> std::io::Result<oneshot::Receiver<()>> {
    let (done, closed) = oneshot::channel();
    std::thread::Builder::new().name("standard-input".to_owned()).spawn(move || {
        // An error is an end too.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        let _ = done.send(());
    })?;
    Ok(closed)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::character::Character;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        node: LabNode,
    }

    fn parse(line: &str) -> Result<LabNode, clap::Error> {
        Line::try_parse_from(line.split_whitespace()).map(|line| line.node)
    }

    #[test]
    fn a_sequencer_on_the_command_line() {
        let line = "lab sequencer --chain-id 5 --fund 0x00000000000000000000000000000000000000aa \
                    --fund 0x00000000000000000000000000000000000000bb";
        let Ok(LabNode::Sequencer(config)) = parse(line) else {
            panic!("not a sequencer");
        };
        let expected =
            SequencerConfig { chain_id: 5, fund: config.fund.clone(), ..SequencerConfig::default() };
        assert_eq!(config, expected);
        assert_eq!(config.fund.len(), 2);
    }

    #[test]
    fn an_ingress_on_the_command_line() {
        let line = "lab ingress --upstream http://127.0.0.1:9 --rate 500 --seed 3";
        let Ok(LabNode::Ingress(config)) = parse(line) else {
            panic!("not an ingress");
        };
        assert_eq!(config.character, Character { rate: 500, ..Character::default() });
        assert_eq!((config.seed, config.upstream.port()), (3, 9));
        assert!(parse("lab ingress --upstream ftp://127.0.0.1:9").is_err());
        assert!(parse("lab ingress --upstream http://example.org:9").is_err());
    }

    #[tokio::test]
    async fn an_open_stream_is_not_closed() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut closed = closed(reader).unwrap();
        assert!(closed.try_recv().is_err());
        drop(writer);
        closed.await.unwrap();
    }
}
