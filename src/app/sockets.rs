//! The sockets that the service listens on.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::config::Config;
use crate::http::Listeners;

/// The bound sockets, and the configured addresses for which they were bound.
pub struct Sockets {
    /// For readers.
    pub public: Listeners,
    /// For the operator.
    pub admin: Listeners,
    /// For plain HTTP beside HTTPS.
    pub redirect: Option<Listeners>,
    configured: Addresses,
    workers: usize,
}

/// The configured addresses: `[server] listen` and `admin`, `[server.tls] redirect_listen`.
#[derive(Clone, Copy)]
struct Addresses {
    public: SocketAddr,
    admin: SocketAddr,
    redirect: Option<SocketAddr>,
}

impl Addresses {
    fn of(config: &Config) -> Self {
        let redirect = config.redirect.as_ref().map(|redirect| redirect.listen);
        Self { public: config.listen, admin: config.admin, redirect }
    }
}

impl Sockets {
    /// Takes over the sockets that the service manager has bound, first the public one, then that for the operator, then
    /// that for redirects, and binds what is missing. The public one has a worker per core.
    ///
    /// # Errors
    /// If an address cannot be bound.
    pub fn bind(config: &Config, inherited: Vec<std::net::TcpListener>) -> anyhow::Result<Self> {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut inherited = inherited.into_iter();
        let configured = Addresses::of(config);
        Self::open(configured, workers, |role, address| match inherited.next() {
            Some(socket) => Listeners::inherit(socket, role.workers(workers)).context("taking over a socket"),
            None => bind(role, address, workers),
        })
    }

    /// The same sockets where the addresses are unchanged, new ones where they are not.
    pub(super) fn for_successor(&self, config: &Config) -> anyhow::Result<Self> {
        Self::open(Addresses::of(config), self.workers, |role, address| match self.bound(role) {
            Some((current, bound_for)) if bound_for == address => current.share().context("sharing a socket"),
            _ => bind(role, address, self.workers),
        })
    }

    fn open(
        configured: Addresses,
        workers: usize,
        mut open: impl FnMut(Role, SocketAddr) -> anyhow::Result<Listeners>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            public: open(Role::Public, configured.public)?,
            admin: open(Role::Admin, configured.admin)?,
            redirect: configured.redirect.map(|address| open(Role::Redirect, address)).transpose()?,
            configured,
            workers,
        })
    }

    /// The socket of a role, and the configured address for which it was bound.
    fn bound(&self, role: Role) -> Option<(&Listeners, SocketAddr)> {
        match role {
            Role::Public => Some((&self.public, self.configured.public)),
            Role::Admin => Some((&self.admin, self.configured.admin)),
            Role::Redirect => self.redirect.as_ref().zip(self.configured.redirect),
        }
    }

    /// The same sockets for another app.
    pub(super) fn share(&self) -> anyhow::Result<Self> {
        Ok(Self {
            public: self.public.share()?,
            admin: self.admin.share()?,
            redirect: self.redirect.as_ref().map(Listeners::share).transpose()?,
            configured: self.configured,
            workers: self.workers,
        })
    }
}

/// What a socket is for.
#[derive(Clone, Copy)]
enum Role {
    Public,
    Admin,
    Redirect,
}

impl Role {
    /// The public socket has all workers.
    fn workers(self, workers: usize) -> usize {
        match self {
            Self::Public => workers,
            Self::Admin | Self::Redirect => 1,
        }
    }

    /// The key of its address in the configuration.
    fn key(self) -> &'static str {
        match self {
            Self::Public => "[server] listen",
            Self::Admin => "[server] admin",
            Self::Redirect => "[server.tls] redirect_listen",
        }
    }
}

fn bind(role: Role, address: SocketAddr, workers: usize) -> anyhow::Result<Listeners> {
    let listeners = Listeners::bind(address, role.workers(workers));
    listeners.with_context(|| format!("listening on {address} ({})", role.key()))
}
