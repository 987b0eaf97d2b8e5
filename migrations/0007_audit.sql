-- Who did what, counted from 1. detail: JSON. Append-only.
CREATE TABLE audit (
    number BIGINT NOT NULL PRIMARY KEY CHECK (number >= 1),
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);

CREATE INDEX audit_subject ON audit (subject, number);
