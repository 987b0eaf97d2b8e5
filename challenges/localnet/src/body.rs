//! Bodies that a proxy answers with, the hostile ones among them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame};
use tokio::time::{Instant, Interval, interval_at};

pub(crate) type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// Between two bytes of a tarpit.
const DRIBBLE: Duration = Duration::from_secs(1);
/// JSON may begin with any number of blanks, so a parser has no reason to give up.
const BLANKS: &[u8] = &[b' '; 16 << 10];

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Answer {
    Full::new(bytes.into()).boxed_unsync()
}

/// One blank each second, for ever.
pub(crate) fn dribble() -> Answer {
    Dribble(interval_at(Instant::now() + DRIBBLE, DRIBBLE)).boxed_unsync()
}

/// Blanks as fast as they are read, for ever.
pub(crate) fn endless() -> Answer {
    Endless.boxed_unsync()
}

struct Dribble(Interval);

impl Body for Dribble {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.0.poll_tick(context));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&BLANKS[..1])))))
    }
}

struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(BLANKS)))))
    }
}

/// Matches of 258 blanks in [`gzip_bomb`]; one blank comes before them.
const BOMB_MATCHES: usize = 4_161_792;
/// Bytes that it inflates to.
const BOMB_INFLATED: u32 = 1 + 258 * BOMB_MATCHES as u32;
/// CRC-32 of so many blanks.
const BOMB_CRC: u32 = 0x7334_1e8b;

/// A valid gzip stream of 1 MB that inflates to 1 GiB of blanks.
pub(crate) fn gzip_bomb() -> Answer {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    whole(BOMB.get_or_init(|| Bytes::from(gzip_of_blanks())).clone())
}

/// One deflate block (RFC 1951) with a code of its own: `0` is a match of length 258, `10` a blank, `11`
/// the end; the only distance, 1, is `0`. So a match takes two zero bits, and a zero byte makes 1032 blanks.
fn gzip_of_blanks() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.number(0b1, 1); // the last block
    bits.number(0b10, 2); // with its own code
    bits.number(286 - 257, 5); // lengths of 286 literal and length codes
    bits.number(0, 5); // and of 1 distance code
    bits.number(18 - 4, 4); // told by a code over 18 symbols, whose own lengths are, in RFC order:
    for length in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.number(length, 3);
    }
    // In that code `0` is a run of 11 and more zeros, `10` the length 1, `11` the length 2.
    let zeros = |bits: &mut Bits, count: u32| {
        bits.code("0");
        bits.number(count - 11, 7);
    };
    zeros(&mut bits, 32);
    bits.code("11"); // 32, the blank: 2 bits
    zeros(&mut bits, 138);
    zeros(&mut bits, 85);
    bits.code("11"); // 256, the end: 2 bits
    zeros(&mut bits, 28);
    bits.code("10"); // 285, a match of 258: 1 bit
    bits.code("10"); // distance 1: 1 bit
    bits.code("10"); // and now a blank,
    bits.skip(2 * BOMB_MATCHES); // the matches, all of zero bits,
    bits.code("11"); // and the end

    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.extend(bits.bytes);
    stream.extend(BOMB_CRC.to_le_bytes());
    stream.extend(BOMB_INFLATED.to_le_bytes());
    stream
}

/// Bits in deflate's order: from the low end of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        self.skip(1);
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << ((self.length - 1) % 8);
        }
    }

    /// A number, low bit first.
    fn number(&mut self, value: u32, width: u32) {
        for place in 0..width {
            self.bit(value >> place & 1 == 1);
        }
    }

    /// A code, as it is read.
    fn code(&mut self, code: &str) {
        for digit in code.bytes() {
            self.bit(digit == b'1');
        }
    }

    /// So many zeros.
    fn skip(&mut self, count: usize) {
        self.length += count;
        self.bytes.resize(self.length.div_ceil(8), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_bomb_is_valid_gzip_of_a_gibibyte() {
        let bomb = gzip_of_blanks();
        assert!(bomb.len() < 1_100_000, "{} bytes", bomb.len());
        let mut gzip = Command::new("gzip")
            .arg("-dc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs gzip: apt install gzip");
        let mut input = gzip.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(&bomb).unwrap());
        let (mut output, mut buffer, mut inflated) = (gzip.stdout.take().unwrap(), vec![0; 1 << 16], 0);
        loop {
            match output.read(&mut buffer).unwrap() {
                0 => break,
                count => inflated += count,
            }
        }
        writer.join().unwrap();
        // gzip itself checks the length and the CRC.
        assert!(gzip.wait().unwrap().success());
        assert_eq!(inflated, BOMB_INFLATED as usize);
        assert!(inflated >= 1 << 30);
    }
}
