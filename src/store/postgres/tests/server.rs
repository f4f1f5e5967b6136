//! A PostgreSQL server in a temporary directory, one for all test processes of a run, and
//! a database of its own for each test.
//!
//! May import: nothing of ours.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use fs2::FileExt as _;

/// A database that is dropped with its owner.
pub(super) struct Database {
    name: String,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// An empty database on the shared server, which is started when it is not there.
    pub(super) fn new() -> Self {
        let home = server();
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // Several at a time wait for each other in the server: take turns here.
        let turn = fs::File::open(&home).unwrap();
        turn.lock_exclusive().unwrap();
        psql(&home, "postgres", &format!("CREATE DATABASE {name} OWNER tamis"));
        Self { name }
    }

    /// The address to connect to.
    pub(super) fn url(&self) -> String {
        let home = server().display().to_string().replace('/', "%2F");
        format!("postgres://tamis@{home}/{}?sslmode=disable", self.name)
    }

    /// Runs SQL as the role of the service; what it prints.
    pub(super) fn sql(&self, sql: &str) -> String {
        psql_as(&server(), "tamis", &self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(&server(), "postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Where Debian keeps the programs of a server.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed: make test does it");
    let mut found: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path().join("bin")).collect();
    found.retain(|path| path.join("initdb").exists());
    found.sort();
    found.pop().expect("PostgreSQL is installed: make test does it")
}

/// A server refuses to run as root: then it runs as the user `postgres` or `nobody`.
fn as_server(home: &Path, program: &str) -> Command {
    let path = programs().join(program);
    if fs::metadata(home).unwrap().uid() == fs::metadata("/proc/self").unwrap().uid() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    let user = fs::metadata(home).unwrap();
    command.args([format!("--reuid={}", user.uid()), format!("--regid={}", user.gid())]);
    command.arg("--clear-groups").arg(path);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn psql(home: &Path, database: &str, sql: &str) -> String {
    psql_as(home, "postgres", database, sql)
}

fn psql_as(home: &Path, role: &str, database: &str, sql: &str) -> String {
    let mut command = Command::new(programs().join("psql"));
    command.arg("-qtAX").args(["-v", "ON_ERROR_STOP=1", "-U", role, "-h"]).arg(home);
    run(command.args(["-d", database, "-c", sql]))
}

/// The directory of the server's socket; starts the server when it does not run. A run finds
/// the one before; `make unit` stops it at its end.
fn server() -> PathBuf {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let uid = if root { nobody() } else { (fs::metadata("/proc/self").unwrap().uid(), 0) };
    let home = PathBuf::from(format!("/tmp/tamis-test-postgres-{}", uid.0));
    fs::create_dir_all(&home).unwrap();
    if root {
        chown(&home, Some(uid.0), Some(uid.1)).unwrap();
    }
    let turn = fs::File::open(&home).unwrap();
    turn.lock_exclusive().unwrap();
    let data = home.join("data");
    if !data.join("ready").exists() {
        let _ = fs::remove_dir_all(&data);
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
        let mut initdb = as_server(&home, "initdb");
        run(initdb.current_dir(&home).arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]));
        start(&home, &data);
        psql(&home, "postgres", "CREATE ROLE tamis LOGIN NOSUPERUSER NOBYPASSRLS");
        fs::write(data.join("ready"), "").unwrap();
    } else if !as_server(&home, "pg_ctl")
        .current_dir(&home)
        .arg("status")
        .arg("-D")
        .arg(&data)
        .output()
        .unwrap()
        .status
        .success()
    {
        start(&home, &data);
    }
    home
}

fn start(home: &Path, data: &Path) {
    // Durability is not what these tests are about; crashes are tried elsewhere.
    let options = format!(
        "-c listen_addresses= -c unix_socket_directories={} -c fsync=off -c max_connections=200 \
         -c shared_buffers=64MB -c autovacuum=on",
        home.display()
    );
    let mut pg_ctl = as_server(home, "pg_ctl");
    pg_ctl.current_dir(home).args(["start", "-s", "-w", "-D"]).arg(data);
    pg_ctl.arg("-l").arg(data.join("log")).arg("-o").arg(options);
    run(pg_ctl.stdin(std::process::Stdio::null()));
}

/// User and group of `nobody`.
fn nobody() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("nobody:")).unwrap();
    let mut parts = line.split(':').skip(2).map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}
