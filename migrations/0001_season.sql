-- A chain as seasons know it. id: SHA-256 of its canonical JSON.
CREATE TABLE network (
    id TEXT NOT NULL PRIMARY KEY,
    family TEXT NOT NULL,
    chain_id TEXT NOT NULL, -- unsigned 64 bit, in decimal
    genesis TEXT NOT NULL,
    incarnation BIGINT NOT NULL
);

-- A recruitment round. declaration: as the foundation wrote it; may change until the season is frozen.
-- document: the canonical JSON of the frozen season; written once. digest: its SHA-256.
CREATE TABLE season (
    id TEXT NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL
        CHECK (stage IN ('draft', 'open', 'trials', 'review', 'published', 'archived', 'suspended')),
    resumes TEXT CHECK (resumes IN ('open', 'trials', 'review')),
    declaration BYTEA,
    network TEXT REFERENCES network (id),
    document BYTEA,
    digest TEXT,
    created_ms BIGINT NOT NULL,
    frozen_ms BIGINT,
    changed_ms BIGINT NOT NULL,
    CHECK ((stage = 'suspended') = (resumes IS NOT NULL)),
    CHECK ((document IS NULL) = (digest IS NULL)),
    CHECK ((document IS NULL) = (network IS NULL)),
    CHECK ((document IS NULL) = (frozen_ms IS NULL)),
    CHECK (document IS NOT NULL OR COALESCE(resumes, stage) IN ('draft', 'open'))
);

-- A challenge as frozen for the season. document: its canonical JSON. number: its place in the season.
CREATE TABLE trial (
    season TEXT NOT NULL REFERENCES season (id),
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    document BYTEA NOT NULL,
    PRIMARY KEY (season, id)
);

-- A time in which everybody is measured. (`window` alone is a reserved word.)
CREATE TABLE season_window (
    season TEXT NOT NULL REFERENCES season (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    opened_ms BIGINT,
    closed_ms BIGINT,
    PRIMARY KEY (season, number),
    CHECK (closed_ms IS NULL OR opened_ms IS NOT NULL)
);
