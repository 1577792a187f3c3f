//! Databases for tests on PostgreSQL: each has its own schema, which is dropped at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// The server that `tests/postgres` has started.
///
/// NOTE: a test without a server fails. A skipped test would say nothing about PostgreSQL.
pub fn server() -> String {
    std::env::var("BANTIN_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "this test needs a PostgreSQL, which tests/postgres starts for it: \
             `tests/postgres cargo test --test integration store::`, or `tests/run` for everything"
        )
    })
}

/// A separate, initially empty schema.
pub struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// Creates one.
    pub fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("story_{}_{number}", std::process::id());
        let schema = Self { server: server(), name };
        let order: bool = query("'b' < 'C'", &schema.server);
        assert!(
            order,
            "this cluster orders texts by their bytes, which proves nothing; start it by tests/postgres"
        );
        execute(&schema.server, &format!("CREATE SCHEMA {}", schema.name));
        schema
    }

    /// The value of `[store] url`.
    pub fn url(&self) -> String {
        self.url_at(&self.server)
    }

    /// The same through another address, such as that of a proxy.
    pub fn url_at(&self, server: &str) -> String {
        format!("{server}?options[search_path]={}", self.name)
    }

    /// All rows of all tables.
    pub fn text(&self) -> String {
        let all = "(SELECT string_agg(query_to_xml(format('SELECT * FROM %I', table_name), true, false, '')::text, '') \
                   FROM information_schema.tables WHERE table_schema = current_schema())";
        query(all, &self.url())
    }

    /// Runs statements, and returns the number of affected rows.
    pub fn execute(&self, sql: &str) -> u64 {
        execute(&self.url(), sql)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let sql = format!("SET lock_timeout = '20s'; DROP SCHEMA {name} CASCADE");
        // A test that has already failed must not fail again here.
        let dropped = read_committed(async move {
            let mut connection = PgConnection::connect(&server).await?;
            connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await
        });
        if let Err(cause) = dropped {
            eprintln!("{} is left behind: {cause}", self.name);
        }
    }
}

/// A transaction that stays open until this is dropped, and is then rolled back.
pub struct HeldLock {
    release: Option<mpsc::Sender<()>>,
    holder: Option<JoinHandle<()>>,
}

impl HeldLock {
    /// Starts the transaction.
    pub fn new(url: &str, sql: &'static str) -> Self {
        let (url, (release, released), (done, is_done)) = (url.to_owned(), mpsc::channel(), mpsc::channel());
        let holder = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let mut connection = runtime.block_on(PgConnection::connect(&url)).unwrap();
            for statement in ["BEGIN", sql] {
                runtime.block_on(connection.execute(statement)).unwrap();
            }
            done.send(()).unwrap();
            // Until the sender is dropped.
            let _: Result<(), _> = released.recv();
            runtime.block_on(connection.close()).unwrap();
        });
        is_done.recv().unwrap();
        Self { release: Some(release), holder: Some(holder) }
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.release = None;
        let _ = self.holder.take().map(JoinHandle::join);
    }
}

pub fn execute(url: &str, sql: &str) -> u64 {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let done = read_committed(async move {
        let mut connection = PgConnection::connect(&url).await?;
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await
    });
    done.unwrap().rows_affected()
}

/// The value of an expression.
pub fn query<T>(expression: &str, url: &str) -> T
where
    T: Send + Unpin + 'static + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let (url, sql) = (url.to_owned(), format!("SELECT {expression}"));
    let answer = read_committed(async move {
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await
    });
    answer.unwrap()
}

/// Runs it to its end on a separate thread and runtime, whatever the caller runs on.
fn read_committed<T: Send + 'static>(
    work: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, sqlx::Error> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work)
    };
    std::thread::spawn(run).join().unwrap()
}
