//! The load: so many connections that stay open, each with one request under way. The next one is
//! sent when the answer is there, so a slow worker is asked less often, not queued up for.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use hdrhistogram::Histogram;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderMap},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::LocalSet};

/// Longer than any answer should take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET` where there is no body, else `POST`.
    pub path: String,
    /// `Content-Type`
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Requests in all.
    pub requests: usize,
    /// Connections side by side.
    pub connections: usize,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// From a request to its answer, in nanoseconds.
    pub latencies: Histogram<u64>,
}

/// Asks once.
///
/// # Errors
/// There is no answer.
pub fn ask(port: u16, call: &Call) -> Result<Answer> {
    block_on(async {
        let mut connection = connect(port).await?;
        send(&mut connection, port, call).await
    })
}

/// Asks these calls over and over until there were so many requests.
///
/// # Errors
/// An answer is missing, or is not 200.
pub fn drive(port: u16, calls: &[Call], load: Load) -> Result<Outcome> {
    let calls: Rc<[Call]> = calls.into();
    block_on(async {
        let mut connections = Vec::new();
        for _ in 0..load.connections {
            connections.push(connect(port).await?);
        }
        let asked = Rc::new(Cell::new(0));
        let started = Instant::now();
        let workers: Vec<_> = connections
            .into_iter()
            .map(|connection| {
                let (calls, asked) = (Rc::clone(&calls), Rc::clone(&asked));
                tokio::task::spawn_local(ask_on(connection, port, calls, asked, load.requests))
            })
            .collect();
        let mut latencies = histogram();
        for worker in workers {
            latencies.add(worker.await??)?;
        }
        Ok(Outcome {
            elapsed: started.elapsed(),
            latencies,
        })
    })
}

async fn ask_on(
    mut connection: SendRequest<Full<Bytes>>,
    port: u16,
    calls: Rc<[Call]>,
    asked: Rc<Cell<usize>>,
    requests: usize,
) -> Result<Histogram<u64>> {
    let mut latencies = histogram();
    while asked.get() < requests {
        let call = &calls[asked.get() % calls.len()];
        asked.set(asked.get() + 1);
        let started = Instant::now();
        let answer = send(&mut connection, port, call).await?;
        latencies.saturating_record(started.elapsed().as_nanos().try_into()?);
        ensure!(
            answer.status == 200,
            "an answer of status {} while measuring: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(latencies)
}

async fn connect(port: u16) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Its end is seen by the next request.
    tokio::task::spawn_local(connection);
    Ok(sender)
}

async fn send(connection: &mut SendRequest<Full<Bytes>>, port: u16, call: &Call) -> Result<Answer> {
    let method = if call.body.is_empty() { "GET" } else { "POST" };
    let request = Request::builder()
        .method(method)
        .uri(&call.path)
        .header(HOST, format!("127.0.0.1:{port}"))
        .header(CONTENT_TYPE, call.content_type)
        .body(Full::new(call.body.clone()))?;
    connection.ready().await.context("the connection broke")?;
    let response = tokio::time::timeout(PATIENCE, connection.send_request(request))
        .await
        .map_err(|_| anyhow!("no answer within {PATIENCE:?}"))??;
    let (head, body) = response.into_parts();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
    })
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, future)
}

/// From a microsecond to a minute, three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("these bounds are good")
}
