//! One connection through the fault proxy: a request goes to the target, its answer comes back, or what the fault says
//! happens. Not the reading of a request (`message`).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::message::{self, Incoming};
use super::{Fault, Limits};

/// Bytes that are moved at a time.
const CHUNK: usize = 16 << 10;

/// Where requests go.
#[derive(Debug)]
pub struct Route {
    /// `host:port` to connect to.
    pub authority: String,
    /// The value of `Host` for the target.
    pub host: String,
    /// What is carried at most.
    pub limits: Limits,
}

/// Carries one request; the connections end with the future.
///
/// # Errors
/// One of the two connections breaks, or a limit is passed.
pub async fn carry(mut client: TcpStream, route: &Route) -> io::Result<()> {
    // Without this, the last bytes of a small answer wait for an acknowledgement.
    client.set_nodelay(true)?;
    let Some(incoming) = message::read(&mut client, &route.host, &route.limits).await? else {
        return Ok(());
    };
    let Incoming { fault, bytes } = incoming;
    match fault {
        None => {
            let mut target = send(route, &bytes).await?;
            pass(&mut target, &mut client, route.limits.answer).await
        }
        Some(Fault::DelayRequest(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let mut target = send(route, &bytes).await?;
            pass(&mut target, &mut client, route.limits.answer).await
        }
        Some(Fault::DelayResponse(milliseconds)) => {
            let answer = answer(&mut send(route, &bytes).await?, route.limits.answer).await?;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            client.write_all(&answer).await?;
            client.shutdown().await
        }
        Some(Fault::CutRequest(percent)) => {
            let mut target = send(route, &bytes[..part(bytes.len(), percent)]).await?;
            // The target sees the end of what it gets, not a reset that might overtake it.
            target.shutdown().await
        }
        Some(Fault::HangUp) => send(route, &bytes).await?.shutdown().await,
        Some(Fault::CutResponse(limit)) => {
            let answer = answer(&mut send(route, &bytes).await?, route.limits.answer).await?;
            // Never the whole of it, however short it is.
            let all_but_one = answer.len().saturating_sub(1);
            let length = usize::try_from(limit).unwrap_or(usize::MAX);
            client.write_all(&answer[..length.min(all_but_one)]).await?;
            client.shutdown().await
        }
        Some(Fault::Duplicate) => {
            answer(&mut send(route, &bytes).await?, route.limits.answer).await?;
            let mut target = send(route, &bytes).await?;
            pass(&mut target, &mut client, route.limits.answer).await
        }
    }
}

/// How many of `length` bytes are `percent` percent: at least one, never all.
fn part(length: usize, percent: u8) -> usize {
    let share = length.saturating_mul(usize::from(percent.min(100))) / 100;
    share.clamp(1, length.saturating_sub(1).max(1))
}

/// A new connection to the target on which these bytes were sent.
async fn send(route: &Route, bytes: &[u8]) -> io::Result<TcpStream> {
    let mut target = TcpStream::connect(&route.authority).await?;
    target.set_nodelay(true)?;
    target.write_all(bytes).await?;
    Ok(target)
}

/// The whole answer.
async fn answer(target: &mut TcpStream, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    target.take(limit + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Passes an answer on as it comes.
async fn pass(target: &mut TcpStream, client: &mut TcpStream, limit: u64) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut left = limit;
    loop {
        let read = target.read(&mut buffer).await?;
        if read == 0 {
            return client.shutdown().await;
        }
        left = left
            .checked_sub(read as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        client.write_all(&buffer[..read]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_never_nothing_and_never_the_whole() {
        assert_eq!(part(100, 0), 1);
        assert_eq!(part(100, 50), 50);
        assert_eq!(part(100, 100), 99);
        assert_eq!(part(1, 100), 1);
    }
}
