-- Ranking n of a season, as canonical JSON, chained to the one before. Append-only.
CREATE TABLE publication (
    season TEXT NOT NULL REFERENCES season (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    digest TEXT NOT NULL,
    previous TEXT,
    windows BIGINT NOT NULL,
    document BYTEA NOT NULL,
    published_ms BIGINT NOT NULL,
    PRIMARY KEY (season, number),
    UNIQUE (season, digest),
    CHECK ((number = 1) = (previous IS NULL))
);

-- What reviewers decided on a publication, counted from 1 for each season. Append-only: a
-- correction is a new row that names the one it replaces.
CREATE TABLE decision (
    season TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    operator TEXT NOT NULL,
    publication BIGINT NOT NULL,
    publication_digest TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('admit', 'waitlist', 'reject')),
    reason TEXT NOT NULL CHECK (reason <> ''),
    reviewer TEXT NOT NULL CHECK (reviewer <> ''),
    replaces BIGINT CHECK (replaces < number),
    decided_ms BIGINT NOT NULL,
    PRIMARY KEY (season, number),
    UNIQUE (season, replaces),
    FOREIGN KEY (season, publication) REFERENCES publication (season, number),
    FOREIGN KEY (season, operator) REFERENCES operator (season, id),
    FOREIGN KEY (season, replaces) REFERENCES decision (season, number)
);

-- One first decision an operator; every later one replaces another.
CREATE UNIQUE INDEX decision_first ON decision (season, operator) WHERE replaces IS NULL;
