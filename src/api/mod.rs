//! The doors: gRPC, and HTTP beside it.
//!
//! Everything here translates: bytes to checked values of `types`, use cases'
//! answers and errors back to bytes. A call passes one `gate` (deadline, key,
//! role, load, message size), is converted with all its mistakes collected, and
//! calls one function of `moderation`. No rule of moderation lives here.
//!
//! May import: `types`, `store` (errors, request marks, filters),
//! `moderation`, `learning`.

pub mod codec;
pub mod http;
pub mod limits;
pub mod methods;
pub mod pb;
pub mod status;

mod auth;
mod convert;
mod deadline;
mod drain;
mod error;
mod gate;
mod grpc;
mod health;
mod idempotency;
mod incoming;
mod message_size;
mod page_token;
mod serve;
mod shed;

pub use self::http::HttpDoor;
pub use error::{ApiError, Violation};
pub use health::{ServingHealth, watch_health};
pub use serve::{Doors, Drained, Options, ServeError, Server, router};
