//! The measuring process: one run over standard streams, one JSON value a line.

use model::work::{Command, MAX_COMMAND_BYTES, Report};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel, unbounded_channel};

use crate::engine::measure;

/// Serves one run: reads `prepare`, measures, writes reports. The end of `input` ends the run
/// within two seconds: no orphan floods anybody.
///
/// # Errors
/// When `output` cannot be written.
pub async fn serve(
    input: impl AsyncRead + Unpin + Send + 'static,
    mut output: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let (sender, mut commands) = channel(4);
    let reader = tokio::spawn(read(input, sender));
    let work = match commands.recv().await {
        Some(Ok(Command::Prepare(work))) => *work,
        Some(Err(why)) => return write(&mut output, &Report::Refused { why }).await,
        Some(Ok(_)) => {
            let why = "the first command must be `prepare`".to_owned();
            return write(&mut output, &Report::Refused { why }).await;
        }
        None => return Ok(()),
    };
    let (reports, receiver) = unbounded_channel();
    let (orders, ordered) = channel(4);
    let relay = tokio::spawn(relay(commands, orders));
    let run = tokio::spawn(measure(work, ordered, reports));
    pass_on(receiver, &mut output).await?;
    // The engine has let go of its reports: its last one is there.
    let last = run.await.unwrap_or_else(|e| Report::Refused { why: format!("the engine failed: {e}") });
    relay.abort();
    reader.abort();
    write(&mut output, &last).await
}

/// Lines in, commands out; a line that is none ends the stream, as its end does.
async fn read(input: impl AsyncRead + Unpin, commands: Sender<Result<Command, String>>) {
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut input).take(MAX_COMMAND_BYTES as u64);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let command = if line.len() >= MAX_COMMAND_BYTES {
            Err(format!("the command is longer than {MAX_COMMAND_BYTES} bytes"))
        } else {
            serde_json::from_slice(&line).map_err(|e| format!("not a command: {e}"))
        };
        let bad = command.is_err();
        if commands.send(command).await.is_err() || bad {
            return;
        }
    }
}

async fn relay(mut commands: Receiver<Result<Command, String>>, orders: Sender<Command>) {
    while let Some(Ok(command)) = commands.recv().await {
        if orders.send(command).await.is_err() {
            return;
        }
    }
}

async fn pass_on(
    mut reports: UnboundedReceiver<Report>,
    output: &mut (impl AsyncWrite + Unpin),
) -> std::io::Result<()> {
    while let Some(report) = reports.recv().await {
        write(output, &report).await?;
    }
    Ok(())
}

async fn write(output: &mut (impl AsyncWrite + Unpin), report: &Report) -> std::io::Result<()> {
    let mut line = model::digest::canonical_json(report);
    line.push(b'\n');
    output.write_all(&line).await?;
    output.flush().await
}
