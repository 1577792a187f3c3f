//! PostgreSQL: a server that several machines may share.
//!
//! A writer locks the single row of the log before it reads anything, and holds the lock until the commit.
//! The next writer, on any machine, continues from what this one committed, so that no number becomes visible
//! before a smaller one. Every wait has a limit. A server that does not answer is left alone for a second, in
//! which every query fails immediately.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions, PgRow,
    PgTypeInfo,
};
use sqlx::{Column as _, Connection as _, Executor as _, Row as _};
use sqlx::{Encode, Postgres, SqlSafeStr, Type, TypeInfo as _, ValueRef as _};
use tokio::sync::watch;

use super::bulk::{Insert, Kind};
use super::circuit_breaker::{BREAKER_PAUSE, CircuitBreaker};
use super::migrations::{MigrationFile, migrator};
use super::value::{Row, Value};
use crate::store::error::StoreError;
use crate::store::sql::{content, metadata, served};

/// How long to wait for a connection, including the time to open it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// Limit for each step of a write, including the lock of the log: the caller gets an answer within two
/// seconds.
const WRITE_TIMEOUT: Duration = Duration::from_millis(1800);
/// A statement gets another [`WRITE_TIMEOUT`] for every this many bytes.
const SLOW_WRITE_BYTES: usize = 4 << 20;
/// A statement on many rows gets this many times as long.
const MANY_ROWS: u32 = 4;
/// Limit for a read.
const READ_TIMEOUT: Duration = Duration::from_secs(12);
/// A silent notification connection is checked after this time.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long to wait for the server at startup.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_READERS: u32 = 8;

pub(crate) const MIGRATIONS: &[MigrationFile] = &[
    (10, "log", include_str!("../migrations/postgres/0010_log.sql")),
    (11, "channels", include_str!("../migrations/postgres/0011_channels.sql")),
    (20, "replicas", include_str!("../migrations/postgres/0020_replicas.sql")),
    (30, "rules", include_str!("../migrations/postgres/0030_rules.sql")),
    (31, "creation", include_str!("../migrations/postgres/0031_creation.sql")),
    (40, "content", include_str!("../migrations/postgres/0040_content.sql")),
    (45, "lean_indexes", include_str!("../migrations/postgres/0045_lean_indexes.sql")),
    (50, "copies", include_str!("../migrations/postgres/0050_copies.sql")),
    (60, "editing", include_str!("../migrations/postgres/0060_editing.sql")),
    (62, "neighbours", include_str!("../migrations/postgres/0062_neighbours.sql")),
    (64, "unused_images", include_str!("../migrations/postgres/0064_unused_images.sql")),
    (65, "ended_sessions", include_str!("../migrations/postgres/0065_ended_sessions.sql")),
    (70, "sources", include_str!("../migrations/postgres/0070_sources.sql")),
    (71, "source_log", include_str!("../migrations/postgres/0071_source_log.sql")),
    (80, "push", include_str!("../migrations/postgres/0080_push.sql")),
    (81, "source_hubs", include_str!("../migrations/postgres/0081_source_hubs.sql")),
    (90, "old_addresses", include_str!("../migrations/postgres/0090_old_addresses.sql")),
    (93, "duplicates", include_str!("../migrations/postgres/0093_duplicates.sql")),
    (94, "unsettled", include_str!("../migrations/postgres/0094_unsettled.sql")),
    (95, "checksums", include_str!("../migrations/postgres/0095_checksums.sql")),
    (96, "metadata", include_str!("../migrations/postgres/0096_metadata.sql")),
    (97, "backup", include_str!("../migrations/postgres/0097_backup.sql")),
];

/// Uses the index, which holds truncated words, then compares the whole words.
macro_rules! found {
    ($revision:literal) => {
        concat!(
            "FROM article a ",
            $revision,
            "WHERE search_keys(a.folded) @> search_keys($1) \
             AND string_to_array(a.folded, ' ') @> string_to_array($1, ' ') \
             AND a.place < $2 AND a.place >= $3 AND ($4 = '' OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.channel = $4 AND m.article = a.id)) AND ",
            served!("$6", "a.id")
        )
    };
}
pub(crate) const SEARCH: &str = concat!(
    "SELECT a.place, a.id, a.day, a.slug, ",
    content!(),
    ", ",
    metadata!(),
    " ",
    found!("LEFT JOIN revision r ON r.number = a.number "),
    " ORDER BY a.place DESC LIMIT $5"
);
pub(crate) const COUNT_FOUND: &str =
    concat!("SELECT COUNT(*) FROM (SELECT 1 ", found!(""), " LIMIT $5) counted");

