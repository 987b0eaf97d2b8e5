-- Who takes part in a season. account: lower-case 0x address; contact: private, never published.
CREATE TABLE operator (
    season TEXT NOT NULL REFERENCES season (id),
    id TEXT NOT NULL,
    account TEXT,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('candidate', 'control')),
    standing TEXT NOT NULL CHECK (standing IN ('applied', 'verified', 'competing', 'withdrawn', 'barred')),
    contact TEXT,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (season, id)
);

-- Several operators without an account are possible: NULLs differ from each other in both engines.
CREATE UNIQUE INDEX operator_account ON operator (season, account);

-- Nodes as declared, counted from 1 for each operator; a withdrawn one stays as history.
-- target: the address that is loaded, as the server writes it.
CREATE TABLE node (
    season TEXT NOT NULL,
    operator TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    rpc TEXT NOT NULL,
    target TEXT NOT NULL,
    path TEXT NOT NULL,
    region TEXT,
    client TEXT,
    declared_ms BIGINT NOT NULL,
    withdrawn_ms BIGINT,
    PRIMARY KEY (season, operator, number),
    FOREIGN KEY (season, operator) REFERENCES operator (season, id)
);

CREATE UNIQUE INDEX node_target ON node (season, target) WHERE withdrawn_ms IS NULL;

CREATE UNIQUE INDEX node_current ON node (season, operator) WHERE withdrawn_ms IS NULL;
