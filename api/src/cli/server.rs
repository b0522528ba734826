//! A shop that runs already, asked over HTTP.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, StatusCode, Url, redirect::Policy};
use serde::Deserialize;

use crate::{Config, staff};

/// A shop that is served, and the right to ask it.
pub(super) struct Server {
    client: Client,
    url: Url,
    token: String,
}

/// What the shop says of all views.
#[derive(Debug, Deserialize)]
pub(super) struct Projections {
    pub(super) head: u64,
    pub(super) projections: Vec<Projection>,
}

/// What it says of one.
#[derive(Debug, Deserialize)]
pub(super) struct Projection {
    pub(super) name: String,
    pub(super) position: u64,
    pub(super) lag: u64,
    pub(super) rate: u64,
    pub(super) state: String,
    pub(super) set_aside: u64,
    pub(super) error: Option<String>,
    pub(super) rebuild: Option<Rebuild>,
}

/// What it says of a rebuild.
#[derive(Debug, Deserialize)]
pub(super) struct Rebuild {
    pub(super) state: String,
    pub(super) position: u64,
    pub(super) head: u64,
    pub(super) progress: u64,
    pub(super) rate: u64,
    pub(super) seconds_left: Option<u64>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    title: String,
    detail: Option<String>,
}

impl Server {
    /// The shop at `address`. The token would travel there in the clear, so it has to be this machine.
    pub(super) fn at(address: &str, config: &Config) -> anyhow::Result<Self> {
        let mut url: Url = address.parse().with_context(|| format!("{address} is not an address"))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let ip = host.parse::<std::net::IpAddr>().ok();
        if ip.is_some_and(|ip| ip.is_unspecified()) {
            // A shop that listens everywhere also listens here.
            url.set_host(Some(if ip.is_some_and(|ip| ip.is_ipv6()) { "[::1]" } else { "127.0.0.1" }))?;
        }
        let is_here = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
        ensure!(url.scheme() == "http" && is_here, "a shop is asked on its own machine: http://127.0.0.1:8080");
        let token = match &config.admin_token {
            Some(token) => token.clone(),
            None => fs::read_to_string(config.data.join(staff::FILE))
                .map(|token| token.trim().to_owned())
                .context("the staff's token is not known: set WEBOX_ADMIN_TOKEN")?,
        };
        let client = Client::builder().timeout(Duration::from_secs(30)).redirect(Policy::none()).no_proxy().build()?;
        Ok(Self { client, url, token })
    }

    /// Where every view is.
    pub(super) async fn projections(&self) -> anyhow::Result<Projections> {
        self.ask(Method::GET, "/api/admin/projections").await
    }

    /// Where one view is.
    pub(super) async fn projection(&self, name: &str) -> anyhow::Result<Projection> {
        let all = self.projections().await?.projections;
        all.into_iter().find(|one| one.name == name).with_context(|| format!("the shop has no projection {name}"))
    }

    /// Begins to make a view again.
    pub(super) async fn rebuild(&self, name: &str) -> anyhow::Result<Projection> {
        self.ask(Method::POST, &format!("/api/admin/projections/{name}/rebuild")).await
    }

    async fn ask<T: for<'body> Deserialize<'body>>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        let unreachable = || format!("the shop at {} does not answer", self.url);
        let request = self.client.request(method, self.url.join(path)?).bearer_auth(&self.token);
        let response = request.header("accept-language", "en").send().await.with_context(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.with_context(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&body).context("the shop speaks another version's language");
        }
        match serde_json::from_slice(&body) {
            Ok(Problem { title, detail: Some(detail) }) => bail!("the shop refuses: {title} ({detail})"),
            Ok(Problem { title, .. }) if status == StatusCode::UNAUTHORIZED => {
                bail!("the shop refuses: {title}. Is WEBOX_ADMIN_TOKEN its token?")
            }
            Ok(Problem { title, .. }) => bail!("the shop refuses: {title}"),
            Err(_) => bail!("the shop answers {status}"),
        }
    }
}