pub(crate) const TABLES: &str = "SELECT table_name::TEXT FROM information_schema.tables \
     WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
pub(crate) const COLUMNS: &str = "SELECT column_name::TEXT FROM information_schema.columns \
     WHERE table_schema = current_schema() AND table_name = $1";

/// See [`Transaction::rows_for`](super::Transaction::rows_for).
pub(crate) const JSON_ROWS: &str = "jsonb_array_elements(CAST($1 AS JSONB)) AS q(value)";

/// The write lock of the log. It locks the row, not the table, so readers are not blocked.
const LOCK_LOG: &str = "SELECT head FROM log FOR UPDATE";
const NOTIFY: &str = "SELECT pg_notify('bantin_' || id, head || ' ' || generation) FROM log";

/// The server and its connections.
pub(crate) struct PgServer {
    options: PgConnectOptions,
    pools: RwLock<Arc<PgPools>>,
    breaker: CircuitBreaker,
}

/// A generation of connections. All are replaced when one of them turns out to be dead.
struct PgPools {
    writer: PgPool,
    readers: PgPool,
    /// True once the server was found not to answer: nobody waits for it any longer.
    unreachable: watch::Sender<bool>,
}

/// The kind of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TxKind {
    /// Reads one consistent state of the log.
    Read,
    /// Appends to the log.
    LogWrite,
    /// Writes beside the log.
    SideWrite,
}

