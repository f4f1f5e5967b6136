//! Statements with their values, and the few types that the driver lacks.
//!
//! May import: nothing of ours.

use std::error::Error;

use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut};

/// A value bound to a statement.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

/// A statement with its values. The text is one of a fixed set: each connection
/// prepares it once.
pub(super) struct Query {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

impl Query {
    /// A statement without values yet.
    pub(super) const fn new(sql: &'static str) -> Self {
        Self { sql, values: Vec::new() }
    }

    /// With one more value.
    pub(super) fn with(mut self, value: impl ToSql + Sync + Send + 'static) -> Self {
        self.values.push(Box::new(value));
        self
    }

    /// The values as the driver takes them.
    pub(super) fn bound(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }
}

/// Sixteen bytes as a `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub(super) [u8; 16]);

type Failed = Box<dyn Error + Sync + Send>;

impl ToSql for Id {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Id {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}
