-- Work that one process at a time does, such as conducting a season; counted from 1 for each kind
-- and subject. position: order in the queue. due_ms: not before.
CREATE TABLE job (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    position BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done')),
    worker TEXT,
    epoch BIGINT NOT NULL,
    lease_until_ms BIGINT,
    due_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    failure TEXT,
    queued_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    PRIMARY KEY (kind, subject, number),
    CHECK ((state = 'leased') = (lease_until_ms IS NOT NULL)),
    CHECK ((state = 'done') = (ended_ms IS NOT NULL)),
    CHECK (state <> 'leased' OR worker IS NOT NULL)
);

CREATE UNIQUE INDEX job_open ON job (kind, subject) WHERE state <> 'done';

CREATE INDEX job_queue ON job (kind, state, position);

CREATE INDEX job_position ON job (position);