impl PgServer {
    /// Connects to the server, migrates the schema, and prepares the pools.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let bare: PgConnectOptions = url.parse()?;
        migrate(&bare).await?;
        let options = bare.options([
            // NOTE: "accepted" must mean that the write is on disk, whatever the default of the cluster.
            ("synchronous_commit", "on"),
            ("lock_timeout", "1500ms"),
            ("statement_timeout", "10s"),
            // A writer that dies silently releases the log after this time.
            ("idle_in_transaction_session_timeout", "5s"),
            ("tcp_keepalives_idle", "5"),
            ("tcp_keepalives_interval", "2"),
            ("tcp_keepalives_count", "3"),
        ]);
        let pools = RwLock::new(Arc::new(PgPools::new(&options)));
        Ok(Self { options, pools, breaker: CircuitBreaker::new() })
    }

    pub(crate) async fn begin_write(self: &Arc<Self>) -> Result<PostgresTransaction, StoreError> {
        self.begin(TxKind::LogWrite).await
    }

    pub(crate) async fn begin_read(self: &Arc<Self>) -> Result<PostgresTransaction, StoreError> {
        self.begin(TxKind::Read).await
    }

    pub(crate) async fn begin_quick_read(self: &Arc<Self>) -> Result<PostgresTransaction, StoreError> {
        Ok(PostgresTransaction { limit: WRITE_TIMEOUT, ..self.begin(TxKind::Read).await? })
    }

    /// A transaction that may write but does not wait for the lock of the log.
    pub(crate) async fn begin_side_write(self: &Arc<Self>) -> Result<PostgresTransaction, StoreError> {
        self.begin(TxKind::SideWrite).await
    }

    /// Notifications from the writers of this log, on a separate connection.
    pub(crate) async fn listen(&self, log_id: &str) -> Result<NotificationListener, StoreError> {
        let pool = new_pool(&self.options, 1);
        let mut listener = PgListener::connect_with(&pool).await?;
        bounded(WRITE_TIMEOUT, listener.listen(&format!("bantin_{log_id}"))).await?;
        Ok(NotificationListener(listener))
    }

    pub(crate) async fn close(&self) {
        let pools = self.pools();
        let closing = async {
            pools.readers.close().await;
            pools.writer.close().await;
        };
        // A server that does not answer must not delay the exit.
        let _ = tokio::time::timeout(WRITE_TIMEOUT, closing).await;
    }

    async fn begin(self: &Arc<Self>, kind: TxKind) -> Result<PostgresTransaction, StoreError> {
        if !self.breaker.allows_attempt() {
            return Err(StoreError::unavailable(sqlx::Error::PoolTimedOut));
        }
        let started = Instant::now();
        let mut pools = self.pools();
        let mut begun = bounded(WRITE_TIMEOUT, self.try_begin(&pools, kind)).await;
        // A connection that the server closed is only noticed when it is used. A new one shows whether the server is
        // there.
        if begun.as_ref().is_err_and(is_lost) && started.elapsed() < WRITE_TIMEOUT / 4 {
            pools = self.renew(&pools);
            let left = WRITE_TIMEOUT.saturating_sub(started.elapsed());
            begun = bounded(left, self.try_begin(&pools, kind)).await;
        }
        match begun {
            Ok(transaction) => {
                self.breaker.record_success();
                Ok(transaction)
            }
            Err(cause) => {
                let without_any =
                    matches!(cause, sqlx::Error::PoolTimedOut) && pools.select(kind).size() == 0;
                if is_lost(&cause) || without_any {
                    self.mark_unreachable(&pools);
                }
                Err(StoreError::unavailable(cause))
            }
        }
    }

    async fn try_begin(
        self: &Arc<Self>,
        pools: &Arc<PgPools>,
        kind: TxKind,
    ) -> Result<PostgresTransaction, sqlx::Error> {
        let begin = match kind {
            TxKind::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            // After the lock, each statement must see what the last writer committed.
            TxKind::LogWrite | TxKind::SideWrite => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        let mut inner = pools.select(kind).begin_with(begin).await?;
        if kind == TxKind::LogWrite {
            inner.execute(LOCK_LOG).await?;
        }
        let limit = if kind == TxKind::Read { READ_TIMEOUT } else { WRITE_TIMEOUT };
        let (server, pools) = (Arc::clone(self), Arc::clone(pools));
        Ok(PostgresTransaction { inner, kind, limit, server, pools })
    }

    fn pools(&self) -> Arc<PgPools> {
        Arc::clone(&self.pools.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces these connections, unless another caller has already done so.
    fn renew(&self, dead: &Arc<PgPools>) -> Arc<PgPools> {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&pools, dead) {
            *pools = Arc::new(PgPools::new(&self.options));
        }
        Arc::clone(&pools)
    }

    fn mark_unreachable(&self, dead: &Arc<PgPools>) {
        self.renew(dead);
        self.breaker.record_failure();
        dead.unreachable.send_replace(true);
    }
}

impl PgPools {
    fn new(options: &PgConnectOptions) -> Self {
        Self {
            writer: new_pool(options, 2),
            readers: new_pool(options, MAX_READERS),
            unreachable: watch::Sender::new(false),
        }
    }

    fn select(&self, kind: TxKind) -> &PgPool {
        if kind == TxKind::Read { &self.readers } else { &self.writer }
    }

    /// Like [`bounded`], but a read, which may take long, fails as soon as any caller found that the server does not
    /// answer.
    async fn bounded<T>(
        &self,
        kind: TxKind,
        limit: Duration,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        if kind != TxKind::Read {
            return bounded(limit, work).await;
        }
        let mut unreachable = self.unreachable.subscribe();
        tokio::select! {
            biased;
            answer = bounded(limit, work) => answer,
            _ = unreachable.wait_for(|unreachable| *unreachable) => Err(timeout_error()),
        }
    }
}

fn new_pool(options: &PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A dead connection is noticed on first use, within limits. A test beforehand has no limit.
        .test_before_acquire(false)
        .connect_lazy_with(options.clone())
}

/// Replicas that start at the same time wait for each other here: the migrator holds an advisory lock.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    // A pool would only report a timeout.
    bounded_connect(options).await?.close().await?;
    let alone = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options.clone());
    let connection = alone.await?;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&connection).await?;
    if encoding != "UTF8" {
        let error = format!("the database is encoded in {encoding}; create one WITH ENCODING 'UTF8'");
        return Err(StoreError::Corrupt(error));
    }
    migrator(MIGRATIONS).run(&connection).await?;
    connection.close().await;
    Ok(())
}

