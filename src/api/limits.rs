//! Every limit of the transport, with its reason.
//!
//! tonic hands `None` to hyper for several of these, and hyper reads `None` as
//! "no limit": so each is set, also where a library default would do. Limits that
//! belong to values (a body's bytes, a list's length) are checked in `convert`
//! and `types`. May import: nothing of ours.

use std::time::Duration;

use tonic::transport::Server;

/// Streams that one connection may have open. A client that wants more opens a
/// second connection; without it one connection could hold every permit.
pub const MAX_CONCURRENT_STREAMS: u32 = 128;

/// Streams reset because of the client's own errors before the connection is
/// closed. Without a limit a client makes the server do work and reset it for ever
/// (RUSTSEC-2024-0003). The honest number is near zero.
pub const MAX_LOCAL_ERROR_RESETS: usize = 128;

/// Streams that the client reset before they were accepted, before the
/// connection is closed: the guard against rapid reset (CVE-2023-44487).
pub const MAX_PENDING_ACCEPT_RESETS: usize = 20;

/// Header bytes of one request. A key, a time-out and trace headers need 1 KiB.
/// It also bounds how many CONTINUATION frames are read.
pub const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// The smallest frame that HTTP/2 allows: more would only let one stream hold up
/// the others of its connection for longer.
pub const MAX_FRAME_BYTES: u32 = 16 * 1024;

/// Unread bytes that one stream may send ahead. Holds a large comment.
pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;

/// Unread bytes that one connection may send ahead: with [`MAX_CONNECTIONS`] it
/// bounds the memory that silent senders can take.
pub const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// Pause before a connection is asked whether it still lives.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// How long it may take to answer that.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Age at which a connection is asked to go (GOAWAY), so that clients spread over
/// new nodes. Calls in flight are finished. tonic's further
/// `max_connection_age_grace` is left alone: with it tonic 0.14 sends no GOAWAY
/// and cuts the connection instead.
pub const MAX_CONNECTION_AGE: Duration = Duration::from_secs(30 * 60);

/// How long a TLS handshake may take.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a request's head on the HTTP door, and what is read ahead of its body.
pub const HTTP_HEADER_BYTES: usize = 32 * 1024;
/// Header lines of one HTTP request; browsers send about twenty.
pub const HTTP_HEADERS: usize = 64;
/// How long a request's head may take to come in, and how long a connection may
/// wait for the next one.
pub const HTTP_HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections at a time; more are closed at once.
pub const MAX_CONNECTIONS: usize = 4096;

/// Connections at a time from one address, so that one client cannot take them
/// all. Loopback is exempt: behind a proxy on the same machine all clients share it.
pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 256;

/// Largest message of a call that carries one comment: body, the text of the
/// parent (64 KiB each), an inline article (274 KiB) and the small fields.
pub const COMMENT_MESSAGE_BYTES: usize = 512 * 1024;

/// Largest message with an article.
pub const ARTICLE_MESSAGE_BYTES: usize = 512 * 1024;

/// Largest batch: 500 comments of 8 KiB, or fewer larger ones.
pub const BATCH_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Largest rule set, as files.
pub const RULE_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Time for calls that compile rules: a thousand patterns at up to 20 ms each.
pub const RULE_DEADLINE: Duration = Duration::from_secs(30);

/// Largest message of every other call: names, notes and masks.
pub const SMALL_MESSAGE_BYTES: usize = 64 * 1024;

/// Most bytes that a message may take after decompression, in any method.
pub const DECODED_MESSAGE_BYTES: usize = BATCH_MESSAGE_BYTES;

/// Largest answer: a page of full verdicts is cut so that it fits
/// ([`PAGE_BUDGET_BYTES`]), a batch answers without bodies.
pub const ANSWER_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Answer bytes after which a page of verdicts ends early. Clients of other
/// languages refuse more than 4 MiB unless told otherwise; the last verdict may
/// overshoot by its own 130 KiB.
pub const PAGE_BUDGET_BYTES: usize = 3 * 1024 * 1024;

/// Time for a call that scores one comment.
pub const SCORE_DEADLINE: Duration = Duration::from_secs(2);

/// Time for every other call that is not a stream.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Calls worked on at a time. Most of a call's life is waiting for the device to
/// sync, and calls that wait together share one sync: so many more than cores.
pub const MAX_IN_FLIGHT: usize = 512;

/// How long a call may wait for its turn; beyond that an honest "not now" serves
/// the caller better.
pub const MAX_QUEUE_WAIT: Duration = Duration::from_millis(50);

/// How many times [`MAX_IN_FLIGHT`] may wait for their turn; more are refused at
/// once.
pub const QUEUE_FACTOR: usize = 2;

/// Hint to callers that were refused: long enough to matter, short enough that
/// the capacity that comes free is used.
pub const OVERLOAD_RETRY: Duration = Duration::from_millis(250);

/// Comments of one stream that are worked on at a time.
pub const STREAM_IN_FLIGHT: usize = 256;

/// Comments of one stream that are recorded with one durable write.
pub const STREAM_GROUP: usize = 64;

/// Comments of one batch.
pub const BATCH_ITEMS: usize = 500;

/// Streams of events open at a time, over all clients: each asks for the end of a
/// chain [`WATCH_POLL`] after the answer before.
pub const MAX_WATCHERS: usize = 512;

/// Pause between two looks for new events: below what a person notices.
pub const WATCH_POLL: Duration = Duration::from_millis(150);

/// How often a stream looks whether its caller's key still holds.
pub const KEY_CHECK: Duration = Duration::from_secs(1);

/// Longest silence of a stream of events.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a stopping server waits for calls in flight.
pub const DRAIN: Duration = Duration::from_secs(8);

/// A tonic server with all of the above.
#[must_use]
pub fn server() -> Server {
    Server::builder()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .http2_max_local_error_reset_streams(Some(MAX_LOCAL_ERROR_RESETS))
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_ACCEPT_RESETS))
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_adaptive_window(Some(false))
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_connection_age(MAX_CONNECTION_AGE)
        .accept_http1(false)
}
