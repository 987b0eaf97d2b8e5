//! The server's side of sign-in over maps instead of a database, and ways for it to misbehave.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use model::Seed;
use serde_json::json;
use server::account::Account;
use server::account::cookie;
use server::account::origin::Origin;
use server::account::secret::{Kind, Secret};
use server::account::sign_in::{Expected, MAX_AGE_MS, Nonce, Proof, draft, prove};
use server::account::signature::Prefix;
use server::account::timestamp::Timestamp;
use server::account::token::{Scope, Terms};
use server::account::wire::{Granted, Offer, SIGN_IN, Signed, TOKENS, TokenRequest};
use server::season::secret::random_seed;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) const CHAIN: u64 = 1001;

/// How the offered text differs from an honest one.
pub(crate) type Lie = fn(String) -> String;

/// A token as a database would keep it.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) account: Account,
    pub(crate) name: String,
    pub(crate) terms: Terms,
}

/// What the server knows.
pub(crate) struct Known {
    site: Origin,
    lie: Lie,
    nonces: Mutex<HashMap<Nonce, Account>>,
    sessions: Mutex<HashMap<[u8; 32], Account>>,
    pub(crate) tokens: Mutex<HashMap<[u8; 32], Kept>>,
    /// Who signed in, and how.
    pub(crate) proofs: Mutex<Vec<(Account, Prefix)>>,
    /// Signatures that arrived, good or bad.
    pub(crate) signatures: Mutex<Vec<Signed>>,
    /// Every request.
    pub(crate) requests: Mutex<Vec<String>>,
}

/// A server that runs until the test ends.
pub(crate) struct SignInServer {
    pub(crate) site: Origin,
    pub(crate) known: Arc<Known>,
}

impl SignInServer {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::lying(|text| text).await
    }

    pub(crate) async fn lying(lie: Lie) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let site = format!("http://{}", listener.local_addr()?).parse()?;
        Ok(Self::on(listener, site, lie))
    }

    /// With the certificate in `support/tls`, for the name `localhost`.
    pub(crate) async fn encrypted() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let site = format!("https://localhost:{}", listener.local_addr()?.port()).parse()?;
        Ok(Self::on(Encrypted { listener, tls: acceptor()? }, site, |text| text))
    }

    fn on<L: Listener>(listener: L, site: Origin, lie: Lie) -> Self
    where
        L::Addr: std::fmt::Debug,
    {
        let known = Arc::new(Known {
            site: site.clone(),
            lie,
            nonces: Mutex::default(),
            sessions: Mutex::default(),
            tokens: Mutex::default(),
            proofs: Mutex::default(),
            signatures: Mutex::default(),
            requests: Mutex::default(),
        });
        let app = Router::new()
            .route(SIGN_IN, get(offer).post(sign_in))
            .route(TOKENS, post(token))
            .with_state(known.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { site, known }
    }
}

fn random() -> [u8; 32] {
    *random_seed().expect("the system has randomness").as_bytes()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_millis()).expect("it is before the year 9999")
}

impl Known {
    fn expected(&self) -> Expected {
        Expected { site: self.site.clone(), chain_id: CHAIN, now_ms: now_ms(), max_age_ms: MAX_AGE_MS }
    }

    fn saw(&self, what: &str) {
        self.requests.lock().unwrap().push(what.to_owned());
    }

    /// A proof whose nonce was given to this account and not taken before.
    fn take(&self, signed: &Signed) -> Result<Proof, String> {
        let proof =
            prove(&signed.message, &signed.signature, &self.expected()).map_err(|why| why.to_string())?;
        match self.nonces.lock().unwrap().remove(&proof.nonce) {
            Some(account) if account == proof.account => Ok(proof),
            _ => Err("the nonce was taken: ask for a new text".into()),
        }
    }
}

async fn offer(State(known): State<Arc<Known>>, uri: Uri) -> Response {
    known.saw("offer");
    let asked = uri.query().and_then(|query| query.strip_prefix("address="));
    let Some(Ok(account)) = asked.map(Account::typed) else {
        return problem(StatusCode::BAD_REQUEST, "no address", "give ?address=0x…");
    };
    let nonce = Nonce::new(random()[..16].try_into().expect("16 of 32 bytes"));
    known.nonces.lock().unwrap().insert(nonce, account);
    let message = draft(&known.expected(), account, &nonce).to_string();
    Json(Offer { message: (known.lie)(message) }).into_response()
}

async fn sign_in(State(known): State<Arc<Known>>, Json(signed): Json<Signed>) -> Response {
    known.saw("sign-in");
    known.signatures.lock().unwrap().push(signed.clone());
    let proof = match known.take(&signed) {
        Ok(proof) => proof,
        Err(why) => return problem(StatusCode::UNAUTHORIZED, "not signed in", &why),
    };
    let session = Secret::new(Kind::Session, random());
    known.sessions.lock().unwrap().insert(session.digest(), proof.account);
    known.proofs.lock().unwrap().push((proof.account, proof.prefix));
    ([(header::SET_COOKIE, cookie::set(&session, 3600))], Json(json!({}))).into_response()
}

async fn token(
    State(known): State<Arc<Known>>,
    headers: HeaderMap,
    Json(wanted): Json<TokenRequest>,
) -> Response {
    known.saw("token");
    let session = cookie::read(headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes()));
    let account =
        session.ok().flatten().and_then(|s| known.sessions.lock().unwrap().get(&s.digest()).copied());
    let Some(account) = account else {
        return problem(StatusCode::UNAUTHORIZED, "not signed in", "sign in first");
    };
    if wanted.scope == Scope::Review {
        return problem(StatusCode::FORBIDDEN, "no reviewer", "\u{1b}[31mask the foundation\u{202e}");
    }
    let terms = match Terms::new(wanted.scope, wanted.days, now_ms()) {
        Ok(terms) => terms,
        Err(why) => return problem(StatusCode::UNPROCESSABLE_ENTITY, "no such token", &why.to_string()),
    };
    let secret = Secret::new(Kind::Token, random());
    let kept = Kept { account, name: wanted.name, terms };
    known.tokens.lock().unwrap().insert(secret.digest(), kept);
    Json(Granted { token: secret.reveal(), expires: Timestamp::from_ms(terms.expires_ms) }).into_response()
}

fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = json!({ "title": title, "detail": detail, "status": status.as_u16() }).to_string();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// Made by openssl for `localhost` and 127.0.0.1, valid 2020 to 2119, signed by `ca.pem`, whose key
/// nobody has.
fn acceptor() -> anyhow::Result<TlsAcceptor> {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("tls/server.pem"))?];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

struct Encrypted {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // A client that does not trust the certificate goes away; the next one may.
            if let Ok((stream, address)) = self.listener.accept().await
                && let Ok(stream) = self.tls.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// The seed of a test's own key.
pub(crate) fn key_bytes(number: u64) -> [u8; 32] {
    *Seed::from_number(number).as_bytes()
}
