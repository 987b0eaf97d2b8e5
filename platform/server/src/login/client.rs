//! HTTP to one Touchstone server: a connection a request, https where the server has it, no redirects,
//! bounded answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::shown;
use crate::account::cookie;
use crate::account::origin::Origin;
use crate::account::secret::Secret;
use crate::account::wire::Problem;

/// Longest answer that is read, bytes.
const MOST_BODY: usize = 64 << 10;
/// How long one question may take, all told.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server to which requests go.
pub(super) struct Client {
    site: Origin,
    tls: Option<TlsConnector>,
}

/// What a server said, after it said yes.
pub(super) struct Answer {
    cookies: Vec<Vec<u8>>,
    body: Bytes,
}

impl Client {
    /// A client of this site. Secrets go over a wire encrypted or not at all.
    pub(super) fn new(site: Origin, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        ensure!(
            site.is_secure() || site.is_loopback(),
            "{site} is not on this machine, and http would show your token to everybody on the way: give its https \
             address"
        );
        let tls = site.is_secure().then(|| connector(ca_file)).transpose()?;
        Ok(Self { site, tls })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(self.request(Method::GET, path).body(Full::default())?).await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
        session: Option<&Secret>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        if let Some(session) = session {
            request = request.header(header::COOKIE, format!("{}={}", cookie::NAME, session.reveal()));
        }
        self.ask(request.body(Full::from(serde_json::to_vec(body)?))?).await
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.site.authority())
            .header(header::ACCEPT, "application/json, application/problem+json")
            .header(header::CONNECTION, "close")
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let answer = tokio::time::timeout(PATIENCE, self.connect_and_send(request)).await;
        let site = &self.site;
        answer
            .map_err(|_| anyhow!("{site} does not answer within {} s: try again later", PATIENCE.as_secs()))?
    }

    async fn connect_and_send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let (site, host) = (&self.site, self.site.host().trim_matches(['[', ']']));
        let stream = TcpStream::connect((host, site.port())).await.with_context(|| {
            format!("no server answers at {site}: is it running there? give its address with --server")
        })?;
        let Some(tls) = &self.tls else { return self.send(stream, request).await };
        let name =
            ServerName::try_from(host.to_owned()).context("the server's name cannot be in a certificate")?;
        let stream = tls.connect(name, stream).await.with_context(|| {
            format!(
                "{site} does not show a certificate that this machine trusts: is the address right? for an \
                     authority of your own give --ca-file"
            )
        })?;
        self.send(stream, request).await
    }

    async fn send<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Answer> {
        let not_http = || format!("what answers at {} speaks no HTTP", self.site);
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.with_context(not_http)?;
        tokio::spawn(async move {
            // How it ends is told by the request on it.
            let _ = connection.await;
        });
        let (head, body) = sender.send_request(request).await.with_context(not_http)?.into_parts();
        let body = Limited::new(body, MOST_BODY).collect().await;
        let body = body.map_err(|error| anyhow!("the answer of {} cannot be read: {error}", self.site))?;
        let body = body.to_bytes();
        if !head.status.is_success() {
            bail!(self.refused(head.status, &body));
        }
        let cookies = head.headers.get_all(header::SET_COOKIE).iter().map(|value| value.as_bytes().to_vec());
        Ok(Answer { cookies: cookies.collect(), body })
    }

    /// What the server said instead, for a person.
    fn refused(&self, status: StatusCode, body: &[u8]) -> String {
        let site = &self.site;
        if status.is_redirection() {
            return format!(
                "{site} sends on to another address ({status}): give the right one with --server"
            );
        }
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        match (problem.title.as_str(), problem.detail.as_str()) {
            ("", "") => format!("{site} answered {status}, without words: is this a Touchstone server?"),
            (title, "") => format!("{site} refused: {}", shown(title)),
            ("", detail) => format!("{site} refused: {}", shown(detail)),
            (title, detail) => format!("{site} refused: {}: {}", shown(title), shown(detail)),
        }
    }
}

impl Answer {
    /// What the server said.
    pub(super) fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|_| anyhow!("the server's answer is not Touchstone's: is --server the right address?"))
    }

    /// The session that came with it.
    pub(super) fn session(&self) -> anyhow::Result<Secret> {
        let session = cookie::given(self.cookies.iter().map(Vec::as_slice)).ok().flatten();
        session.context("the server took the signature and gave no session: is --server the right address?")
    }
}

/// TLS that trusts Mozilla's authorities and, if there is one, those in a PEM file.
fn connector(ca_file: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    if let Some(path) = ca_file {
        let read = || format!("{} holds no certificates in PEM form", path.display());
        let found = CertificateDer::pem_file_iter(path).with_context(read)?;
        let before = roots.len();
        for certificate in found {
            roots.add(certificate.with_context(read)?).with_context(read)?;
        }
        ensure!(roots.len() > before, read());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("this program's TLS has no protocol version")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