/// Opens the first connection. Waits for a server that is starting.
async fn bounded_connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let server = || format!("{}:{}", options.get_host(), options.get_port());
    let began = Instant::now();
    loop {
        let left = CONNECT_TIMEOUT.saturating_sub(began.elapsed());
        match bounded(left, PgConnection::connect_with(options)).await {
            Ok(connection) => return Ok(connection),
            Err(cause) if is_lost(&cause) && left > BREAKER_PAUSE => {
                tokio::time::sleep(BREAKER_PAUSE / 4).await
            }
            Err(cause) => return Err(StoreError::Unreachable { server: server(), cause }),
        }
    }
}

/// Applies a timeout. The connection cannot be used after it.
async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timeout_error()))
}

fn timeout_error() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer"))
}

/// True if the connection is gone, or its server may no longer write.
fn is_lost(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Shutdown, crash, startup; no connection; too many connections; idle too long; now a standby.
            code.starts_with("57P") || code.starts_with("08") || ["53300", "25P03", "25006"].contains(&&*code)
        }),
        _ => false,
    }
}

pub(crate) struct PostgresTransaction {
    inner: sqlx::Transaction<'static, Postgres>,
    kind: TxKind,
    /// Limit for each statement.
    limit: Duration,
    server: Arc<PgServer>,
    pools: Arc<PgPools>,
}

impl PostgresTransaction {
    pub(crate) async fn disable_timeouts(&mut self) -> Result<(), StoreError> {
        self.limit = Duration::from_secs(86_400);
        for setting in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
            let set = format!("SET LOCAL {setting} = 0");
            self.run(sqlx::AssertSqlSafe(set), &[]).await?;
        }
        Ok(())
    }

    pub(crate) async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let limit = self.limit(values);
        let asking = bind(sql, values).fetch_all(&mut *self.inner);
        let answer = self.pools.bounded(self.kind, limit, asking).await;
        self.checked(answer)?.iter().map(read).collect()
    }

    pub(crate) async fn run(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<u64, StoreError> {
        let limit = self.limit(values);
        let asking = bind(sql, values).execute(&mut *self.inner);
        let answer = self.pools.bounded(self.kind, limit, asking).await;
        Ok(self.checked(answer)?.rows_affected())
    }

    /// For a statement on many rows. It is planned anew: one that was planned while the tables were small would read them
    /// whole when they are large.
    pub(crate) async fn rows_once(&mut self, sql: String, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let limit = self.limit(values) * MANY_ROWS;
        let asking = bind(sqlx::AssertSqlSafe(sql), values).persistent(false).fetch_all(&mut *self.inner);
        let answer = self.pools.bounded(self.kind, limit, asking).await;
        self.checked(answer)?.iter().map(read).collect()
    }

    /// Inserts rows with one message, which has an array for each column.
    pub(crate) async fn insert(&mut self, into: &Insert, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let limit = self.limit(rows.iter().flatten()) * MANY_ROWS;
        let sql = sqlx::query(sqlx::AssertSqlSafe(into.of_many())).persistent(false);
        let bound = into.columns.iter().enumerate().try_fold(sql, |query, (column, (name, kind))| {
            let values = rows.iter().map(|row| row.get(column));
            let bound = match kind {
                Kind::Integer => integers(values).map(|values| query.bind(values)),
                Kind::Text => texts(values).map(|values| query.bind(values)),
                Kind::Bytes => bytes(values).map(|values| query.bind(values)),
            };
            bound.ok_or_else(|| StoreError::Corrupt(format!("wrong value for {}.{name}", into.table)))
        });
        let answer = self.pools.bounded(self.kind, limit, bound?.execute(&mut *self.inner)).await;
        self.checked(answer).map(|_| ())
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.kind == TxKind::LogWrite {
            self.rows(NOTIFY, &[]).await?;
        }
        let limit = self.limit(&[]);
        let Self { inner, server, pools, .. } = self;
        let answer = bounded(limit, inner.commit()).await;
        record_result(&server, &pools, answer)
    }

    fn limit<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Duration {
        let bytes = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Null | Value::Integer(_) => 0,
        };
        let heavy = values.into_iter().map(bytes).sum::<usize>() / SLOW_WRITE_BYTES;
        self.limit * (1 + u32::try_from(heavy).unwrap_or(u32::MAX))
    }

    /// A lost connection is not waited for again: the caller gets an answer within two seconds.
    fn checked<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        if answer.as_ref().is_err_and(is_lost) {
            self.limit = Duration::ZERO;
        }
        record_result(&self.server, &self.pools, answer)
    }
}

