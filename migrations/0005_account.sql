-- Signed-in accounts. digest: SHA-256 of the secret in the cookie; the secret itself is nowhere.
CREATE TABLE session (
    digest TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);

CREATE INDEX session_account ON session (account);

-- Numbers used once: taken by deleting them. purpose: what it may be used for.
CREATE TABLE nonce (
    value TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- API tokens. digest: SHA-256 of the token; the token itself is nowhere.
CREATE TABLE token (
    digest TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT,
    revoked_ms BIGINT
);

CREATE INDEX token_account ON token (account);
