//! The sandbox: an in-memory FHIR R4 endpoint whose defects are known, so that the harness can be tested against
//! truth. Not a product to keep data in, and no judge: it shares no matching code with `fhir::oracle`.
//!
//! `serve` binds a port; `server::Server::handle` is the same server without a network. Each request takes one turn
//! at the state (`turn`), is routed (`router`), its body read and validated (`body`), and answered by the room of
//! its interaction (`instance`, `history`, `conditional`, `search`, `transaction`, `capability`, `operation`). What
//! was done is settled (`crash`, `journal`) before it is answered.

mod address;
mod body;
mod capability;
mod composite;
mod conditional;
mod cors;
mod crash;
pub mod defect;
mod facade;
mod fold;
mod history;
mod index;
mod instance;
mod journal;
mod log;
mod memory;
mod modest;
mod narrative;
mod negotiate;
mod operation;
mod outcome;
mod page;
mod patch;
mod races;
mod references;
mod represent;
mod router;
mod search;
mod serve;
pub mod server;
mod smart;
mod store;
mod subset;
mod term;
mod tls;
mod token;
mod transaction;
mod turn;
mod unversioned;
mod utc;
pub mod variant;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use self::defect::{DEFECTS, Defect, Planted, Strength, defect};
pub use self::journal::{Journal, Opened};
pub use self::log::{Logged, RequestLog};
pub use self::serve::{Plug, Running, serve};
pub use self::smart::Client;
pub use self::variant::{Clash, VARIANTS, Variant, combinable, variant};

use crate::clock::{Clock, SystemClock};
use crate::seed::Seed;

/// How long a token of the variants `facade` and `smart` lives.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(30);

/// Requests per second that the `facade` variant answers.
pub const RATE: u32 = 5;

/// How a sandbox is to be.
#[derive(Clone)]
pub struct Options {
    /// Faults to plant; none for an honest server.
    pub defects: Vec<Planted>,
    /// Legal ways of being different.
    pub variants: Vec<&'static Variant>,
    /// Source of `meta.lastUpdated`, token expiry, rate and index lag.
    pub clock: Arc<dyn Clock>,
    /// Seed of assigned ids, opaque version ids, cursors and tokens.
    pub seed: Seed,
    /// Where to listen; port 0 takes any free port.
    pub bind: SocketAddr,
    /// Resources with type and id, stored before the first request without validation.
    pub preload: Vec<Value>,
    /// Where acknowledged writes are noted; what it holds is there from the beginning, in place of `preload`.
    pub journal: Option<Arc<Journal>>,
    /// Life of a token (variants `facade` and `smart`).
    pub token_lifetime: Duration,
    /// Requests per second (variant `facade`).
    pub rate: u32,
    /// The client that may get tokens (variant `smart`).
    pub client: Option<Client>,
    /// How long every answer takes besides: a server on this machine is nearer than any that matters.
    pub latency: Duration,
}

impl Default for Options {
    /// An honest server on a free loopback port with the machine's clock.
    fn default() -> Self {
        Options {
            defects: Vec::new(),
            variants: Vec::new(),
            clock: Arc::new(SystemClock::new()),
            seed: Seed::FIXED,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            preload: Vec::new(),
            journal: None,
            token_lifetime: TOKEN_LIFETIME,
            rate: RATE,
            client: None,
            latency: Duration::ZERO,
        }
    }
}