/// Records what a result says about the server.
fn record_result<T>(
    server: &PgServer,
    pools: &Arc<PgPools>,
    answer: Result<T, sqlx::Error>,
) -> Result<T, StoreError> {
    if let Err(cause) = &answer
        && is_lost(cause)
    {
        match cause {
            sqlx::Error::Io(silent) if silent.kind() == std::io::ErrorKind::TimedOut => {
                server.mark_unreachable(pools)
            }
            // Only this connection may have been cut; the next one will tell.
            _ => {
                server.renew(pools);
            }
        }
    }
    Ok(answer?)
}

/// A notification about the log.
pub(crate) enum Notification {
    /// New position: head and configuration epoch.
    Changed(u64, u64),
    /// The connection was lost and restored; notifications may have been missed.
    Reconnected,
}

/// A connection that receives the notifications of other replicas.
pub(crate) struct NotificationListener(PgListener);

impl NotificationListener {
    /// The next notification.
    pub(crate) async fn next(&mut self) -> Result<Notification, StoreError> {
        loop {
            match tokio::time::timeout(KEEPALIVE, self.0.try_recv()).await {
                Ok(Ok(Some(notice))) => {
                    let mut numbers = notice.payload().split(' ').map(str::parse);
                    if let (Some(Ok(head)), Some(Ok(generation))) = (numbers.next(), numbers.next()) {
                        return Ok(Notification::Changed(head, generation));
                    }
                }
                Ok(Ok(None)) => return Ok(Notification::Reconnected),
                Ok(Err(cause)) => return Err(cause.into()),
                // The connection may have died silently.
                Err(_) => {
                    bounded(WRITE_TIMEOUT, self.0.execute("SELECT 1")).await?;
                }
            }
        }
    }
}

/// A NULL of any type.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

fn bind(sql: impl SqlSafeStr, values: &[Value]) -> sqlx::query::Query<'_, Postgres, PgArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null => query.bind(Untyped),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
    })
}

/// The values of a column of numbers; none if one of them is no number.
fn integers<'v>(column: impl Iterator<Item = Option<&'v Value>>) -> Option<Vec<Option<i64>>> {
    column
        .map(|value| match value? {
            Value::Null => Some(None),
            Value::Integer(number) => Some(Some(*number)),
            Value::Text(_) | Value::Bytes(_) => None,
        })
        .collect()
}

/// The same for a column of texts.
fn texts<'v>(column: impl Iterator<Item = Option<&'v Value>>) -> Option<Vec<Option<&'v str>>> {
    column
        .map(|value| match value? {
            Value::Null => Some(None),
            Value::Text(text) => Some(Some(text.as_str())),
            Value::Integer(_) | Value::Bytes(_) => None,
        })
        .collect()
}

/// The same for a column of bytes.
fn bytes<'v>(column: impl Iterator<Item = Option<&'v Value>>) -> Option<Vec<Option<&'v [u8]>>> {
    column
        .map(|value| match value? {
            Value::Null => Some(None),
            Value::Bytes(bytes) => Some(Some(bytes.as_slice())),
            Value::Integer(_) | Value::Text(_) => None,
        })
        .collect()
}

fn read(row: &PgRow) -> Result<Row, StoreError> {
    let value = |index: usize| -> Result<Value, StoreError> {
        let raw = row.try_get_raw(index)?;
        let kind = raw.type_info();
        if raw.is_null() {
            return Ok(Value::Null);
        }
        match kind.name() {
            "INT8" => Ok(Value::Integer(row.try_get(index)?)),
            "INT4" => Ok(Value::Integer(row.try_get::<i32, _>(index)?.into())),
            "BOOL" => Ok(Value::from(row.try_get::<bool, _>(index)?)),
            "TEXT" | "VARCHAR" | "NAME" => Ok(Value::Text(row.try_get(index)?)),
            "BYTEA" => Ok(Value::Bytes(row.try_get(index)?)),
            // The result of `pg_notify`.
            "VOID" => Ok(Value::Null),
            other => Err(StoreError::Corrupt(format!("column {} is {other}", row.column(index).name()))),
        }
    };
    (0..row.len()).map(value).collect::<Result<_, _>>().map(Row)
}
