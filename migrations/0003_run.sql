-- One trial on one operator's node in one window, one attempt. name: `w01.TRIAL.OPERATOR.1`.
-- position: order in the queue, over all seasons. epoch: rises with each lease, so that an old
-- holder can be told from the present one.
CREATE TABLE run (
    season TEXT NOT NULL,
    name TEXT NOT NULL,
    window_number BIGINT NOT NULL,
    trial TEXT NOT NULL,
    operator TEXT NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    target TEXT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'measured')),
    worker TEXT,
    epoch BIGINT NOT NULL,
    lease_until_ms BIGINT,
    evidence TEXT,
    queued_ms BIGINT NOT NULL,
    leased_ms BIGINT,
    ended_ms BIGINT,
    PRIMARY KEY (season, name),
    UNIQUE (season, window_number, trial, operator, attempt),
    FOREIGN KEY (season, window_number) REFERENCES season_window (season, number),
    FOREIGN KEY (season, trial) REFERENCES trial (season, id),
    FOREIGN KEY (season, operator) REFERENCES operator (season, id),
    CHECK ((state = 'queued') = (worker IS NULL)),
    CHECK ((state = 'leased') = (lease_until_ms IS NOT NULL)),
    CHECK ((state = 'measured') = (evidence IS NOT NULL)),
    CHECK ((state = 'measured') = (ended_ms IS NOT NULL))
);

-- One lease a target, whatever the season: two runs on one node would measure each other.
CREATE UNIQUE INDEX run_lease ON run (target) WHERE state = 'leased';

CREATE INDEX run_queue ON run (state, position);

CREATE INDEX run_position ON run (position);

-- The record of a run, kept in a file that its digest names. Append-only.
CREATE TABLE evidence (
    season TEXT NOT NULL,
    run TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    kept_ms BIGINT NOT NULL,
    PRIMARY KEY (season, run),
    FOREIGN KEY (season, run) REFERENCES run (season, name)
);
