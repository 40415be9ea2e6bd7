//! How does the lesson reach a browser?
//!
//! A small server for one person on one machine: it hands out the page and the lesson, runs the experiments on the
//! library's own trainer, streams what happens, and keeps the answers. From the outside in: `guard` (who may ask),
//! `assets` (the page), `api` (what is asked once), `socket` (what streams), `stage` (what an experiment descends
//! on), `descent` (how a run goes), `answers` (what is kept).

mod answers;
mod api;
mod assets;
mod batches;
mod curve;
mod descent;
mod guard;
mod price;
mod probe;
mod protocol;
mod pytorch;
mod snapshots;
mod socket;
mod stage;
mod subject;
mod trail;
mod watch;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use downslope::{Error, Result};
use tokio::sync::Semaphore;

use crate::lesson::Lesson;

pub use answers::default_path;
pub use assets::is_built;

/// The longest request that a page may send, in bytes.
const LONGEST_REQUEST: usize = 256 * 1024;
/// Probes that do not measure time, at the same time.
const PROBES: usize = 2;

/// Where the server listens, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// To this machine alone.
    Loopback,
    /// To whoever reaches this address and has the token.
    Everyone {
        /// The address, or `0.0.0.0` for every one this machine has.
        address: IpAddr,
        /// What the page's address must hold.
        token: String,
    },
}

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The lesson.
    pub lesson: Lesson,
    /// The file of the answers.
    pub answers: PathBuf,
    /// For whom.
    pub listen: Listen,
    /// The port; 0 takes one that is free.
    pub port: u16,
}

/// Everything that requests share.
pub(crate) struct House {
    stage: stage::Stage,
    answers: answers::Answers,
    /// Held by whoever measures time: two at once would slow each other.
    timed: Arc<Semaphore>,
    untimed: Arc<Semaphore>,
}

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    router: Router,
    token: Option<String>,
}

impl Server {
    /// Takes the port and opens the file of answers.
    ///
    /// # Errors
    /// A port that is taken, and answers that cannot be kept.
    pub fn bind(options: Options) -> Result<Self> {
        let Options { lesson, answers, listen, port } = options;
        let (ip, token) = match listen {
            Listen::Loopback => (IpAddr::from([127, 0, 0, 1]), None),
            Listen::Everyone { address, token } => (address, Some(token)),
        };
        let wanted = SocketAddr::new(ip, port);
        let io = |action, error| Error::io(action, Path::new(&wanted.to_string()), error);
        let listener = std::net::TcpListener::bind(wanted).map_err(|error| io("listen at", error))?;
        listener.set_nonblocking(true).map_err(|error| io("listen at", error))?;
        let address = listener.local_addr().map_err(|error| io("listen at", error))?;
        let house = Arc::new(House {
            answers: answers::Answers::open(&answers, &lesson.title)?,
            stage: stage::Stage::new(lesson),
            timed: Arc::new(Semaphore::new(1)),
            untimed: Arc::new(Semaphore::new(PROBES)),
        });
        let guard = Arc::new(guard::Guard::new(address, None, token.clone()));
        Ok(Self { listener, address, router: router(house, guard), token })
    }

    /// The address to open, with the token if one is needed.
    pub fn url(&self) -> String {
        match &self.token {
            None => format!("http://{}/", self.address),
            Some(token) => format!("http://{}/?token={token}", self.address),
        }
    }

    /// Answers until the program ends.
    ///
    /// # Errors
    /// A system that gives no threads, or takes the port away.
    pub fn serve(self) -> Result<()> {
        let place = self.address.to_string();
        let io = |error| Error::io("serve at", Path::new(&place), error);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(io)?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener).map_err(io)?;
            axum::serve(listener, self.router).await.map_err(io)
        })
    }
}

fn router(house: Arc<House>, guard: Arc<guard::Guard>) -> Router {
    Router::new()
        .route("/api/lesson", get(api::lesson))
        .route("/api/answers", post(api::keep_answer).delete(api::forget_answers))
        .route("/api/answers/{name}", get(api::answers_file))
        .route("/api/probe/{what}", post(api::probe))
        .route("/api/descent.py", get(api::script))
        .route("/api/stream", any(socket::open))
        .fallback(get(assets::file))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(house)
}
