-- Rows of these tables are never changed or removed. Applied after the migrations, at every opening:
-- everything here may be run again. INSERT OR REPLACE removes rows without asking the triggers of
-- DELETE, so that an INSERT in the place of another row is refused too.

CREATE TRIGGER IF NOT EXISTS evidence_update BEFORE UPDATE ON evidence BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS evidence_delete BEFORE DELETE ON evidence BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS evidence_replace BEFORE INSERT ON evidence
    WHEN EXISTS (SELECT 1 FROM evidence WHERE season = NEW.season AND run = NEW.run)
BEGIN
    SELECT RAISE(ABORT, 'evidence is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS publication_update BEFORE UPDATE ON publication BEGIN
    SELECT RAISE(ABORT, 'publication is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS publication_delete BEFORE DELETE ON publication BEGIN
    SELECT RAISE(ABORT, 'publication is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS publication_replace BEFORE INSERT ON publication
    WHEN EXISTS (SELECT 1 FROM publication WHERE season = NEW.season AND (number = NEW.number OR digest = NEW.digest))
BEGIN
    SELECT RAISE(ABORT, 'publication is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS decision_update BEFORE UPDATE ON decision BEGIN
    SELECT RAISE(ABORT, 'decision is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS decision_delete BEFORE DELETE ON decision BEGIN
    SELECT RAISE(ABORT, 'decision is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS decision_replace BEFORE INSERT ON decision
    WHEN EXISTS (SELECT 1 FROM decision WHERE season = NEW.season AND (number = NEW.number OR replaces = NEW.replaces
            OR (operator = NEW.operator AND replaces IS NULL AND NEW.replaces IS NULL)))
BEGIN
    SELECT RAISE(ABORT, 'decision is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS audit_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'audit is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS audit_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'audit is append-only: a correction is a new row that names the old one');
END;

CREATE TRIGGER IF NOT EXISTS audit_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only: a correction is a new row that names the old one');
END;
